package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import java.time.Instant;

/**
 * An order as it is stored. Amounts are in the currency's minor unit, fen; what is not known is {@code null}.
 *
 * @param orderNo the merchant's number
 * @param account under which name its merchant is configured
 * @param provider {@code "wechat"}, {@code "alipay"} …
 * @param method how the payer pays; see {@link Method}
 * @param merchant whom a payment must name
 * @param subMerchant who is paid through a service provider
 * @param application the app that a payment must name
 * @param amount how much is to be paid
 * @param currency ISO 4217
 * @param subject what the payer reads
 * @param state where it stands
 * @param transactionId the provider's number of the payment
 * @param refunding the sum of the refunds that are under way
 * @param refunded the sum of those that have succeeded
 * @param refusal the provider's last no
 * @param createdAt when it was stored
 * @param updatedAt when it was last changed
 * @param expiresAt until when it may be paid
 * @param paidAt when it was paid
 * @param dueAt when the provider is asked again
 * @param polls how often it was asked
 */
public record Order(
        @JsonProperty("order_no") String orderNo,
        @JsonProperty("account") String account,
        @JsonProperty("provider") String provider,
        @JsonProperty("method") String method,
        @JsonProperty("merchant") String merchant,
        @JsonProperty("sub_merchant") String subMerchant,
        @JsonProperty("application") String application,
        @JsonProperty("amount") long amount,
        @JsonProperty("currency") String currency,
        @JsonProperty("subject") String subject,
        @JsonProperty("state") State state,
        @JsonProperty("transaction_id") String transactionId,
        @JsonProperty("refunding") long refunding,
        @JsonProperty("refunded") long refunded,
        @JsonProperty("refusal") Refusal refusal,

        @JsonProperty("created_ms") @JsonDeserialize(using = Milliseconds.class)
        Instant createdAt,

        @JsonProperty("updated_ms") @JsonDeserialize(using = Milliseconds.class)
        Instant updatedAt,

        @JsonProperty("expires_ms") @JsonDeserialize(using = Milliseconds.class)
        Instant expiresAt,

        @JsonProperty("paid_ms") @JsonDeserialize(using = Milliseconds.class)
        Instant paidAt,

        @JsonProperty("due_ms") @JsonDeserialize(using = Milliseconds.class)
        Instant dueAt,

        @JsonProperty("polls") long polls) {}
