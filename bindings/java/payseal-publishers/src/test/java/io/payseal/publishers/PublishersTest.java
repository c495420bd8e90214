package io.payseal.publishers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.payseal.payments.Message;
import io.payseal.payments.Topic;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Against real brokers. */
@Timeout(180)
class PublishersTest {
    private static final Duration LONG = Duration.ofSeconds(10);
    private final String place = "payments-" + UUID.randomUUID();

    static Stream<Broker> brokers() {
        return Broker.ALL.stream();
    }

    /** Those that look at the topic. */
    static Stream<Broker> routers() {
        return Stream.of(new Broker.RabbitMq(), new Broker.NatsServer());
    }

    /** Its address; without it, which make test gives, the test is skipped. */
    private static String shared(Broker broker) {
        String address = System.getenv(broker.variable());
        assumeTrue(address != null, broker.variable() + " is not set: run it below scripts/services.py");
        return address;
    }

    /** Of those that were not confirmed, why; also where the publisher has thrown. */
    private static Map<Message, Throwable> failures(SessionPublisher publisher, List<Message> messages)
            throws InterruptedException {
        try {
            return publisher.publish(messages);
        } catch (NotConfirmedException ofAll) {
            return messages.stream().collect(Collectors.toMap(Function.identity(), each -> ofAll));
        }
    }

    private static void confirm(SessionPublisher publisher, List<Message> messages) throws InterruptedException {
        assertEquals(Map.of(), failures(publisher, messages));
    }

    private static String refuse(SessionPublisher publisher, List<Message> messages) throws InterruptedException {
        Map<Message, Throwable> failures = failures(publisher, messages);
        assertEquals(Set.copyOf(messages), failures.keySet());
        return failures.get(messages.get(0)).getMessage();
    }

    @ParameterizedTest
    @MethodSource("brokers")
    void a_message_is_confirmed_and_arrives_whole_and_in_order(Broker broker) throws Exception {
        String address = shared(broker);
        broker.make(address, place);
        List<Message> messages = Received.messages(300);
        try (SessionPublisher publisher = broker.publisher(address, place, LONG)) {
            confirm(publisher, messages.subList(0, 299));
            confirm(publisher, messages.subList(299, 300));
        }
        assertEquals(Received.of(messages), broker.received(address, place));
    }

