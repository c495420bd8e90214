package io.payseal;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * The envelope of a notification.
 *
 * @param id the notification's id; repetitions have the same
 * @param createTime when it was made, RFC 3339
 * @param eventType e.g. {@code "TRANSACTION.SUCCESS"}
 * @param resourceType {@code "encrypt-resource"}
 * @param originalType what the plaintext is, e.g. {@code "transaction"}
 * @param summary a short text for people
 * @param provider {@code "wechat"} or {@code "wechat-v2"}
 * @param merchant whom the client that opened it is for: a merchant id or, of Alipay, an app id
 * @param serial the serial number of the key that verified it; empty where keys have none
 * @param timestamp when it was signed, Unix seconds; 0 where the provider signs no time
 * @param authenticity {@code "signed"}, or {@code "encrypted_only"} for what was opened with {@link
 *     CallOptions.Builder#acceptUnauthenticated()}: it proves nothing
 * @param confirmWith the operation that tells whether such an event is true, e.g. {@code "POST /pay/refundquery"}; else {@code null}
 * @param replay whether the replay guard has seen these very bytes before
 */
public record Event(
        @JsonProperty("id") String id,
        @JsonProperty("create_time") String createTime,
        @JsonProperty("event_type") String eventType,
        @JsonProperty("resource_type") String resourceType,
        @JsonProperty("original_type") String originalType,
        @JsonProperty("summary") String summary,
        @JsonProperty("provider") String provider,
        @JsonProperty("merchant") String merchant,
        @JsonProperty("serial") String serial,
        @JsonProperty("timestamp") long timestamp,
        @JsonProperty("authenticity") String authenticity,
        @JsonProperty("confirm_with") String confirmWith,
        @JsonProperty("replay") boolean replay) {}
