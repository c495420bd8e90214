package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import java.time.Instant;

/**
 * A refund as it is stored; what is not known is {@code null}.
 *
 * @param refundNo the merchant's number
 * @param orderNo the order's
 * @param amount how much is given back, in the minor unit (fen)
 * @param state where it stands
 * @param refundId the provider's number
 * @param refusal the provider's last no
 * @param createdAt when it was stored
 * @param updatedAt when it was last changed
 * @param dueAt when the provider is asked again
 * @param polls how often it was asked
 */
public record Refund(
        @JsonProperty("refund_no") String refundNo,
        @JsonProperty("order_no") String orderNo,
        @JsonProperty("amount") long amount,
        @JsonProperty("state") RefundState state,
        @JsonProperty("refund_id") String refundId,
        @JsonProperty("refusal") Refusal refusal,

        @JsonProperty("created_ms") @JsonDeserialize(using = Milliseconds.class)
        Instant createdAt,

        @JsonProperty("updated_ms") @JsonDeserialize(using = Milliseconds.class)
        Instant updatedAt,

        @JsonProperty("due_ms") @JsonDeserialize(using = Milliseconds.class)
        Instant dueAt,

        @JsonProperty("polls") long polls) {}
