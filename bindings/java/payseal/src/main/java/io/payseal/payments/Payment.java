package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * An order, and what the payer needs to pay it.
 *
 * @param order the order
 * @param client {@code null} for scanned codes, and once the order is no longer to be paid
 */
public record Payment(
        @JsonProperty("order") Order order,
        @JsonProperty("client") ClientAction client) {}
