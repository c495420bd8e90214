package io.payseal;

import java.nio.charset.StandardCharsets;
import java.util.Objects;

/**
 * A notification that is the provider's: verified, fresh and decrypted. There is no other way to get one, but for {@link
 * CallOptions.Builder#acceptUnauthenticated()}; {@link Event#authenticity()} then says so.
 */
public final class Notification {
    private final byte[] plaintext;
    private final byte[] event;

    Notification(byte[] plaintext, byte[] event) {
        this.plaintext = plaintext;
        this.event = event;
    }

    /**
     * The envelope.
     *
     * @return what kind of event this is, and which
     */
    public Event event() {
        return Json.read(event, Event.class);
    }

    /**
     * The decrypted resource, byte for byte.
     *
     * @return UTF-8 JSON
     */
    public byte[] plaintext() {
        return plaintext.clone();
    }

    /**
     * The decrypted resource as text.
     *
     * @return JSON
     */
    public String text() {
        return new String(plaintext, StandardCharsets.UTF_8);
    }

    /**
     * The decrypted resource as a model.
     *
     * @param type a record of {@code io.payseal.wechat}, a class of your own, or Jackson's {@code JsonNode}
     * @param <T> that type
     * @return the model
     * @throws java.io.UncheckedIOException when the resource is not JSON of this shape
     */
    public <T> T as(Class<T> type) {
        return Json.read(plaintext, Objects.requireNonNull(type, "type"));
    }
}
