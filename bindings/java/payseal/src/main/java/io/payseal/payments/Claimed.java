package io.payseal.payments;

import java.time.Instant;

/** Work under a lease. */
public sealed interface Claimed permits Event, Message {
    /**
     * Where it was claimed from.
     *
     * @return inbox or outbox
     */
    Queue queue();

    /**
     * Names it in its queue.
     *
     * @return the number
     */
    long id();

    /**
     * Proves that it was claimed.
     *
     * @return the number
     */
    long token();

    /**
     * Until when it belongs to whoever claimed it.
     *
     * @return the moment
     */
    Instant leaseUntil();
}
