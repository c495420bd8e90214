/**
 * Publishers of the outbox to brokers. Each needs the broker's client, an optional dependency of this module.
 *
 * <p>All connect when there is something to publish, and anew after a connection was lost or a confirmation did not come; wait for the broker's
 * confirmation, within a timeout for each call, which belongs below the lease of messages; and say of each message whether it came. What was not
 * confirmed may have arrived all the same: it comes again, and consumers drop what they have seen, by message id. They create nothing on a broker.
 * Any thread may call them; calls take place one after the other.
 *
 * <p>{@code docs/abi.md} says what arrives where, and what a broker has to be set to.
 */
package io.payseal.publishers;
