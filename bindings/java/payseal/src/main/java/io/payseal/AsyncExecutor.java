package io.payseal;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** Runs blocking calls as futures: on the caller's executor, or on threads of its own that go away when idle. */
final class AsyncExecutor implements AutoCloseable {
    private static final int THREADS = 64;
    private static final int IDLE_SECONDS = 30;

    private final Executor given;
    private ThreadPoolExecutor own;
    private boolean closed;

    AsyncExecutor(Executor given) {
        this.given = given;
    }

    <T> CompletableFuture<T> submit(Function<Cancel, T> work) {
        CompletableFuture<T> future = new CompletableFuture<>();
        Cancel cancel = new Cancel();
        future.whenComplete((value, error) -> cancel.trigger());
        try {
            executor().execute(() -> run(work, future, cancel));
        } catch (RuntimeException rejected) {
            cancel.close();
            throw rejected;
        }
        return future;
    }

    private static <T> void run(Function<Cancel, T> work, CompletableFuture<T> future, Cancel cancel) {
        try {
            T value = future.isDone() ? null : work.apply(cancel);
            cancel.close();
            future.complete(value);
        } catch (Throwable error) {
            cancel.close();
            future.completeExceptionally(error);
        }
    }

    private synchronized Executor executor() {
        if (given != null) {
            return given;
        }
        if (own == null) {
            own = new ThreadPoolExecutor(
                    THREADS,
                    THREADS,
                    IDLE_SECONDS,
                    TimeUnit.SECONDS,
                    new LinkedBlockingQueue<>(),
                    AsyncExecutor::thread,
                    // Only a closed pool refuses, and then the client is closed: the call fails at once, on the
                    // caller's thread.
                    (work, pool) -> work.run());
            own.allowCoreThreadTimeOut(true);
            if (closed) {
                own.shutdown();
            }
        }
        return own;
    }

    private static Thread thread(Runnable work) {
        Thread thread = new Thread(work, "payseal-call");
        thread.setDaemon(true);
        return thread;
    }

    /** What was submitted is still run; on a closed client it fails at once. */
    @Override
    public synchronized void close() {
        closed = true;
        if (own != null) {
            own.shutdown();
        }
    }
}
