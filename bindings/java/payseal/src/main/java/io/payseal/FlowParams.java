package io.payseal;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** What a flow asks with, and how long. Immutable. See {@link PaysealClient#run}. */
public final class FlowParams {
    private final Map<String, String> path;
    private final Map<String, String> query;
    private final Object body;
    private final Map<String, Object> options;

    private FlowParams(Builder builder) {
        path = new LinkedHashMap<>(builder.path);
        query = new LinkedHashMap<>(builder.query);
        body = builder.body;
        options = new LinkedHashMap<>(builder.options);
    }

    /**
     * Starts with nothing set.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Only one value of the question's path, such as {@code "out_trade_no"}.
     *
     * @param name the placeholder
     * @param value its value, unescaped
     * @return the parameters
     */
    public static FlowParams ofPath(String name, String value) {
        return builder().path(name, value).build();
    }

    byte[] json() {
        Map<String, Object> parts = new LinkedHashMap<>();
        parts.put("path", path);
        parts.put("query", query);
        if (body != null) {
            parts.put("body", body);
        }
        parts.put("$", options);
        return Json.write(parts);
    }

    /** Collects what a flow asks with. Not safe for use by several threads at once. */
    public static final class Builder {
        private final Map<String, String> path = new LinkedHashMap<>();
        private final Map<String, String> query = new LinkedHashMap<>();
        private final Map<String, Object> options = new LinkedHashMap<>();
        private Object body;

        private Builder() {}

        /**
         * Fills a placeholder of the question's path.
         *
         * @param name the placeholder
         * @param value its value, unescaped
         * @return this builder
         */
        public Builder path(String name, String value) {
            path.put(name, Objects.requireNonNull(value, name));
            return this;
        }

        /**
         * Adds a query parameter of the question.
         *
         * @param name the parameter
         * @param value its value, unescaped
         * @return this builder
         */
        public Builder query(String name, String value) {
            query.put(name, Objects.requireNonNull(value, name));
            return this;
        }

        /**
         * The body with which the flow begins.
         *
         * @param body a model, a {@link Map} or a Jackson {@code JsonNode}
         * @return this builder
         */
        public Builder body(Object body) {
            this.body = body;
            return this;
        }

        /**
         * How long it is asked again; a request under way may take its own time.
         *
         * @param deadline at most 24 hours
         * @return this builder
         */
        public Builder deadline(Duration deadline) {
            options.put("deadline_ms", deadline.toMillis());
            return this;
        }

        /**
         * The pauses between looks, in place of the provider's.
         *
         * @param pauses of which the last one is repeated until the deadline
         * @return this builder
         */
        public Builder schedule(List<Duration> pauses) {
            options.put("schedule_ms", pauses.stream().map(Duration::toMillis).toList());
            return this;
        }

        /**
         * Bounds each exchange with all its attempts.
         *
         * @param timeout at most 10 minutes
         * @return this builder
         */
        public Builder timeout(Duration timeout) {
            options.put("timeout_ms", timeout.toMillis());
            return this;
        }

        /**
         * Bounds the attempts of each exchange.
         *
         * @param attempts 1 means no retry
         * @return this builder
         */
        public Builder maxAttempts(int attempts) {
            options.put("max_attempts", attempts);
            return this;
        }

        /**
         * Goes into log records.
         *
         * @param traceId visible ASCII, at most 64 characters
         * @return this builder
         */
        public Builder traceId(String traceId) {
            options.put("trace_id", traceId);
            return this;
        }

        /**
         * What the final answer must say; otherwise {@link ErrorCode#RESPONSE_MISMATCH}.
         *
         * @param expect values by dotted path
         * @return this builder
         */
        public Builder expect(Map<String, ?> expect) {
            options.put("expect", Map.copyOf(expect));
            return this;
        }

        /**
         * Makes the parameters.
         *
         * @return the parameters
         */
        public FlowParams build() {
            return new FlowParams(this);
        }
    }
}
