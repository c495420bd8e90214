package io.payseal.payments;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;

/**
 * Something that was learned about money, claimed from the inbox. What a notification told takes effect when the event is acknowledged, in the same
 * transaction; kind, exception and order are what is known until then. All other events tell what has taken effect already.
 *
 * @param id names it
 * @param token proves that it was claimed: whoever's lease ran out, while somebody else claimed it, changes nothing any more
 * @param account whose it is
 * @param kind one of {@link EventKind}, or the provider's event type for what is about something else
 * @param orderNo empty for what is about something else
 * @param source how it was learned
 * @param envelope what the notification says about itself; {@code null} where the fact was learned otherwise
 * @param resource the decrypted text as the library writes it; see {@link #plaintext()}
 * @param fact what takes effect, or took; {@code null} for what is about something else
 * @param exception what does not fit, where the kind is {@link EventKind#EXCEPTION_RAISED}: nothing may be delivered for it; else {@code null}
 * @param order the order as it is when the event takes effect; {@code null} where it is about none
 * @param receivedAt when it was learned
 * @param leaseUntil until when it belongs to whoever claimed it
 */
public record Event(
        @JsonProperty("id") long id,
        @JsonProperty("token") long token,
        @JsonProperty("account") String account,
        @JsonProperty("kind") String kind,
        @JsonProperty("order_no") String orderNo,
        @JsonProperty("source") Source source,

        @JsonProperty("envelope") @JsonDeserialize(using = Envelope.class)
        io.payseal.Event envelope,

        @JsonProperty("resource") String resource,
        @JsonProperty("fact") Fact fact,

        @JsonProperty("exception") ExceptionKind exception,
        @JsonProperty("order") Order order,

        @JsonProperty("received_ms") @JsonDeserialize(using = Milliseconds.class)
        Instant receivedAt,

        @JsonProperty("lease_until_ms") @JsonDeserialize(using = Milliseconds.class)
        Instant leaseUntil)
        implements Claimed {
    private static final String ENCODED = "base64:";

    @Override
    public Queue queue() {
        return Queue.INBOX;
    }

    /**
     * The decrypted resource of a notification; {@link Payments#read} makes an object of it.
     *
     * @return the bytes; none where the fact was learned otherwise
     */
    public byte[] plaintext() {
        if (resource == null) {
            return new byte[0];
        }
        // What is no text is base64 behind a prefix that no JSON has.
        return resource.startsWith(ENCODED)
                ? Base64.getDecoder().decode(resource.substring(ENCODED.length()))
                : resource.getBytes(StandardCharsets.UTF_8);
    }

    /** Without the resource, which holds personal data. */
    @Override
    public String toString() {
        return "Event[id=" + id + ", token=" + token + ", kind=" + kind + ", orderNo=" + orderNo + "]";
    }
}
