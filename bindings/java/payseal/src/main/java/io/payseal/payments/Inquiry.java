package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * What became of an order.
 *
 * @param order as it is now
 * @param paymentState what the provider said last; {@code null} where it was not asked
 * @param providerState the provider's own word for it
 */
public record Inquiry(
        @JsonProperty("order") Order order,
        @JsonProperty("payment_state") PaymentState paymentState,
        @JsonProperty("provider_state") String providerState) {}
