package io.payseal.publishers;

import io.payseal.payments.Message;
import io.payseal.payments.Publisher;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/** What all publishers do: connect when needed, one call after the other. */
abstract sealed class SessionPublisher implements Publisher, AutoCloseable
        permits KafkaPublisher, NatsPublisher, RabbitMqPublisher, RedisPublisher {
    private final Duration timeout;
    private final ReentrantLock turn = new ReentrantLock();
    private Session session;
    private boolean closed;

    SessionPublisher(Duration timeout) {
        if (timeout.isZero() || timeout.isNegative()) {
            throw new IllegalArgumentException("timeout must be positive");
        }
        this.timeout = timeout;
    }

    abstract Session connect(Deadline deadline) throws Exception;

    /**
     * Returns when each message is confirmed, or the timeout is over.
     *
     * @throws NotConfirmedException where none is
     */
    @Override
    public final Map<Message, Throwable> publish(List<Message> messages)
            throws NotConfirmedException, InterruptedException {
        Deadline deadline = Deadline.in(timeout);
        turn.lockInterruptibly();
        try {
            Session connected = connected(deadline);
            boolean isSound = false;
            try {
                Map<Message, NotConfirmedException> failed = connected.publish(messages, deadline);
                isSound = failed.values().stream().allMatch(NotConfirmedException::isRefused);
                return Map.copyOf(failed);
            } finally {
                if (!isSound) {
                    disconnect();
                }
            }
        } finally {
            turn.unlock();
        }
    }

    /** Ends the connection, once what is being published is. What is published later is not confirmed. */
    @Override
    public final void close() {
        turn.lock();
        try {
            closed = true;
            disconnect();
        } finally {
            turn.unlock();
        }
    }

    private Session connected(Deadline deadline) throws NotConfirmedException, InterruptedException {
        if (closed) {
            throw NotConfirmedException.unknown("the publisher is closed", null);
        }
        if (session != null && session.isLost()) {
            disconnect();
        }
        if (session == null) {
            try {
                session = connect(deadline);
            } catch (InterruptedException interrupted) {
                throw interrupted;
            } catch (Exception failed) {
                throw NotConfirmedException.unknown("cannot connect", failed);
            }
        }
        return session;
    }

    private void disconnect() {
        if (session != null) {
            session.close();
            session = null;
        }
    }
}
