package io.payseal.payments;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Objects;

/** Who pays, as far as the method needs to know. Immutable. */
public final class Payer {
    private final ObjectNode json;

    private Payer(ObjectNode json) {
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

    /** Without what is in it. */
    @Override
    public String toString() {
        return "Payer[…]";
    }

    /** Collects it. Not safe for use by several threads at once. */
    public static final class Builder {
        private final ObjectNode json = JsonNodeFactory.instance.objectNode();

        private Builder() {}

        /**
         * The payer's id at the provider.
         *
         * @param id {@code openid}, {@code buyer_open_id}
         * @return this builder
         */
        public Builder id(String id) {
            json.put("id", Objects.requireNonNull(id, "id"));
            return this;
        }

        /**
         * The code that the shop scanned. It is spent once and never stored.
         *
         * @param authCode the digits
         * @return this builder
         */
        public Builder authCode(String authCode) {
            json.put("auth_code", Objects.requireNonNull(authCode, "authCode"));
            return this;
        }

        /**
         * The address of the payer's device.
         *
         * @param clientIp an IP address
         * @return this builder
         */
        public Builder clientIp(String clientIp) {
            json.put("client_ip", Objects.requireNonNull(clientIp, "clientIp"));
            return this;
        }

        /**
         * Done.
         *
         * @return what was collected
         */
        public Payer build() {
            return new Payer(json.deepCopy());
        }
    }
}
