package io.payseal.publishers;

import io.payseal.payments.Message;
import java.util.List;
import java.util.Map;

/** A connection, which is given up as soon as it is in doubt. */
interface Session {
    /** Whether it has ended by itself. */
    boolean isLost();

    /** Returns those that were not confirmed until the deadline, and why. */
    Map<Message, NotConfirmedException> publish(List<Message> messages, Deadline deadline) throws InterruptedException;

    /** Ends it, whatever state it is in. */
    void close();
}
