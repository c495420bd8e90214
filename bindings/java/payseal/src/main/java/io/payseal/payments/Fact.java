package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import java.time.Instant;

/**
 * What a provider said, verified, in terms that all providers share. What it did not say is {@code null}.
 *
 * @param of what it is about
 * @param orderNo the merchant's number
 * @param refundNo the merchant's number of a refund
 * @param state where the payment or the refund stands, as the words of {@link PaymentState} and {@link RefundState} are written
 * @param providerState the provider's own word
 * @param transactionId the provider's number of the payment
 * @param refundId the provider's number of a refund
 * @param amount of the order, or of the refund, in the minor unit (fen)
 * @param currency ISO 4217
 * @param merchant who was paid
 * @param subMerchant who was paid through a service provider
 * @param application in which app
 * @param paidAt when
 */
public record Fact(
        @JsonProperty("of") FactKind of,
        @JsonProperty("order_no") String orderNo,
        @JsonProperty("refund_no") String refundNo,
        @JsonProperty("state") String state,
        @JsonProperty("provider_state") String providerState,
        @JsonProperty("transaction_id") String transactionId,
        @JsonProperty("refund_id") String refundId,
        @JsonProperty("amount") Long amount,
        @JsonProperty("currency") String currency,
        @JsonProperty("merchant") String merchant,
        @JsonProperty("sub_merchant") String subMerchant,
        @JsonProperty("application") String application,

        @JsonProperty("paid_ms") @JsonDeserialize(using = Milliseconds.class)
        Instant paidAt) {}
