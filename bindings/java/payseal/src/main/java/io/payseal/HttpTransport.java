package io.payseal;

import java.net.http.HttpClient;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;

/** Drives calls over a {@link HttpClient}. It moves bytes; what to send, and when again, is the core's decision. */
final class HttpTransport {
    private final List<HttpClient> https;

    HttpTransport(HttpClient http) {
        this(List.of(http));
    }

    /** Each request goes through the one at the place of its client. */
    HttpTransport(List<HttpClient> https) {
        this.https = https;
    }

    HttpClient client() {
        return https.get(0);
    }

    /** No thread waits. Completing the future early, e.g. by cancelling it, cancels the call. */
    <T> CompletableFuture<T> start(Call<T> call) {
        HttpCall<T> running = new HttpCall<>(https, call);
        CompletableFuture<T> future = running.start();
        future.whenComplete((value, error) -> running.cancel());
        return future;
    }

    /** An interrupt cancels the call, and the core says what that means for the money. */
    <T> T await(Call<T> call) {
        HttpCall<T> running = new HttpCall<>(https, call);
        CompletableFuture<T> future = running.start();
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return future.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                    running.cancel();
                } catch (ExecutionException e) {
                    throw rethrow(e.getCause());
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static RuntimeException rethrow(Throwable cause) {
        if (cause instanceof PaysealException failure) {
            // The exception was made on another thread; the caller looks for its own frames.
            failure.setStackTrace(Thread.currentThread().getStackTrace());
            return failure;
        }
        if (cause instanceof Error error) {
            throw error;
        }
        return cause instanceof RuntimeException failure ? failure : new CompletionException(cause);
    }
}
