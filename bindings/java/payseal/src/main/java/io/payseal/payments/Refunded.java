package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * A refund and its order.
 *
 * @param order the order
 * @param refund the refund
 */
public record Refunded(
        @JsonProperty("order") Order order,
        @JsonProperty("refund") Refund refund) {}
