package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * Counts of a queue.
 *
 * @param waiting all that is not done
 * @param due what could be claimed now
 * @param dead what waits for {@link Payments#redrive}
 */
public record QueueStats(
        @JsonProperty("waiting") long waiting,
        @JsonProperty("due") long due,
        @JsonProperty("dead") long dead) {}
