package io.payseal.payments;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.Objects;

/** A payment that was learned otherwise: from a bill, or by a person at the provider. Immutable. */
public final class Report {
    private final ObjectNode json;

    private Report(ObjectNode json) {
        this.json = json;
    }

    /**
     * Starts with what must be there.
     *
     * @param source {@link Source#BILL} or {@link Source#HOST}
     * @param orderNo the order's number
     * @param transactionId the provider's number of the payment
     * @param amount in the currency's minor unit: fen
     * @return a builder
     */
    public static Builder builder(Source source, String orderNo, String transactionId, long amount) {
        return new Builder(source, orderNo, transactionId, amount);
    }

    ObjectNode json() {
        return json;
    }

    /** Without what is in it. */
    @Override
    public String toString() {
        return "Report[…]";
    }

    /** Collects it. Not safe for use by several threads at once. */
    public static final class Builder {
        private final ObjectNode json = JsonNodeFactory.instance.objectNode();

        private Builder(Source source, String orderNo, String transactionId, long amount) {
            json.putPOJO("source", Objects.requireNonNull(source, "source"));
            json.put("order_no", Objects.requireNonNull(orderNo, "orderNo"));
            json.put("transaction_id", Objects.requireNonNull(transactionId, "transactionId"));
            json.put("amount", amount);
        }

        /**
         * Whose it is, if not the order's.
         *
         * @param account the account's name
         * @return this builder
         */
        public Builder account(String account) {
            json.put("account", Objects.requireNonNull(account, "account"));
            return this;
        }

        /**
         * The currency, if it is not CNY.
         *
         * @param currency ISO 4217
         * @return this builder
         */
        public Builder currency(String currency) {
            json.put("currency", Objects.requireNonNull(currency, "currency"));
            return this;
        }

        /**
         * Compared with the order's.
         *
         * @param merchant who was paid
         * @return this builder
         */
        public Builder merchant(String merchant) {
            json.put("merchant", Objects.requireNonNull(merchant, "merchant"));
            return this;
        }

        /**
         * Compared with the order's.
         *
         * @param application in which app
         * @return this builder
         */
        public Builder application(String application) {
            json.put("application", Objects.requireNonNull(application, "application"));
            return this;
        }

        /**
         * When it was paid.
         *
         * @param paidAt counted in milliseconds
         * @return this builder
         */
        public Builder paidAt(Instant paidAt) {
            json.put("paid_ms", paidAt.toEpochMilli());
            return this;
        }

        /**
         * Done.
         *
         * @return what was collected
         */
        public Report build() {
            return new Report(json.deepCopy());
        }
    }
}
