package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * A provider's no.
 *
 * @param code the number of the error; see {@link io.payseal.ErrorCode}
 * @param codeName its name, {@code "PROVIDER_REJECTED"}
 * @param outcome {@code "not_sent"}, {@code "rejected"} or {@code "unknown"}
 * @param message one English sentence for a developer
 * @param providerCode the provider's own; may be {@code null}
 */
public record Refusal(
        @JsonProperty("code") int code,
        @JsonProperty("code_name") String codeName,
        @JsonProperty("outcome") String outcome,
        @JsonProperty("message") String message,
        @JsonProperty("provider_code") String providerCode) {}
