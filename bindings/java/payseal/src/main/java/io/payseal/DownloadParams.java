package io.payseal;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Which file is wanted: what an operation names, or one whose address is known. {@code io.payseal.wechat.files.Files} has ready
 * ones. Immutable.
 */
public final class DownloadParams {
    private final byte[] json;

    private DownloadParams(byte[] json) {
        this.json = json;
    }

    /**
     * Asks the provider for the file.
     *
     * @param operation the operation that names it, e.g. {@code "GET /v3/bill/tradebill"}
     * @return a builder
     */
    public static Builder ofOperation(String operation) {
        Builder builder = new Builder(Json.MAPPER.createObjectNode());
        builder.json.put("operation", Objects.requireNonNull(operation, "operation"));
        return builder;
    }

    /**
     * Takes the provider at its word: it was asked before.
     *
     * @param file what it said
     * @return a builder
     */
    public static Builder ofFile(FileAddress file) {
        return new Builder(Json.MAPPER.valueToTree(Objects.requireNonNull(file, "file")));
    }

    byte[] json() {
        return json;
    }

    /** Collects parameters. Not safe for use by several threads at once. */
    public static final class Builder {
        private final ObjectNode json;
        private final Map<String, String> path = new LinkedHashMap<>();
        private final Map<String, String> query = new LinkedHashMap<>();
        private final ObjectNode options = Json.MAPPER.createObjectNode();

        private Builder(ObjectNode json) {
            this.json = json;
        }

        /**
         * Fills a placeholder of the operation's path.
         *
         * @param name the placeholder
         * @param value its value, not encoded
         * @return this builder
         */
        public Builder path(String name, String value) {
            path.put(Objects.requireNonNull(name, "name"), Objects.requireNonNull(value, "value"));
            return this;
        }

        /**
         * Adds a query parameter of the operation.
         *
         * @param name its name
         * @param value its value, not encoded; {@code null} leaves it out
         * @return this builder
         */
        public Builder query(String name, String value) {
            Objects.requireNonNull(name, "name");
            if (value != null) {
                query.put(name, value);
            }
            return this;
        }

        /**
         * The body of the operation, for the few that have one.
         *
         * @param body anything that Jackson can write
         * @return this builder
         */
        public Builder body(Object body) {
            json.putPOJO("body", body);
            return this;
        }

        /**
         * Bounds the download with all its requests.
         *
         * @param timeout by default an hour, at most a day
         * @return this builder
         */
        public Builder timeout(Duration timeout) {
            options.put("timeout_ms", timeout.toMillis());
            return this;
        }

        /**
         * Waits for a file that is still being made, such as a receipt.
         *
         * @param time how long; by default not at all
         * @return this builder
         */
        public Builder waitFor(Duration time) {
            options.put("wait_ms", time.toMillis());
            return this;
        }

        /**
         * Bounds the attempts of each request.
         *
         * @param maxAttempts 1 means no retry
         * @return this builder
         */
        public Builder maxAttempts(int maxAttempts) {
            options.put("max_attempts", maxAttempts);
            return this;
        }

        /**
         * Bounds the file.
         *
         * @param maxBytes the longest it may become when it is unpacked
         * @return this builder
         */
        public Builder maxBytes(long maxBytes) {
            options.put("max_bytes", maxBytes);
            return this;
        }

        /**
         * Bounds the compression.
         *
         * @param maxRatio how many bytes one received byte may become
         * @return this builder
         */
        public Builder maxRatio(long maxRatio) {
            options.put("max_ratio", maxRatio);
            return this;
        }

        /**
         * Takes a file for which the provider gives no hash, and nobody vouches.
         *
         * @return this builder
         */
        public Builder allowUnverified() {
            options.put("allow_unverified", true);
            return this;
        }

        /**
         * Goes into log records.
         *
         * @param traceId visible ASCII, at most 64 characters
         * @return this builder
         */
        public Builder traceId(String traceId) {
            options.put("trace_id", Objects.requireNonNull(traceId, "traceId"));
            return this;
        }

        /**
         * Makes the parameters.
         *
         * @return the parameters
         */
        public DownloadParams build() {
            ObjectNode all = json.deepCopy();
            if (!path.isEmpty()) {
                all.putPOJO("path", path);
            }
            if (!query.isEmpty()) {
                all.putPOJO("query", query);
            }
            all.set("$", options);
            return new DownloadParams(Json.write(all));
        }
    }
}
