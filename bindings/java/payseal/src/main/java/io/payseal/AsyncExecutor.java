package io.payseal;

import java.util.concurrent.Callable;
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

    /** The same for work that an interrupt of its thread ends. */
    <T> CompletableFuture<T> submitInterruptibly(Callable<T> work) {
        CompletableFuture<T> future = new CompletableFuture<>();
        Running running = new Running();
        future.whenComplete((value, error) -> running.interrupt());
        executor().execute(() -> {
            if (!running.begin()) {
                return;
            }
            T value;
            try {
                value = work.call();
            } catch (Throwable error) {
                running.end();
                future.completeExceptionally(error);
                return;
            }
            running.end();
            future.complete(value);
        });
        return future;
    }

    /** The thread that works: interrupted while it does, and never afterwards, when it has other work. */
    private static final class Running {
        private Thread thread;
        private boolean over;
        private boolean interrupted;

        synchronized boolean begin() {
            thread = Thread.currentThread();
            return !over;
        }

        synchronized void interrupt() {
            over = true;
            if (thread != null) {
                interrupted = true;
                thread.interrupt();
            }
        }

        synchronized void end() {
            thread = null;
            if (interrupted) {
                Thread.interrupted();
            }
        }
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
