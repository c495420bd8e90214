package io.payseal;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;

/** Moves the bytes of a download over a {@link HttpClient}; what to send, and when again, is the core's decision. */
final class DownloadOverHttp {
    private static final int PIECE = 64 << 10;

    private final HttpClient http;
    private final byte[] piece = new byte[PIECE];
    private BodyPieces body;
    private CompletableFuture<Void> timer;

    /** Set when the time of the whole exchange is over. */
    private volatile boolean late;

    private Throwable lastFailure;

    DownloadOverHttp(HttpClient http) {
        this.http = http;
    }

    /** Goes on until there are bytes, or the download is done: then 0. */
    int read(long download, byte[] out, int offset, int length) {
        long[] waitMs = new long[1];
        try {
            while (true) {
                switch (DownloadNative.step(download, waitMs)) {
                    case 1 -> send(download);
                    case 2 -> pause(download, waitMs[0]);
                    case 4 -> receive(download);
                    case 5 -> {
                        int taken = DownloadNative.take(download, out, offset, length);
                        if (taken > 0) {
                            return taken;
                        }
                    }
                    default -> {
                        return 0;
                    }
                }
            }
        } catch (PaysealException failure) {
            hangUp();
            if (failure.getCause() == null && lastFailure != null) {
                failure.initCause(lastFailure);
            }
            throw failure;
        }
    }

    private void send(long download) {
        hangUp();
        Request asked = Json.read(DownloadNative.request(download), Request.class);
        byte[] content = DownloadNative.body(download);
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(asked.url))
                .version(HttpClient.Version.HTTP_1_1)
                .timeout(Duration.ofMillis(asked.headTimeoutMs == null ? asked.timeoutMs : asked.headTimeoutMs))
                .method(
                        asked.method,
                        content.length == 0
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofByteArray(content));
        asked.headers.forEach(header -> request.header(header.get(0), header.get(1)));
        try {
            HttpResponse<Flow.Publisher<List<ByteBuffer>>> response =
                    http.send(request.build(), HttpResponse.BodyHandlers.ofPublisher());
            body = new BodyPieces();
            response.body().subscribe(body);
            endAfter(asked.timeoutMs, body);
            DownloadNative.respond(
                    download,
                    response.statusCode(),
                    HeaderLines.of(response.headers().map()));
        } catch (IOException | InterruptedException failure) {
            fail(download, failure);
        }
    }

    /** The client's own timeout ends with the headers; this one also covers the body. */
    private void endAfter(long timeoutMs, BodyPieces guarded) {
        late = false;
        timer = new CompletableFuture<Void>().orTimeout(timeoutMs, TimeUnit.MILLISECONDS);
        timer.whenComplete((nothing, over) -> {
            if (over != null) {
                late = true;
                guarded.close();
            }
        });
    }

    private void receive(long download) {
        int read;
        try {
            read = body.read(piece);
        } catch (IOException | InterruptedException failure) {
            fail(download, failure);
            return;
        }
        if (read < 0) {
            DownloadNative.end(download);
        } else {
            DownloadNative.receive(download, piece, read);
        }
    }

    private void pause(long download, long milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException failure) {
            fail(download, failure);
        }
    }

    private void fail(long download, Exception failure) {
        hangUp();
        lastFailure = failure;
        DownloadNative.fail(download, kind(failure).number(), failure.toString().getBytes(StandardCharsets.UTF_8));
    }

    private Failure kind(Exception failure) {
        if (failure instanceof InterruptedException
                || failure instanceof InterruptedIOException
                || Thread.currentThread().isInterrupted()) {
            Thread.currentThread().interrupt();
            return Failure.CANCELLED;
        }
        if (failure instanceof ConnectException
                || failure instanceof HttpConnectTimeoutException
                || isRefusedCertificate(failure)) {
            return Failure.NOT_SENT;
        }
        return late || failure instanceof HttpTimeoutException ? Failure.TIMEOUT : Failure.SENT;
    }

    private static boolean isRefusedCertificate(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof CertificateException) {
                return true;
            }
        }
        return false;
    }

    void hangUp() {
        BodyPieces open = body;
        body = null;
        if (timer != null) {
            timer.complete(null);
        }
        if (open != null) {
            open.close();
        }
    }

    private record Request(
            @JsonProperty("method") String method,
            @JsonProperty("url") String url,
            @JsonProperty("headers") List<List<String>> headers,
            @JsonProperty("timeout_ms") long timeoutMs,
            @JsonProperty("head_timeout_ms") Long headTimeoutMs) {}
}
