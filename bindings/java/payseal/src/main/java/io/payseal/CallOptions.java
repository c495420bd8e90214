package io.payseal;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Objects;

/**
 * The options of one call. What is not set follows the client's configuration. Immutable.
 *
 * <p>Opening a notification takes {@code timeout}, {@code traceId}, {@code expect} and {@code acceptUnauthenticated}; {@code io.payseal.payments.Payments}
 * take {@code timeout}, {@code maxAttempts} and {@code traceId}.
 */
public final class CallOptions {
    private final ObjectNode json;

    private CallOptions(ObjectNode json) {
        this.json = json;
    }

    /**
     * Starts with nothing set.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    ObjectNode json() {
        return json;
    }

    /** Collects options. Not safe for use by several threads at once. */
    public static final class Builder {
        private final ObjectNode json = Json.MAPPER.createObjectNode();

        private Builder() {}

        /**
         * The total time of the call with all its attempts.
         *
         * @param timeout counted in milliseconds
         * @return this builder
         */
        public Builder timeout(Duration timeout) {
            json.put("timeout_ms", timeout.toMillis());
            return this;
        }

        /**
         * How many times the call is sent at most.
         *
         * @param maxAttempts 1 means no retry
         * @return this builder
         */
        public Builder maxAttempts(int maxAttempts) {
            json.put("max_attempts", maxAttempts);
            return this;
        }

        /**
         * Sent as {@code Idempotency-Key}, and the operation is repeated. Only for operations whose documentation names this
         * header: another would take effect once per attempt.
         *
         * @param idempotencyKey the key
         * @return this builder
         */
        public Builder idempotencyKey(String idempotencyKey) {
            return text("idempotency_key", idempotencyKey);
        }

        /**
         * Copied into log records.
         *
         * @param traceId visible ASCII, at most 64 characters
         * @return this builder
         */
        public Builder traceId(String traceId) {
            return text("trace_id", traceId);
        }

        /**
         * The {@code Accept} header, if it is not JSON.
         *
         * @param accept a media type
         * @return this builder
         */
        public Builder accept(String accept) {
            return text("accept", accept);
        }

        /**
         * The type of {@link Params.Builder#payload(byte[])}, if it is not JSON.
         *
         * @param contentType a media type
         * @return this builder
         */
        public Builder contentType(String contentType) {
            return text("content_type", contentType);
        }

        /**
         * Makes the request an upload of {@link Params.Builder#payload(byte[])} under this name.
         *
         * @param filename the file's name
         * @return this builder
         */
        public Builder filename(String filename) {
            return text("filename", filename);
        }

        /**
         * Sends the parameters of a catalogued operation without checking them: for what the provider has added since this
         * version of the library. They are placed, completed and encrypted all the same.
         *
         * @return this builder
         */
        public Builder unchecked() {
            json.put("unchecked", true);
            return this;
        }

        /**
         * What the verified answer or notification must say; may be used repeatedly. Otherwise the call fails with
         * {@link ErrorCode#RESPONSE_MISMATCH}.
         *
         * @param path the member, with dots, e.g. {@code "amount.total"}
         * @param value its value: text, a number, a boolean
         * @return this builder
         */
        public Builder expect(String path, Object value) {
            json.withObject("/expect").putPOJO(Objects.requireNonNull(path, "path"), value);
            return this;
        }

        /**
         * Lets a notification be opened that is encrypted but not signed (refunds of WeChat Pay APIv2), which is {@link
         * ErrorCode#SIGNATURE_MISSING} otherwise. Whoever sets it executes {@link Event#confirmWith()} before acting on an event
         * that is {@code "encrypted_only"}. For notifications alone.
         *
         * @return this builder
         */
        public Builder acceptUnauthenticated() {
            json.put("accept_unauthenticated", true);
            return this;
        }

        /**
         * Done.
         *
         * @return the options
         */
        public CallOptions build() {
            return new CallOptions(json.deepCopy());
        }

        private Builder text(String key, String value) {
            json.put(key, Objects.requireNonNull(value, key));
            return this;
        }
    }
}
