package io.payseal.publishers;

import io.nats.client.Connection;
import io.nats.client.JetStream;
import io.nats.client.JetStreamApiException;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.client.api.PublishAck;
import io.nats.client.impl.Headers;
import io.payseal.payments.Message;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * Publishes to NATS JetStream. A message is confirmed once a stream has it, as many times as the stream has replicas. A message whose subject no stream
 * listens to is not confirmed. Its subject is a prefix and its topic; the stream drops what it has seen within its duplicate window.
 */
public final class NatsPublisher extends SessionPublisher {
    private final Options options;
    private final String prefix;

    /**
     * A publisher that does not connect yet.
     *
     * @param options where and how to connect. Their reconnection is not used
     * @param prefix what comes before the topic in a message's subject
     * @param timeout of a call, with all that it takes
     */
    public NatsPublisher(Options options, String prefix, Duration timeout) {
        super(timeout);
        this.options = options;
        this.prefix = prefix;
    }

    @Override
    Session connect(Deadline deadline) throws Exception {
        Options bounded = new Options.Builder(options)
                .noReconnect()
                .connectionTimeout(deadline.left())
                .build();
        try {
            Connection connection = Nats.connect(bounded);
            return new Streaming(connection, connection.jetStream(), prefix);
        } catch (IOException failed) { // which may name the server with its password, and so is not the cause
            throw new IOException(String.valueOf(failed.getMessage()).replaceAll("//[^,\\s]*@", "//…@"));
        }
    }

    private record Streaming(Connection connection, JetStream stream, String prefix) implements Session {
        @Override
        public boolean isLost() {
            return connection.getStatus() != Connection.Status.CONNECTED;
        }

        @Override
        public Map<Message, NotConfirmedException> publish(List<Message> messages, Deadline deadline)
                throws InterruptedException {
            Map<Message, CompletableFuture<PublishAck>> confirmations = new LinkedHashMap<>();
            for (Message message : messages) {
                confirmations.put(message, send(message));
            }
            Map<Message, NotConfirmedException> failed = new LinkedHashMap<>();
            for (var each : confirmations.entrySet()) {
                try {
                    deadline.await(each.getValue());
                } catch (NotConfirmedException why) {
                    failed.put(
                            each.getKey(),
                            why.getCause() instanceof JetStreamApiException said ? refused(each.getKey(), said) : why);
                }
            }
            return failed;
        }

        private NotConfirmedException refused(Message message, JetStreamApiException said) {
            return NotConfirmedException.refused(
                    "not confirmed with subject " + prefix + message.topic() + ": " + said.getMessage(), said);
        }

        private CompletableFuture<PublishAck> send(Message message) {
            Headers headers = new Headers()
                    .put("Nats-Msg-Id", message.messageId())
                    .put("topic", message.topic())
                    .put("order_no", message.orderNo())
                    .put("created_ms", Long.toString(message.createdAt().toEpochMilli()));
            try {
                return stream.publishAsync(
                        prefix + message.topic(), headers, message.payload().getBytes(StandardCharsets.UTF_8));
            } catch (RuntimeException failed) {
                return CompletableFuture.failedFuture(failed);
            }
        }

        @Override
        public void close() {
            try {
                connection.close();
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
