package io.payseal.publishers;

import com.rabbitmq.client.AMQP.BasicProperties;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.Return;
import io.payseal.payments.Message;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * Publishes to RabbitMQ. A message is confirmed once every queue that it was routed to has it: on the disk where the queue is durable, with a majority of the
 * replicas where it is a quorum queue. A message that no queue takes is not confirmed. Its routing key is its topic.
 */
public final class RabbitMqPublisher extends SessionPublisher {
    private final ConnectionFactory factory;
    private final String exchange;

    /**
     * A publisher that does not connect yet.
     *
     * @param factory where and how to connect. It is copied; its automatic recovery is not used
     * @param exchange has to exist, and so have its bindings. With {@code ""} a message goes to the queue that is called like its topic
     * @param timeout of a call, with all that it takes
     */
    public RabbitMqPublisher(ConnectionFactory factory, String exchange, Duration timeout) {
        super(timeout);
        this.factory = factory.clone();
        this.factory.setAutomaticRecoveryEnabled(false);
        this.exchange = exchange;
    }

    @Override
    Session connect(Deadline deadline) throws Exception {
        int left = (int) Math.max(1, deadline.left().toMillis());
        factory.setConnectionTimeout(left);
        factory.setHandshakeTimeout(left);
        factory.setChannelRpcTimeout(left);
        Connection connection = factory.newConnection("payseal");
        try {
            Channel channel = connection.createChannel();
            channel.confirmSelect();
            return new Confirming(connection, channel, exchange);
        } catch (Exception failed) {
            connection.abort(CLOSING_MS);
            throw failed;
        }
    }

    private static final int CLOSING_MS = 1000;

    private static final class Confirming implements Session {
        private final Connection connection;
        private final Channel channel;
        private final String exchange;
        private final ConcurrentNavigableMap<Long, Pending> pending = new ConcurrentSkipListMap<>();

        /** A message that waits, by its number in the channel. */
        private record Pending(String messageId, CompletableFuture<Void> confirmation) {}

        Confirming(Connection connection, Channel channel, String exchange) {
            this.connection = connection;
            this.channel = channel;
            this.exchange = exchange;
            // All called by the connection's one thread, a return before the confirmation of the same message.
            channel.addReturnListener(this::returned);
            channel.addConfirmListener(
                    (tag, multiple) -> upTo(tag, multiple).values().forEach(each -> each.confirmation.complete(null)),
                    (tag, multiple) -> upTo(tag, multiple)
                            .values()
                            .forEach(each -> each.confirmation.completeExceptionally(
                                    NotConfirmedException.refused("refused by the broker", null))));
            channel.addShutdownListener(
                    reason -> pending.values().forEach(each -> each.confirmation.completeExceptionally(reason)));
        }

        @Override
        public boolean isLost() {
            return !channel.isOpen();
        }

        @Override
        public Map<Message, NotConfirmedException> publish(List<Message> messages, Deadline deadline)
                throws InterruptedException {
            Map<Message, CompletableFuture<Void>> confirmations = new LinkedHashMap<>();
            for (Message message : messages) {
                confirmations.put(message, send(message));
            }
            Map<Message, NotConfirmedException> failed = new LinkedHashMap<>();
            for (var each : confirmations.entrySet()) {
                try {
                    deadline.await(each.getValue());
                } catch (NotConfirmedException why) {
                    failed.put(each.getKey(), why);
                }
            }
            pending.clear();
            return failed;
        }

        private CompletableFuture<Void> send(Message message) {
            CompletableFuture<Void> confirmation = new CompletableFuture<>();
            pending.put(channel.getNextPublishSeqNo(), new Pending(message.messageId(), confirmation));
            try {
                channel.basicPublish(
                        exchange,
                        message.topic(),
                        true,
                        properties(message),
                        message.payload().getBytes(StandardCharsets.UTF_8));
            } catch (IOException | RuntimeException failed) {
                confirmation.completeExceptionally(failed);
            }
            if (!channel.isOpen()) { // it may have been shut down before the message waited
                confirmation.completeExceptionally(channel.getCloseReason());
            }
            return confirmation;
        }

        private ConcurrentNavigableMap<Long, Pending> upTo(long tag, boolean multiple) {
            return multiple ? pending.headMap(tag, true) : pending.subMap(tag, true, tag, true);
        }

        private void returned(Return message) {
            NotConfirmedException why = NotConfirmedException.refused(
                    "no queue takes routing key " + message.getRoutingKey() + " of exchange " + message.getExchange()
                            + ": " + message.getReplyText(),
                    null);
            pending.values().stream()
                    .filter(each ->
                            each.messageId.equals(message.getProperties().getMessageId()))
                    .forEach(each -> each.confirmation.completeExceptionally(why));
        }

        @Override
        public void close() {
            connection.abort(CLOSING_MS);
        }
    }

    private static BasicProperties properties(Message message) {
        long createdMs = message.createdAt().toEpochMilli();
        return new BasicProperties.Builder()
                .messageId(message.messageId())
                .type(message.topic())
                .timestamp(new Date(createdMs))
                .contentType("application/json")
                .deliveryMode(2) // persistent
                .headers(Map.of("order_no", message.orderNo(), "created_ms", createdMs))
                .build();
    }
}
