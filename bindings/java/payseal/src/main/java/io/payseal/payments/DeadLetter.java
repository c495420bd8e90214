package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import java.time.Instant;

/**
 * Work that was given up.
 *
 * @param id for {@link Payments#redrive}
 * @param kind an event's, or a message's topic
 * @param orderNo the order's number
 * @param attempts how often it was claimed
 * @param endedAt when it was given up
 * @param reason for people
 */
public record DeadLetter(
        @JsonProperty("id") long id,
        @JsonProperty("kind") String kind,
        @JsonProperty("order_no") String orderNo,
        @JsonProperty("attempts") long attempts,

        @JsonProperty("ended_ms") @JsonDeserialize(using = Milliseconds.class)
        Instant endedAt,

        @JsonProperty("reason") String reason) {}
