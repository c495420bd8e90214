package io.payseal.payments;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/** Where payments are kept, and how long things last. What is not set is the library's default. Printing it shows no secret. Immutable. */
public final class PaymentsConfiguration {
    private final ObjectNode json;

    private PaymentsConfiguration(ObjectNode json) {
        this.json = json;
    }

    /**
     * Starts.
     *
     * @param store the URL of the database, a secret: {@code sqlite:PATH}, {@code postgres://user:password@host:port/database} or {@code
     *     mysql://user:password@host:port/database}
     * @return a builder
     */
    public static Builder builder(String store) {
        return new Builder(store);
    }

    ObjectNode json() {
        return json;
    }

    boolean hasOutbox() {
        return json.path("outbox").asBoolean();
    }

    /** Without what is in it. */
    @Override
    public String toString() {
        return "PaymentsConfiguration[…]";
    }

    /** Collects a configuration. Durations are counted in milliseconds. Not safe for use by several threads at once. */
    public static final class Builder {
        private final ObjectNode json = JsonNodeFactory.instance.objectNode();

        private Builder(String store) {
            json.put("store", Objects.requireNonNull(store, "store"));
        }

        /**
         * Where an account's provider sends notifications about orders and refunds that have no address of their own.
         *
         * @param account the account's name
         * @param url the address
         * @return this builder
         */
        public Builder notifyUrl(String account, String url) {
            json.withObject("/notify_urls").put(Objects.requireNonNull(account, "account"), url);
            return this;
        }

        /**
         * How long an order may be paid.
         *
         * @param expires a minute at least
         * @return this builder
         */
        public Builder expires(Duration expires) {
            return duration(json, "expires_ms", expires);
        }

        /**
         * The pauses between queries of an order that waits for money.
         *
         * @param pauses the last is repeated
         * @return this builder
         */
        public Builder querySchedule(List<Duration> pauses) {
            return durations("query_schedule_ms", pauses);
        }

        /**
         * The pauses between queries of a refund.
         *
         * @param pauses the last is repeated
         * @return this builder
         */
        public Builder refundSchedule(List<Duration> pauses) {
            return durations("refund_schedule_ms", pauses);
        }

        /**
         * How long what was claimed belongs to whoever claimed it.
         *
         * @param lease a tenth of a second at least
         * @return this builder
         */
        public Builder lease(Duration lease) {
            return duration(json.withObject("/work"), "lease_ms", lease);
        }

        /**
         * After how many attempts work is dead.
         *
         * @param maxAttempts one at least
         * @return this builder
         */
        public Builder maxAttempts(int maxAttempts) {
            json.withObject("/work").put("max_attempts", maxAttempts);
            return this;
        }

        /**
         * The pauses between attempts. They are random, and their most doubles.
         *
         * @param base the most that the first takes
         * @param cap the most that any takes
         * @return this builder
         */
        public Builder backoff(Duration base, Duration cap) {
            return duration(json.withObject("/work"), "base_ms", base)
                    .duration(json.withObject("/work"), "cap_ms", cap);
        }

        /**
         * Puts what takes effect into the outbox, for a {@link Publisher} that tells other services. It is off by default.
         *
         * @return this builder
         */
        public Builder outbox() {
            json.put("outbox", true);
            return this;
        }

        /**
         * Money for an order that is not here is no exception: the service keeps orders elsewhere too.
         *
         * @return this builder
         */
        public Builder ignoreUnknownOrders() {
            json.put("unknown_orders", "ignore");
            return this;
        }

        /**
         * How long events are kept that are done.
         *
         * @param inbox two days at least, for providers repeat themselves that long
         * @return this builder
         */
        public Builder keepInbox(Duration inbox) {
            return duration(json.withObject("/keep"), "inbox_ms", inbox);
        }

        /**
         * How long messages are kept that are done.
         *
         * @param outbox a minute at least
         * @return this builder
         */
        public Builder keepOutbox(Duration outbox) {
            return duration(json.withObject("/keep"), "outbox_ms", outbox);
        }

        /**
         * Done. The library checks it when the payments are opened.
         *
         * @return the configuration
         */
        public PaymentsConfiguration build() {
            return new PaymentsConfiguration(json.deepCopy());
        }

        private Builder duration(ObjectNode into, String key, Duration duration) {
            into.put(key, duration.toMillis());
            return this;
        }

        private Builder durations(String key, List<Duration> durations) {
            ArrayNode array = json.putArray(key);
            durations.forEach(duration -> array.add(duration.toMillis()));
            return this;
        }
    }
}
