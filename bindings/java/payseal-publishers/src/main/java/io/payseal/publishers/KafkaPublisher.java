package io.payseal.publishers;

import io.payseal.payments.Message;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Publishes to Kafka. A message is confirmed once all replicas that are in sync have it ({@code acks=all}, an idempotent producer). How many those must be is
 * the topic's {@code min.insync.replicas}: 2 of 3 outlive any one broker. All messages go to one topic of Kafka, with the order's number as their key.
 */
public final class KafkaPublisher extends SessionPublisher {
    private final Map<String, Object> properties;
    private final String topic;

    /**
     * A publisher that does not connect yet.
     *
     * @param properties of the producer, {@code bootstrap.servers} among them. They do not make it confirm less, or choose other partitions
     * @param topic that of Kafka, which has to exist
     * @param timeout of a call, with all that it takes
     */
    public KafkaPublisher(Map<String, Object> properties, String topic, Duration timeout) {
        super(timeout);
        this.properties = new HashMap<>(properties);
        this.topic = topic;
        int ms = (int) Math.max(1, timeout.toMillis());
        this.properties.put(ProducerConfig.ACKS_CONFIG, "all");
        this.properties.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        this.properties.put(ProducerConfig.LINGER_MS_CONFIG, 0); // a call brings all there is
        this.properties.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, ms);
        this.properties.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, ms);
        this.properties.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, ms);
        this.properties.remove(ProducerConfig.PARTITIONER_CLASS_CONFIG);
        this.properties.remove(ProducerConfig.PARTITIONER_IGNORE_KEYS_CONFIG);
    }

    @Override
    Session connect(Deadline deadline) {
        return new Producing(new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer()), topic);
    }

    private record Producing(KafkaProducer<String, String> producer, String topic) implements Session {
        @Override
        public boolean isLost() {
            return false; // the producer connects by itself
        }

        @Override
        public Map<Message, NotConfirmedException> publish(List<Message> messages, Deadline deadline)
                throws InterruptedException {
            Map<Message, Future<?>> confirmations = new LinkedHashMap<>();
            for (Message message : messages) {
                confirmations.put(message, send(message, deadline));
            }
            Map<Message, NotConfirmedException> failed = new LinkedHashMap<>();
            for (var each : confirmations.entrySet()) {
                try {
                    deadline.await(each.getValue());
                } catch (NotConfirmedException why) {
                    failed.put(each.getKey(), why);
                }
            }
            return failed;
        }

        private Future<?> send(Message message, Deadline deadline) {
            if (deadline.isOver()) { // an earlier one has waited for the topic in vain
                return new CompletableFuture<>();
            }
            try {
                return producer.send(record(message));
            } catch (RuntimeException failed) {
                return CompletableFuture.failedFuture(failed);
            }
        }

        private ProducerRecord<String, String> record(Message message) {
            long createdMs = message.createdAt().toEpochMilli();
            ProducerRecord<String, String> record =
                    new ProducerRecord<>(topic, null, createdMs, message.orderNo(), message.payload());
            Map.of("message_id", message.messageId(), "topic", message.topic(), "created_ms", Long.toString(createdMs))
                    .forEach((name, value) -> record.headers().add(name, value.getBytes(StandardCharsets.UTF_8)));
            return record;
        }

        /** Forgets what the producer still holds: the next call would wait behind it. */
        @Override
        public void close() {
            producer.close(Duration.ZERO);
        }
    }
}
