package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import java.time.Instant;

/**
 * A step in the history of an order.
 *
 * @param id steps are counted
 * @param refundNo which refund it is about; {@code null} where it is about the payment
 * @param at when
 * @param from where the order stood before; {@code null} where it began
 * @param to where it stood from then on
 * @param source how that was learned
 * @param detail what is known besides
 */
public record Transition(
        @JsonProperty("id") long id,
        @JsonProperty("refund_no") String refundNo,

        @JsonProperty("at_ms") @JsonDeserialize(using = Milliseconds.class)
        Instant at,

        @JsonProperty("from") State from,
        @JsonProperty("to") State to,
        @JsonProperty("source") Source source,
        @JsonProperty("detail") JsonNode detail) {}
