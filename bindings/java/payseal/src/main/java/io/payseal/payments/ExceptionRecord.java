package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import java.time.Instant;

/**
 * What does not fit, with all evidence. A person has to look.
 *
 * @param id for {@link Payments#resolve}
 * @param account whose notification, query or bill it was
 * @param orderNo the order's number
 * @param kind what does not fit
 * @param source how it was learned
 * @param at when
 * @param evidence {@code fact} and {@code order}, as they were
 * @param resolvedAt {@code null} while it is open
 * @param resolution the note with which it was resolved
 */
public record ExceptionRecord(
        @JsonProperty("id") long id,
        @JsonProperty("account") String account,
        @JsonProperty("order_no") String orderNo,
        @JsonProperty("kind") ExceptionKind kind,
        @JsonProperty("source") Source source,

        @JsonProperty("at_ms") @JsonDeserialize(using = Milliseconds.class)
        Instant at,

        @JsonProperty("evidence") JsonNode evidence,

        @JsonProperty("resolved_ms") @JsonDeserialize(using = Milliseconds.class)
        Instant resolvedAt,

        @JsonProperty("resolution") String resolution) {}
