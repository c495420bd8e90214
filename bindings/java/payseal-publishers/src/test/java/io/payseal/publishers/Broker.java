package io.payseal.publishers;

import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.GetResponse;
import io.nats.client.JetStreamManagement;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.client.api.StorageType;
import io.nats.client.api.StreamConfiguration;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.StreamEntryID;

/** One kind of broker. A place is where messages go: an exchange with its queue, a topic, a stream. */
interface Broker {
    String name();

    String variable();

    SessionPublisher publisher(String address, String place, Duration timeout) throws Exception;

    void make(String address, String place) throws Exception;

    /** After a crash, as whoever consumes does: a broker may forget what was made moments before. */
    default void makeAgain(String address, String place) throws Exception {}

    /** All that is there, as it came. */
    List<Received> received(String address, String place) throws Exception;

    List<Broker> ALL = List.of(new RabbitMq(), new Kafka(), new NatsServer(), new Redis());

    final class RabbitMq implements Broker {
        @Override
        public String name() {
            return "rabbitmq";
        }

        @Override
        public String variable() {
            return "PAYSEAL_TEST_RABBITMQ";
        }

        @Override
        public SessionPublisher publisher(String address, String place, Duration timeout) throws Exception {
            return new RabbitMqPublisher(factory(address), place, timeout);
        }

        @Override
        public void make(String address, String place) throws Exception {
            try (var connection = factory(address).newConnection();
                    var channel = connection.createChannel()) {
                channel.exchangeDeclare(place, "topic", true);
                channel.queueDeclare(place, true, false, false, Map.of());
                channel.queueBind(place, place, "payment.*");
            }
        }

        @Override
        public void makeAgain(String address, String place) throws Exception {
            make(address, place);
        }

        @Override
        public List<Received> received(String address, String place) throws Exception {
            List<Received> found = new ArrayList<>();
            try (var connection = factory(address).newConnection();
                    var channel = connection.createChannel()) {
                for (GetResponse next; (next = channel.basicGet(place, true)) != null; ) {
                    found.add(read(next));
                }
            }
            return found;
        }

        private static Received read(GetResponse message) {
            var properties = message.getProps();
            long createdMs = (long) properties.getHeaders().get("created_ms");
            if (properties.getDeliveryMode() != 2 || properties.getTimestamp().getTime() != createdMs / 1000 * 1000) {
                throw new AssertionError(properties);
            }
            return new Received(
                    properties.getMessageId(),
                    properties.getType(),
                    properties.getHeaders().get("order_no").toString(),
                    new String(message.getBody(), StandardCharsets.UTF_8),
                    createdMs);
        }

        private static ConnectionFactory factory(String address) throws Exception {
            ConnectionFactory factory = new ConnectionFactory();
            factory.setUri(address);
            return factory;
        }
    }

    final class Kafka implements Broker {
        @Override
        public String name() {
            return "kafka";
        }

        @Override
        public String variable() {
            return "PAYSEAL_TEST_KAFKA";
        }

        @Override
        public SessionPublisher publisher(String address, String place, Duration timeout) {
            return new KafkaPublisher(Map.of("bootstrap.servers", address, "acks", "0"), place, timeout);
        }

        @Override
        public void make(String address, String place) throws Exception {
            make(address, place, 1);
        }

        void make(String address, String place, int partitions) throws Exception {
            try (Admin admin = Admin.create(Map.of("bootstrap.servers", address))) {
                admin.createTopics(List.of(new NewTopic(place, partitions, (short) 1)))
                        .all()
                        .get();
            }
        }

        @Override
        public List<Received> received(String address, String place) {
            return records(address, place, 1).stream().map(Kafka::read).toList();
        }

