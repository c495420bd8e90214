package io.payseal;

import java.nio.charset.StandardCharsets;
import java.util.Objects;

/** A verified answer: the very bytes whose signature was checked. */
public final class Result {
    private final byte[] body;
    private final byte[] info;

    Result(byte[] body, byte[] info) {
        this.body = body;
        this.info = info;
    }

    /**
     * The body, exactly as it was received and verified.
     *
     * @return the bytes; empty when the provider had nothing to say (204)
     */
    public byte[] body() {
        return body.clone();
    }

    /**
     * The body as text.
     *
     * @return the UTF-8 text
     */
    public String text() {
        return new String(body, StandardCharsets.UTF_8);
    }

    /**
     * The body as a model.
     *
     * @param type a record of {@code io.payseal.wechat}, a class of your own, or Jackson's {@code JsonNode}
     * @param <T> that type
     * @return the model
     * @throws java.io.UncheckedIOException when the body is not JSON of this shape
     */
    public <T> T as(Class<T> type) {
        return Json.read(body, Objects.requireNonNull(type, "type"));
    }

    /**
     * Of a flow: whether the state is final.
     *
     * @return {@code false} where the deadline passed first, and for what is no flow
     */
    public boolean isFinal() {
        return Boolean.TRUE.equals(info().isFinal());
    }

    /**
     * How the answer came about.
     *
     * @return status, request id, attempts and the like
     */
    public ResultInfo info() {
        return Json.read(info, ResultInfo.class);
    }
}
