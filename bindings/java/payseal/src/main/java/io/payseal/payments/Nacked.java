package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import java.time.Instant;

/**
 * What became of work that was given back.
 *
 * @param dead true after too many attempts
 * @param dueAt when it can be claimed again; {@code null} where it is dead
 */
public record Nacked(
        @JsonProperty("dead") boolean dead,

        @JsonProperty("due_ms") @JsonDeserialize(using = Milliseconds.class)
        Instant dueAt) {}