        List<ConsumerRecord<String, String>> records(String address, String place, int partitions) {
            List<ConsumerRecord<String, String>> found = new ArrayList<>();
            var all = IntStream.range(0, partitions)
                    .mapToObj(each -> new TopicPartition(place, each))
                    .toList();
            try (var consumer = new KafkaConsumer<>(
                    Map.of("bootstrap.servers", address), new StringDeserializer(), new StringDeserializer())) {
                consumer.assign(all);
                consumer.seekToBeginning(all);
                long count = consumer.endOffsets(all).values().stream()
                        .mapToLong(end -> end)
                        .sum();
                while (found.size() < count) {
                    consumer.poll(Duration.ofSeconds(10)).forEach(found::add);
                }
            }
            return found;
        }

        static Received read(ConsumerRecord<String, String> message) {
            long createdMs = Long.parseLong(header(message, "created_ms"));
            if (message.timestamp() != createdMs) {
                throw new AssertionError(message);
            }
            return new Received(
                    header(message, "message_id"), header(message, "topic"), message.key(), message.value(), createdMs);
        }

        private static String header(ConsumerRecord<String, String> message, String name) {
            return new String(message.headers().lastHeader(name).value(), StandardCharsets.UTF_8);
        }
    }

    final class NatsServer implements Broker {
        @Override
        public String name() {
            return "nats";
        }

        @Override
        public String variable() {
            return "PAYSEAL_TEST_NATS";
        }

        @Override
        public SessionPublisher publisher(String address, String place, Duration timeout) {
            return new NatsPublisher(new Options.Builder().server(address).build(), place + ".", timeout);
        }

        @Override
        public void make(String address, String place) throws Exception {
            var connection = Nats.connect(address);
            try {
                connection
                        .jetStreamManagement()
                        .addStream(StreamConfiguration.builder()
                                .name(place)
                                .subjects(place + ".payment.*")
                                .storageType(StorageType.File)
                                .build());
            } finally {
                connection.close();
            }
        }

        @Override
        public List<Received> received(String address, String place) throws Exception {
            List<Received> found = new ArrayList<>();
            var connection = Nats.connect(address);
            try {
                JetStreamManagement stream = connection.jetStreamManagement();
                var state = stream.getStreamInfo(place).getStreamState();
                for (long at = 1; at <= state.getLastSequence(); at++) {
                    var message = stream.getMessage(place, at);
                    var headers = message.getHeaders();
                    found.add(new Received(
                            headers.getFirst("Nats-Msg-Id"),
                            headers.getFirst("topic"),
                            headers.getFirst("order_no"),
                            new String(message.getData(), StandardCharsets.UTF_8),
                            Long.parseLong(headers.getFirst("created_ms"))));
                }
            } finally {
                connection.close();
            }
            return found;
        }
    }

    final class Redis implements Broker {
        @Override
        public String name() {
            return "redis";
        }

        @Override
        public String variable() {
            return "PAYSEAL_TEST_REDIS";
        }

        @Override
        public SessionPublisher publisher(String address, String place, Duration timeout) {
            return publisher(address, new RedisPublisher.Stream(place), timeout);
        }

        RedisPublisher publisher(String address, RedisPublisher.Stream stream, Duration timeout) {
            URI at = URI.create(address);
            return new RedisPublisher(
                    new HostAndPort(at.getHost(), at.getPort()),
                    DefaultJedisClientConfig.builder().build(),
                    stream,
                    timeout);
        }

        @Override
        public void make(String address, String place) {
            try (RedisClient client = RedisClient.create(address)) {
                client.xgroupCreate(place, "warehouse", StreamEntryID.XGROUP_LAST_ENTRY, true);
            }
        }

        @Override
        public List<Received> received(String address, String place) {
            try (RedisClient client = RedisClient.create(address)) {
                return client.xrange(place, "-", "+").stream()
                        .map(entry -> entry.getFields())
                        .map(fields -> new Received(
                                fields.get("message_id"),
                                fields.get("topic"),
                                fields.get("order_no"),
                                fields.get("payload"),
                                Long.parseLong(fields.get("created_ms"))))
                        .toList();
            }
        }
    }
}
