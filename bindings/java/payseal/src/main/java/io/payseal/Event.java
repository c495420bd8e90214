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
 * @param provider {@code "wechat"}
 * @param mchid the merchant whose client opened it
 * @param serial the serial number of the key that verified it
 * @param timestamp when it was signed, Unix seconds
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
        @JsonProperty("mchid") String mchid,
        @JsonProperty("serial") String serial,
        @JsonProperty("timestamp") long timestamp,
        @JsonProperty("replay") boolean replay) {}
