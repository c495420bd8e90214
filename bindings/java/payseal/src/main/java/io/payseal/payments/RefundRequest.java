package io.payseal.payments;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Objects;

/** A wish to give money back. Immutable. */
public final class RefundRequest {
    private final ObjectNode json;

    private RefundRequest(ObjectNode json) {
        this.json = json;
    }

    /**
     * Starts with what must be there.
     *
     * @param orderNo the order's number
     * @param refundNo the merchant's number; the same again is the same refund
     * @param amount in the minor unit of the order's currency: fen
     * @return a builder
     */
    public static Builder builder(String orderNo, String refundNo, long amount) {
        return new Builder(orderNo, refundNo, amount);
    }

    ObjectNode json() {
        return json;
    }

    /** Without what is in it. */
    @Override
    public String toString() {
        return "RefundRequest[…]";
    }

    /** Collects it. Not safe for use by several threads at once. */
    public static final class Builder {
        private final ObjectNode json = JsonNodeFactory.instance.objectNode();

        private Builder(String orderNo, String refundNo, long amount) {
            json.put("order_no", Objects.requireNonNull(orderNo, "orderNo"));
            json.put("refund_no", Objects.requireNonNull(refundNo, "refundNo"));
            json.put("amount", amount);
        }

        /**
         * What the payer reads.
         *
         * @param reason a short text
         * @return this builder
         */
        public Builder reason(String reason) {
            json.put("reason", Objects.requireNonNull(reason, "reason"));
            return this;
        }

        /**
         * Takes the place of the account's.
         *
         * @param notifyUrl where the provider sends notifications
         * @return this builder
         */
        public Builder notifyUrl(String notifyUrl) {
            json.put("notify_url", Objects.requireNonNull(notifyUrl, "notifyUrl"));
            return this;
        }

        /**
         * A member of the provider's own request that has no common name.
         *
         * @param name its name
         * @param value its value: text, a number, a boolean, a map …
         * @return this builder
         */
        public Builder extra(String name, Object value) {
            json.withObject("/extra").putPOJO(Objects.requireNonNull(name, "name"), value);
            return this;
        }

        /**
         * Done.
         *
         * @return what was collected
         */
        public RefundRequest build() {
            return new RefundRequest(json.deepCopy());
        }
    }
}
