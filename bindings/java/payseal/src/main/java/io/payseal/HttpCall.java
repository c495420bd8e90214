package io.payseal;

import java.net.ConnectException;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.security.cert.CertificateException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** One call on its way over a {@link HttpClient}: steps, sends, waits, until it is done. */
final class HttpCall<T> {
    /** The client writes these itself, and refuses to be given them. */
    private static final Set<String> WRITTEN_BY_CLIENT =
            Set.of("connection", "content-length", "expect", "host", "upgrade");

    /** By the place of the client whose request it is. */
    private final List<HttpClient> https;

    private final Call<T> call;
    private final CompletableFuture<T> future = new CompletableFuture<>();

    /** What {@link #cancel()} must stop: an exchange or a pause. */
    private Future<?> pending;

    private boolean cancelled;

    /** Why the last exchange failed; becomes the cause of the call's exception. */
    private Throwable lastFailure;

    HttpCall(List<HttpClient> https, Call<T> call) {
        this.https = https;
        this.call = call;
    }

    CompletableFuture<T> start() {
        advance();
        return future;
    }

    /** Ends the exchange or the pause; the call then ends with the core's answer to that. */
    void cancel() {
        Future<?> stop;
        synchronized (this) {
            cancelled = true;
            stop = pending;
        }
        if (stop != null) {
            stop.cancel(true);
        }
    }

    private void advance() {
        try {
            Step step = call.step();
            if (step instanceof Step.Send send) {
                send(send);
            } else if (step instanceof Step.Wait pause) {
                pause(pause);
            } else {
                T result = call.result();
                call.close();
                future.complete(result);
            }
        } catch (Throwable failure) {
            end(failure);
        }
    }

    private void end(Throwable failure) {
        call.close();
        if (failure instanceof PaysealException && failure.getCause() == null && lastFailure != null) {
            failure.initCause(lastFailure);
        }
        future.completeExceptionally(failure);
    }

    private void send(Step.Send send) {
        CompletableFuture<HttpResponse<byte[]>> exchange =
                https.get(call.client()).sendAsync(request(send), head -> new BoundedBody(send.maxResponseBytes()));
        stoppable(exchange);
        // The client's own timeout ends with the headers; this one also covers the body.
        exchange.copy()
                .orTimeout(send.timeout().toMillis(), TimeUnit.MILLISECONDS)
                .whenComplete((response, failure) -> {
                    if (failure != null) {
                        exchange.cancel(true);
                    }
                    handOver(response, failure);
                });
    }

    private static HttpRequest request(Step.Send send) {
        HttpRequest.Builder request = HttpRequest.newBuilder(send.uri())
                .version(HttpClient.Version.HTTP_1_1)
                .method(
                        send.method(),
                        send.body().length == 0
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofByteArray(send.body()));
        for (Map.Entry<String, String> header : send.headers()) {
            if (!WRITTEN_BY_CLIENT.contains(header.getKey().toLowerCase(Locale.ROOT))) {
                request.header(header.getKey(), header.getValue());
            }
        }
        return request.build();
    }

    private void handOver(HttpResponse<byte[]> response, Throwable failure) {
        try {
            if (failure == null) {
                call.respond(response.statusCode(), response.headers().map(), response.body());
            } else {
                lastFailure = failure instanceof CompletionException ? failure.getCause() : failure;
                call.fail(kind(lastFailure), lastFailure.toString());
            }
        } catch (Throwable refused) {
            end(refused);
            return;
        }
        advance();
    }

    private synchronized boolean isCancelled() {
        return cancelled;
    }

    private Failure kind(Throwable failure) {
        if (isCancelled()) {
            return Failure.CANCELLED;
        }
        if (failure instanceof ConnectException
                || failure instanceof HttpConnectTimeoutException
                || isRefusedCertificate(failure)) {
            return Failure.NOT_SENT;
        }
        if (failure instanceof HttpTimeoutException || failure instanceof TimeoutException) {
            return Failure.TIMEOUT;
        }
        return Failure.SENT;
    }

    /** Other alerts may come after the handshake, when the request has left. */
    private static boolean isRefusedCertificate(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof CertificateException) {
                return true;
            }
        }
        return false;
    }

    private void pause(Step.Wait pause) {
        Executor later = CompletableFuture.delayedExecutor(pause.delay().toMillis(), TimeUnit.MILLISECONDS);
        CompletableFuture<Void> waiting = new CompletableFuture<>();
        later.execute(() -> waiting.complete(null));
        stoppable(waiting);
        waiting.whenComplete((nothing, stopped) -> {
            if (stopped == null) {
                advance();
            } else {
                handOver(null, stopped);
            }
        });
    }

    private void stoppable(Future<?> next) {
        synchronized (this) {
            pending = next;
            if (!cancelled) {
                return;
            }
        }
        next.cancel(true);
    }
}
