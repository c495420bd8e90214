package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Map;

/**
 * Counts, for dashboards.
 *
 * @param orders by state
 * @param inbox of events
 * @param outbox of messages
 * @param exceptions the open ones
 */
public record Stats(
        @JsonProperty("orders") Map<State, Long> orders,
        @JsonProperty("inbox") QueueStats inbox,
        @JsonProperty("outbox") QueueStats outbox,
        @JsonProperty("exceptions") long exceptions) {}
