package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/**
 * All that is known of an order.
 *
 * @param order the order
 * @param client as in {@link Payment}
 * @param refunds oldest first
 * @param history in the order in which it happened
 * @param exceptions newest first
 */
public record OrderFile(
        @JsonProperty("order") Order order,
        @JsonProperty("client") ClientAction client,
        @JsonProperty("refunds") List<Refund> refunds,
        @JsonProperty("history") List<Transition> history,
        @JsonProperty("exceptions") List<ExceptionRecord> exceptions) {}
