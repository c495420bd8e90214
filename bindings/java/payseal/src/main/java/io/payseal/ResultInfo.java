package io.payseal;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/**
 * How an answer came about.
 *
 * @param httpStatus the HTTP status, 200 to 299
 * @param requestId the provider's id of the request, for its support; may be {@code null}
 * @param verified {@code false} only for the few downloads that the provider never signs
 * @param serial the serial number of the key that verified the answer; may be {@code null}
 * @param skewS the provider's clock minus ours, seconds, as the signature's time tells it; {@code null} where there is no signature
 * @param attempts how many times the call was sent
 * @param durationMs how long the call took, milliseconds
 * @param host the host that answered
 * @param contentType the type of the body; may be {@code null}
 * @param isFinal of a flow, whether the state is final; {@code null} for what is no flow
 * @param polls of a flow, how many answers there were; {@code null} for what is no flow
 * @param decrypted the sensitive fields of the body that were decrypted: {@code data[].payer_phone}
 * @param encrypted the sensitive fields of the body that are encrypted still, for only the {@link Signer} has the key
 */
public record ResultInfo(
        @JsonProperty("http_status") int httpStatus,
        @JsonProperty("request_id") String requestId,
        @JsonProperty("verified") boolean verified,
        @JsonProperty("serial") String serial,
        @JsonProperty("skew_s") Long skewS,
        @JsonProperty("attempts") int attempts,
        @JsonProperty("duration_ms") long durationMs,
        @JsonProperty("host") String host,
        @JsonProperty("content_type") String contentType,
        @JsonProperty("final") Boolean isFinal,
        @JsonProperty("polls") Integer polls,
        @JsonProperty("decrypted") List<String> decrypted,
        @JsonProperty("encrypted") List<String> encrypted) {

    /**
     * Lists that are left out are empty, and nobody changes them afterwards.
     *
     * @param httpStatus the HTTP status, 200 to 299
     * @param requestId the provider's id of the request, for its support; may be {@code null}
     * @param verified {@code false} only for the few downloads that the provider never signs
     * @param serial the serial number of the key that verified the answer; may be {@code null}
     * @param skewS the provider's clock minus ours, seconds, as the signature's time tells it; {@code null} where there is no signature
     * @param attempts how many times the call was sent
     * @param durationMs how long the call took, milliseconds
     * @param host the host that answered
     * @param contentType the type of the body; may be {@code null}
     * @param isFinal of a flow, whether the state is final; {@code null} for what is no flow
     * @param polls of a flow, how many answers there were; {@code null} for what is no flow
     * @param decrypted the sensitive fields of the body that were decrypted: {@code data[].payer_phone}
     * @param encrypted the sensitive fields of the body that are encrypted still, for only the {@link Signer} has the key
     */
    public ResultInfo {
        decrypted = decrypted == null ? List.of() : List.copyOf(decrypted);
        encrypted = encrypted == null ? List.of() : List.copyOf(encrypted);
    }
}
