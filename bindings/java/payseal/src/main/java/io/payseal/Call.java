package io.payseal;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.lang.ref.Reference;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/**
 * One call without I/O, for a host's own HTTP client: {@link #step()} says what to send or how long to wait; retries, failover
 * and key refresh happen behind it. To be used by one thread at a time.
 *
 * @param <T> {@link Result} for an operation, {@link Notification} for a notification
 */
public final class Call<T> implements AutoCloseable {
    private final Handle handle;
    private final Function<byte[][], T> outcome;

    /** Of payments: whose client the request is for, by its place. */
    private int client;

    Call(long pointer, Function<byte[][], T> outcome) {
        this.handle = new Handle(this, pointer, Native::callFree);
        this.outcome = outcome;
    }

    /**
     * What to do next. The request is signed anew at each step, so send it soon.
     *
     * @return send, wait or done
     * @throws PaysealException when the call cannot be made; nothing was sent by this step
     */
    public Step step() {
        try {
            long[] waitMs = new long[1];
            return switch (Native.callStep(handle.get(), waitMs)) {
                case 1 -> send();
                case 2 -> new Step.Wait(Duration.ofMillis(waitMs[0]));
                default -> new Step.Done();
            };
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    private Step.Send send() {
        Request request = Json.read(Native.callRequest(handle.get()), Request.class);
        client = request.client == null ? 0 : request.client;
        List<Map.Entry<String, String>> headers = new ArrayList<>(request.headers.size());
        request.headers.forEach(header -> headers.add(Map.entry(header.get(0), header.get(1))));
        return new Step.Send(
                request.method,
                URI.create(request.url),
                List.copyOf(headers),
                Native.callBody(handle.get()),
                Duration.ofMillis(request.timeoutMs),
                request.maxResponseBytes);
    }

    int client() {
        return client;
    }

    /**
     * The answer to what {@link Step.Send} asked for.
     *
     * @param status the HTTP status
     * @param headers the headers as received
     * @param body the raw body
     */
    public void respond(int status, Map<String, List<String>> headers, byte[] body) {
        Objects.requireNonNull(body, "body");
        try {
            Native.callRespond(handle.get(), status, HeaderLines.of(headers), body);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * No answer came to what {@link Step.Send} asked for.
     *
     * @param failure whether bytes left
     * @param reason a sentence for the error message
     */
    public void fail(Failure failure, String reason) {
        try {
            Native.callFail(handle.get(), failure.number(), reason.getBytes(StandardCharsets.UTF_8));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * The outcome, after {@link Step.Done}.
     *
     * @return the verified answer, or the opened notification
     * @throws PaysealException why there is none
     */
    public T result() {
        try {
            return outcome.apply(Native.callResult(handle.get()));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** Frees the call. May be repeated. */
    @Override
    public void close() {
        handle.close();
    }

    private record Request(
            @JsonProperty("method") String method,
            @JsonProperty("url") String url,
            @JsonProperty("headers") List<List<String>> headers,
            @JsonProperty("timeout_ms") long timeoutMs,
            @JsonProperty("max_response_bytes") long maxResponseBytes,
            @JsonProperty("client") Integer client) {}
}
