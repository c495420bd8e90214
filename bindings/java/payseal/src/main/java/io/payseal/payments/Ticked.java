package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import java.time.Instant;

/**
 * What a tick did.
 *
 * @param orders how many orders the providers were asked about
 * @param refunds the same of refunds
 * @param failed how many of these could not be found out; they come again
 * @param purged how many events and messages were removed because they had been done long enough ago
 * @param nextDueAt when there is something to do again; {@code null} where nothing waits
 */
public record Ticked(
        @JsonProperty("orders") int orders,
        @JsonProperty("refunds") int refunds,
        @JsonProperty("failed") int failed,
        @JsonProperty("purged") int purged,

        @JsonProperty("next_due_ms") @JsonDeserialize(using = Milliseconds.class)
        Instant nextDueAt) {}
