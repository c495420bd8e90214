package io.payseal;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;

/**
 * What is known of a failure beyond its code. Every component may be {@code null}.
 *
 * @param codeName the name of the code, e.g. {@code "PARAMS_INVALID"}
 * @param field the path of the field, e.g. {@code "body.amount.total"} or {@code "private_key"}
 * @param hint the likely mistake
 * @param operation the operation of the call, e.g. {@code "POST /v3/pay/transactions/jsapi"}
 * @param attempts how many times the call was sent
 * @param host the host that was asked last
 * @param httpStatus the status of the answer
 * @param requestId the provider's id of the request, for its support
 * @param authenticated whether the provider's error was signed and its signature verified
 * @param providerCode the provider's own code, e.g. {@code "ORDERPAID"}
 * @param providerMessage the provider's own sentence; it must not drive logic
 * @param providerDetail the provider's detail: an object, an array or a string
 * @param advice {@code definite_failure}, {@code retry_same}, {@code retry_later}, {@code query_first} or
 *     {@code already_done}
 * @param skewSeconds the measured difference of the clocks in seconds, provider minus ours
 * @param serial the serial number of the key in question
 */
public record ErrorDetails(
        @JsonProperty("code_name") String codeName,
        @JsonProperty("field") String field,
        @JsonProperty("hint") String hint,
        @JsonProperty("operation") String operation,
        @JsonProperty("attempts") Integer attempts,
        @JsonProperty("host") String host,
        @JsonProperty("http_status") Integer httpStatus,
        @JsonProperty("request_id") String requestId,
        @JsonProperty("authenticated") Boolean authenticated,
        @JsonProperty("provider_code") String providerCode,
        @JsonProperty("provider_message") String providerMessage,
        @JsonProperty("provider_detail") JsonNode providerDetail,
        @JsonProperty("advice") String advice,
        @JsonProperty("skew_s") Long skewSeconds,
        @JsonProperty("serial") String serial) {}
