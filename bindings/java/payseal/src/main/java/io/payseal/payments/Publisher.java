package io.payseal.payments;

import java.util.List;
import java.util.Map;

/** Hands messages of the outbox to the rest of the service: a broker, a table, another service. */
@FunctionalInterface
public interface Publisher {
    /**
     * Returns when every message is durably where it belongs, or is not. What is not comes again, and so may what is: consumers tell them apart by {@link
     * Message#messageId()}. Called on one thread at a time by each runner.
     *
     * @param messages at least one
     * @return those that are not where they belong, and why
     * @throws Exception where none is
     */
    Map<Message, Throwable> publish(List<Message> messages) throws Exception;
}
