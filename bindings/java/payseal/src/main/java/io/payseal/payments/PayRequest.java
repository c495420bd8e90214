package io.payseal.payments;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Objects;

/** A wish to be paid. Immutable. */
public final class PayRequest {
    private final ObjectNode json;

    private PayRequest(ObjectNode json) {
        this.json = json;
    }

    /**
     * Starts with what must be there.
     *
     * @param orderNo the merchant's number; the same again is the same order
     * @param method how the payer pays, in the provider's word; see {@link Method}
     * @param amount in the currency's minor unit: fen
     * @param subject what the payer reads
     * @return a builder
     */
    public static Builder builder(String orderNo, String method, long amount, String subject) {
        return new Builder(orderNo, method, amount, subject);
    }

    ObjectNode json() {
        return json;
    }

    /** Without what is in it. */
    @Override
    public String toString() {
        return "PayRequest[…]";
    }

    /** Collects it. Not safe for use by several threads at once. */
    public static final class Builder {
        private final ObjectNode json = JsonNodeFactory.instance.objectNode();

        private Builder(String orderNo, String method, long amount, String subject) {
            json.put("order_no", Objects.requireNonNull(orderNo, "orderNo"));
            json.put("method", Objects.requireNonNull(method, "method"));
            json.put("amount", amount);
            json.put("subject", Objects.requireNonNull(subject, "subject"));
        }

        /**
         * Whose order it is; not needed where there is one account.
         *
         * @param account the account's name
         * @return this builder
         */
        public Builder account(String account) {
            json.put("account", Objects.requireNonNull(account, "account"));
            return this;
        }

        /**
         * In place of the account, where one only is of that provider.
         *
         * @param provider {@code "wechat"}, {@code "alipay"} …
         * @return this builder
         */
        public Builder provider(String provider) {
            json.put("provider", Objects.requireNonNull(provider, "provider"));
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
         * Where the payer's browser goes afterwards.
         *
         * @param returnUrl an address
         * @return this builder
         */
        public Builder returnUrl(String returnUrl) {
            json.put("return_url", Objects.requireNonNull(returnUrl, "returnUrl"));
            return this;
        }

        /**
         * How long it may be paid; takes the place of the configuration's.
         *
         * @param expiresIn counted in milliseconds
         * @return this builder
         */
        public Builder expiresIn(Duration expiresIn) {
            json.put("expires_in_ms", expiresIn.toMillis());
            return this;
        }

        /**
         * Who pays.
         *
         * @param payer as far as the method needs to know
         * @return this builder
         */
        public Builder payer(Payer payer) {
            json.set("payer", payer.json());
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
        public PayRequest build() {
            return new PayRequest(json.deepCopy());
        }
    }
}
