package io.payseal;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * What an operation is called with: path and query values, a body, options. Immutable.
 *
 * <p>Path and query values are given unescaped.
 */
public final class Params {
    private static final Params NONE = new Builder().build();

    private final Map<String, String> path;
    private final Map<String, String> query;
    private final Object body;
    private final byte[] payload;
    private final CallOptions options;
    private final String filename;

    private Params(Builder builder) {
        path = new LinkedHashMap<>(builder.path);
        query = new LinkedHashMap<>(builder.query);
        body = builder.body;
        payload = builder.payload;
        options = builder.options;
        filename = builder.filename;
    }

    /**
     * No parameters.
     *
     * @return empty parameters
     */
    public static Params none() {
        return NONE;
    }

    /**
     * Only a body.
     *
     * @param body a model, a {@link Map} or a Jackson {@code JsonNode}; see {@link Builder#body(Object)}
     * @return the parameters
     */
    public static Params ofBody(Object body) {
        return builder().body(body).build();
    }

    /**
     * Starts with nothing set.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /** The JSON that the core documents in {@code docs/abi.md}. */
    byte[] json() {
        return Json.write(tree());
    }

    /** The same with the operation it is for. */
    byte[] json(String operation) {
        return Json.write(tree().put("operation", operation));
    }

    private ObjectNode tree() {
        ObjectNode params = Json.MAPPER.createObjectNode();
        if (!path.isEmpty()) {
            params.putPOJO("path", path);
        }
        if (!query.isEmpty()) {
            params.putPOJO("query", query);
        }
        if (body != null) {
            params.putPOJO("body", body);
        }
        if (options != null) {
            params.set("$", options.json());
        }
        if (filename != null) {
            // The options are the caller's, and not to be changed.
            ObjectNode own =
                    options == null ? params.putObject("$") : options.json().deepCopy();
            params.set("$", own.put("filename", filename));
        }
        return params;
    }

    byte[] payload() {
        return payload;
    }

    /** Collects parameters. Not safe for use by several threads at once. */
    public static final class Builder {
        private final Map<String, String> path = new LinkedHashMap<>();
        private final Map<String, String> query = new LinkedHashMap<>();
        private Object body;
        private byte[] payload;
        private CallOptions options;
        private String filename;

        private Builder() {}

        /**
         * A value for a placeholder of the operation's path.
         *
         * @param name the name between the braces, e.g. {@code "out_trade_no"}
         * @param value the value, unescaped
         * @return this builder
         */
        public Builder path(String name, String value) {
            path.put(Objects.requireNonNull(name, "name"), Objects.requireNonNull(value, "value"));
            return this;
        }

        /**
         * A query parameter.
         *
         * @param name its name
         * @param value its value, unescaped; {@code null} leaves it out
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
         * The body, written as JSON. Members that are {@code null} are left out.
         *
         * @param body a model, a {@link Map} or a Jackson {@code JsonNode}; it must not change until the call is over
         * @return this builder
         */
        public Builder body(Object body) {
            this.body = body;
            return this;
        }

        /**
         * Makes the request an upload.
         *
         * @param filename the file's name, with its extension
         * @param file what is in it; it must not change until the call is over
         * @return this builder
         */
        public Builder file(String filename, byte[] file) {
            this.filename = Objects.requireNonNull(filename, "filename");
            this.payload = Objects.requireNonNull(file, "file");
            return this;
        }

        /**
         * Raw bytes: the exact body to send when there is no {@link #body(Object)}, or the file of an upload.
         *
         * @param payload the bytes; they must not change until the call is over
         * @return this builder
         */
        public Builder payload(byte[] payload) {
            this.payload = payload;
            return this;
        }

        /**
         * The options of this call.
         *
         * @param options the options; {@code null} for none
         * @return this builder
         */
        public Builder options(CallOptions options) {
            this.options = options;
            return this;
        }

        /**
         * Done.
         *
         * @return the parameters
         */
        public Params build() {
            return new Params(this);
        }
    }
}
