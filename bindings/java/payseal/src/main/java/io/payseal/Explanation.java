package io.payseal;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * Why a notification is refused.
 *
 * @param accepted that it is not
 * @param code the number of the error that opening it gives; {@code null} when accepted
 * @param message that error's message; {@code null} when accepted
 * @param cause one word for the likely mistake, e.g. {@code "body_reencoded"}; {@code null} where none is known
 * @param hint what to do about it; may be {@code null}
 */
public record Explanation(
        @JsonProperty("accepted") boolean accepted,
        @JsonProperty("code") Integer code,
        @JsonProperty("message") String message,
        @JsonProperty("cause") String cause,
        @JsonProperty("hint") String hint) {}