    @ParameterizedTest
    @MethodSource("brokers")
    void a_message_that_would_reach_nobody_is_not_confirmed(Broker broker) throws Exception {
        String address = shared(broker);
        // Kafka makes any topic whose name it takes, unless it is set otherwise.
        String missing = broker instanceof Broker.Kafka ? "no topic has such a name" : place;
        try (SessionPublisher publisher = broker.publisher(address, missing, LONG)) {
            refuse(publisher, Received.messages(3));
            if (missing.equals(place)) {
                List<Message> messages = Received.messages(3);
                broker.make(address, place);
                confirm(publisher, messages);
                assertEquals(Received.of(messages), broker.received(address, place));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("routers")
    void a_message_that_nobody_takes_does_not_hide_among_others(Broker broker) throws Exception {
        String address = shared(broker);
        broker.make(address, place);
        List<Message> messages = IntStream.range(0, 5)
                .mapToObj(
                        at -> Received.message(at, at % 2 == 0 ? Topic.PAYMENT_PAID : Topic.EXCEPTION_RAISED, "ORDER"))
                .toList();
        try (SessionPublisher publisher = broker.publisher(address, place, LONG)) {
            assertEquals(
                    Set.of(messages.get(1), messages.get(3)),
                    failures(publisher, messages).keySet());
        }
        assertEquals(
                Received.of(List.of(messages.get(0), messages.get(2), messages.get(4))),
                broker.received(address, place));
    }

    @ParameterizedTest
    @MethodSource("brokers")
    void a_broker_that_is_killed_while_it_is_published_to_loses_nothing(Broker broker) throws Exception {
        shared(broker);
        try (Server server = new Server(broker);
                SessionPublisher publisher = broker.publisher(server.address, place, Duration.ofSeconds(5))) {
            broker.make(server.address, place);
            List<Message> confirmed = new ArrayList<>();
            List<Message> failed = new ArrayList<>();
            Thread killing = new Thread(server::kill);
            while (failed.isEmpty()) {
                List<Message> batch = Received.messages(20);
                Map<Message, Throwable> failures = failures(publisher, batch);
                batch.forEach(each -> (failures.containsKey(each) ? failed : confirmed).add(each));
                if (!confirmed.isEmpty() && killing.getState() == Thread.State.NEW) {
                    killing.start();
                }
            }
            killing.join();
            refuse(publisher, failed);

            server.restart();
            broker.makeAgain(server.address, place);
            confirm(publisher, failed);
            Set<Received> found = new LinkedHashSet<>(broker.received(server.address, place));
            assertTrue(found.containsAll(Received.of(failed)), "each is there");
            assertEquals(
                    Received.of(confirmed),
                    found.stream().limit(confirmed.size()).toList(),
                    "in its order");
        }
    }

    @ParameterizedTest
    @MethodSource("brokers")
    void a_broker_that_does_not_answer_costs_no_more_than_the_timeout(Broker broker) throws Exception {
        String scheme = Map.of(
                        "rabbitmq",
                        "amqp://guest:secret@",
                        "kafka",
                        "",
                        "nats",
                        "nats://guest:secret@",
                        "redis",
                        "redis://")
                .get(broker.name());
        try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
                SessionPublisher publisher = broker.publisher(
                        scheme + "127.0.0.1:" + silent.getLocalPort(), place, Duration.ofMillis(300))) {
            long started = System.nanoTime();
            assertFalse(refuse(publisher, Received.messages(2)).contains("secret"));
            assertTrue(System.nanoTime() - started < Duration.ofSeconds(5).toNanos());
        }
    }

    @ParameterizedTest
    @MethodSource("brokers")
    void a_publisher_that_is_closed_confirms_nothing(Broker broker) throws Exception {
        String address = shared(broker);
        broker.make(address, place);
        SessionPublisher publisher = broker.publisher(address, place, LONG);
        confirm(publisher, Received.messages(1));
        publisher.close();
        publisher.close();
        refuse(publisher, Received.messages(1));
        assertEquals(1, broker.received(address, place).size());
    }

    @Test
    void what_jetstream_has_seen_it_drops() throws Exception {
        Broker broker = new Broker.NatsServer();
        String address = shared(broker);
        broker.make(address, place);
        List<Message> messages = Received.messages(3);
        for (int count : List.of(2, 3)) {
            try (SessionPublisher publisher = broker.publisher(address, place, LONG)) {
                confirm(publisher, messages.subList(0, count));
            }
        }
        assertEquals(Received.of(messages), broker.received(address, place));
    }

    // Kafka's own test vectors of murmur2.
    @ParameterizedTest
    @CsvSource({"21, -973932308", "foobar, -790332482", "a-little-bit-long-string, -985981536"})
    void an_order_is_in_the_partition_that_every_binding_chooses(String orderNo, int digest) throws Exception {
        Broker.Kafka broker = new Broker.Kafka();
        String address = shared(broker);
        broker.make(address, place, 7);
        List<Message> messages = IntStream.range(0, 5)
                .mapToObj(at -> Received.message(at, Topic.PAYMENT_PAID, orderNo))
                .toList();
        try (SessionPublisher publisher = broker.publisher(address, place, LONG)) {
            confirm(publisher, messages);
        }
        var records = broker.records(address, place, 7);
        assertEquals(
                Received.of(messages), records.stream().map(Broker.Kafka::read).toList());
        records.forEach(record -> assertEquals((digest & 0x7FFF_FFFF) % 7, record.partition()));
    }

    @Test
    void replicas_of_redis_that_are_missing_confirm_nothing() throws Exception {
        Broker.Redis broker = new Broker.Redis();
        String address = shared(broker);
        broker.make(address, place);
        try (SessionPublisher publisher =
                broker.publisher(address, new RedisPublisher.Stream(place, 0, 1), Duration.ofMillis(400))) {
            assertTrue(refuse(publisher, Received.messages(2)).contains("0 of 1 replicas"));
        }
    }

    @Test
    void a_stream_of_redis_keeps_as_much_as_it_is_told() throws Exception {
        Broker.Redis broker = new Broker.Redis();
        String address = shared(broker);
        broker.make(address, place);
        List<Message> messages = Received.messages(1000);
        try (SessionPublisher publisher = broker.publisher(address, new RedisPublisher.Stream(place, 100, 0), LONG)) {
            confirm(publisher, messages);
        }
        List<Received> kept = broker.received(address, place);
        assertTrue(kept.size() >= 100 && kept.size() <= 300, () -> kept.size() + " entries");
        assertEquals(Received.of(messages.subList(1000 - kept.size(), 1000)), kept);
    }

    @Test
    void a_timeout_that_is_none_is_refused() {
        for (Duration none : List.of(Duration.ZERO, Duration.ofSeconds(-1))) {
            assertThrows(
                    IllegalArgumentException.class, () -> new Broker.Kafka().publisher("127.0.0.1:1", place, none));
        }
    }
}
