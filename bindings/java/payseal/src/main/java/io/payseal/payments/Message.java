package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import java.time.Instant;

/**
 * Tells the rest of the service what took effect. It may come more than once, and not in order.
 *
 * @param id names it in the outbox
 * @param token proves that it was claimed
 * @param messageId unique for ever: consumers drop what they have seen
 * @param topic one of {@link Topic}
 * @param orderNo the key to order by
 * @param payload a JSON object: {@code type}, {@code order_no}, {@code account}, {@code source}, {@code at_ms}, {@code exception}, {@code fact}, {@code order}
 * @param createdAt when it took effect
 * @param leaseUntil until when it belongs to whoever claimed it
 */
public record Message(
        @JsonProperty("id") long id,
        @JsonProperty("token") long token,
        @JsonProperty("message_id") String messageId,
        @JsonProperty("topic") String topic,
        @JsonProperty("order_no") String orderNo,
        @JsonProperty("payload") String payload,

        @JsonProperty("created_ms") @JsonDeserialize(using = Milliseconds.class)
        Instant createdAt,

        @JsonProperty("lease_until_ms") @JsonDeserialize(using = Milliseconds.class)
        Instant leaseUntil)
        implements Claimed {
    @Override
    public Queue queue() {
        return Queue.OUTBOX;
    }

    /** Without the payload, which holds personal data. */
    @Override
    public String toString() {
        return "Message[id=" + id + ", token=" + token + ", messageId=" + messageId + ", topic=" + topic + "]";
    }
}
