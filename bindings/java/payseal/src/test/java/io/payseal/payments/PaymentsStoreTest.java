package io.payseal.payments;

import static io.payseal.payments.Till.PLATFORM;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.payseal.ArgumentException;
import io.payseal.ConfigurationException;
import io.payseal.ErrorCode;
import io.payseal.OrderException;
import io.payseal.Outcome;
import io.payseal.PaysealClient;
import io.payseal.PaysealException;
import io.payseal.StoreException;
import io.payseal.TrustException;
import java.io.IOException;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.lang.reflect.RecordComponent;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What payments store and give back: events under leases, effects that take place once, errors of the database that lose nothing. */
class PaymentsStoreTest {
    @TempDir
    Path folder;

    private Till till;

    @BeforeEach
    void open() {
        till = new Till(folder);
    }

    @AfterEach
    void close() {
        till.close();
    }

    private static <T extends PaysealException> void refused(
            Class<T> kind, ErrorCode code, org.junit.jupiter.api.function.Executable call) {
        assertEquals(code, assertThrows(kind, call).code());
    }

    @Test
    void what_is_accepted_is_claimed_once_and_takes_effect_when_it_is_acknowledged() {
        Accepted accepted = till.pay("ORDER20260102");
        assertEquals(200, accepted.reply().status());
        assertNull(accepted.error());
        assertEquals(EventKind.PAYMENT_PAID, accepted.kind());
        assertEquals("ORDER20260102", accepted.orderNo());
        assertEquals("wechat", accepted.account());
        assertFalse(accepted.duplicate());
        Accepted again = till.pay("ORDER20260102");
        assertEquals(200, again.reply().status());
        assertTrue(again.duplicate());

        List<Event> events = till.payments.claimEvents(10);
        assertEquals(1, events.size());
        Event event = events.get(0);
        assertEquals(Source.NOTIFICATION, event.source());
        assertEquals("TRANSACTION.SUCCESS", event.envelope().eventType());
        assertEquals(
                "ORDER20260102",
                till.payments.read(event, JsonNode.class).get("out_trade_no").asText());
        assertEquals(FactKind.PAYMENT, event.fact().of());
        assertEquals(1L, event.fact().amount());
        assertEquals(List.of(), till.payments.claimEvents(10));
        till.payments.ack(event);

        List<ExceptionRecord> raised = till.payments.exceptions(10);
        assertEquals(ExceptionKind.UNKNOWN_ORDER, raised.get(0).kind());
        List<Message> messages = till.payments.claimMessages(10, null);
        assertEquals(Topic.EXCEPTION_RAISED, messages.get(0).topic());
        assertEquals(List.of(), till.payments.ackAll(messages));
        Stats stats = till.payments.stats();
        assertEquals(0, stats.outbox().waiting());
        assertEquals(1, stats.exceptions());
        assertNull(till.payments.resolve(raised.get(0).id(), "given back", null));
        assertEquals(List.of(), till.payments.exceptions(10));
        assertEquals("given back", till.payments.allExceptions(null, 10).get(0).resolution());
    }

    @Test
    void without_an_account_it_is_found_out_and_a_wrong_one_is_said() {
        byte[] body = PLATFORM.paid("ORDER20260102");
        assertEquals(
                "wechat",
                till.payments.accept(null, PLATFORM.signed(body), body).account());
        ArgumentException wrong = assertThrows(
                ArgumentException.class, () -> till.payments.accept("nobody", PLATFORM.signed(body), body));
        assertEquals("account", wrong.details().field());
    }

    @Test
    void what_is_forged_is_refused_and_not_stored() {
        byte[] body = PLATFORM.paid("ORDER20260102");
        Map<String, List<String>> headers = PLATFORM.signed(body);
        for (Accepted refused : List.of(
                till.payments.accept("wechat", headers, Arrays.copyOf(body, body.length - 1)),
                till.payments.accept(null, Map.of(), "{}".getBytes(StandardCharsets.UTF_8)))) {
            assertInstanceOf(TrustException.class, refused.error());
            assertEquals(Outcome.UNAUTHENTIC, refused.error().outcome());
            assertTrue(refused.reply().status() >= 400);
            assertNull(refused.kind());
        }
        assertTrue(till.isDone());
    }

    @Test
    void a_lease_that_ran_out_changes_nothing() {
        till.pay("ORDER20260102");
        Event mine = till.payments.claimEvents(1, Duration.ofSeconds(1)).get(0);
        assertTrue(till.payments.extend(mine, Duration.ofSeconds(5)).isAfter(mine.leaseUntil()));
        till.clock.advance(Duration.ofSeconds(6));
        Event theirs = till.payments.claimEvents(1).get(0);
        refused(OrderException.class, ErrorCode.LEASE_LOST, () -> till.payments.ack(mine));
        refused(OrderException.class, ErrorCode.LEASE_LOST, () -> till.payments.nack(mine, null));
        refused(OrderException.class, ErrorCode.LEASE_LOST, () -> till.payments.extend(mine, null));
        assertEquals(List.of(mine), till.payments.ackAll(List.of(mine, theirs)));
        assertTrue(till.isDone());
    }

    @Test
    void what_fails_too_often_is_dead_until_it_is_redriven() {
        till.pay("ORDER20260102");
        for (int attempt = 1; attempt < 5; attempt++) {
            Nacked nacked = till.payments.nack(till.payments.claimEvents(1).get(0), "no stock", Duration.ofDays(1));
            assertFalse(nacked.dead());
            assertNotNull(nacked.dueAt());
            assertEquals(List.of(), till.payments.claimEvents(1));
            till.clock.advance(Duration.ofDays(1).plusSeconds(1));
        }
        assertTrue(till.payments
                .nack(till.payments.claimEvents(1).get(0), "no stock")
                .dead());
        DeadLetter letter = till.payments.deadLetters(Queue.INBOX, 10).get(0);
        assertEquals("no stock", letter.reason());
        assertEquals(5, letter.attempts());
        assertEquals(0, till.payments.redrive(Queue.INBOX, List.of()));
        assertEquals(1, till.payments.redrive(Queue.INBOX, List.of(letter.id())));
        till.payments.dead(till.payments.claimEvents(1).get(0), "enough");
        assertEquals(1, till.payments.redriveAll(Queue.INBOX));
    }

    @Test
    void what_the_service_writes_with_an_effect_is_written_with_it_or_not_at_all() throws Exception {
        elsewhere("CREATE TABLE stock (sku TEXT PRIMARY KEY, count INTEGER NOT NULL)");
        elsewhere("INSERT INTO stock VALUES ('tea', 7)");
        till.pay("ORDER20260102");
        Event event = till.payments.claimEvents(1).get(0);
        Statement nothing = new Statement("UPDATE stock SET count = ? WHERE sku = ?", List.of(6L, "coffee"), 1);
        refused(OrderException.class, ErrorCode.ORDER_STATE, () -> till.payments.ack(event, List.of(nothing)));
        assertFalse(till.isDone());
        Statement ours = new Statement("UPDATE payseal_inbox SET kind = ? WHERE id = ?", List.of("x", event.id()), 1);
        refused(ArgumentException.class, ErrorCode.PARAMS_INVALID, () -> till.payments.ack(event, List.of(ours)));
        assertFalse(till.isDone());
        Statement all = new Statement("UPDATE stock SET count = ? WHERE sku = ?", List.of(6L, "tea"), 1);
        till.payments.ack(event, List.of(all));
        assertTrue(till.isDone());
        List<Statement> statements = till.payments.ackStatements(event);
        assertEquals(1, statements.get(0).changes());
        assertEquals(
                statements.get(0).values().size(),
                statements.get(0).sql().chars().filter(letter -> letter == '?').count());
    }

    /** Another process writes to the file: a second SQLite in this one would take away the locks of the first. */
    private void elsewhere(String sql) throws Exception {
        String program = "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as file: file.execute(sys.argv[2])";
        String file = folder.resolve("pay.db").toString();
        assertEquals(
                0,
                new ProcessBuilder("python3", "-c", program, file, sql)
                        .inheritIO()
                        .start()
                        .waitFor());
    }

    /** A connection on which every statement changes so many rows. */
    private static Connection changing(int rows, List<String> ran) {
        InvocationHandler statement = (proxy, method, arguments) -> switch (method.getName()) {
            case "executeUpdate" -> rows;
            case "setObject" -> {
                ran.add(arguments[0] + "=" + arguments[1]);
                yield null;
            }
            default -> null;
        };
        InvocationHandler connection = (proxy, method, arguments) -> {
            ran.add((String) arguments[0]);
            return Proxy.newProxyInstance(
                    PaymentsStoreTest.class.getClassLoader(), new Class<?>[] {PreparedStatement.class}, statement);
        };
        return (Connection) Proxy.newProxyInstance(
                PaymentsStoreTest.class.getClassLoader(), new Class<?>[] {Connection.class}, connection);
    }

    @Test
    void an_event_is_acknowledged_in_a_transaction_of_the_services_own() throws SQLException {
        till.pay("ORDER20260102");
        Event event = till.payments.claimEvents(1).get(0);
        List<Statement> statements = till.payments.ackStatements(event);
        List<String> ran = new ArrayList<>();
        till.payments.ackIn(changing(1, ran), event);
        assertEquals(statements.get(0).sql(), ran.get(0));
        assertTrue(ran.contains("2=" + event.id()), ran::toString);
        assertTrue(statements.stream().allMatch(each -> ran.contains(each.sql())));
        Connection late = changing(0, new ArrayList<>());
        refused(OrderException.class, ErrorCode.LEASE_LOST, () -> till.payments.ackIn(late, event));
    }

    @Test
    void while_the_database_fails_the_provider_is_told_to_send_again_and_nothing_is_lost() {
        Path file = folder.resolve("lockable.db");
        try (Till lockable = Till.impatient(file)) {
            try (Lock lock = new Lock(file)) {
                assertNotNull(lock);
                Accepted refused = lockable.pay("ORDER20260102");
                assertInstanceOf(StoreException.class, refused.error());
                assertEquals(500, refused.reply().status());
                refused(StoreException.class, ErrorCode.STORE_LOCKED, () -> lockable.payments.claimEvents(1));
            }
            Accepted accepted = lockable.pay("ORDER20260102");
            assertEquals(200, accepted.reply().status());
            assertFalse(accepted.duplicate());
            assertEquals(
                    "ORDER20260102", lockable.payments.claimEvents(1).get(0).orderNo());
        }
    }

    @Test
    void a_database_that_cannot_be_used_is_a_store_exception() throws IOException {
        Files.writeString(folder.resolve("text"), "no database at all, but a text that is long enough".repeat(100));
        assertThrows(StoreException.class, () -> at("sqlite:" + folder.resolve("text")));
        StoreException gone = assertThrows(
                StoreException.class, () -> at("postgres://shop:hunter2secret@127.0.0.1:9/shop?connect_timeout=1"));
        assertEquals(ErrorCode.STORE_UNAVAILABLE, gone.code());
        assertFalse((gone + gone.detailsJson()).contains("hunter2secret"));
        assertFalse(PaymentsConfiguration.builder("postgres://shop:hunter2secret@127.0.0.1/shop")
                .build()
                .toString()
                .contains("hunter2secret"));
    }

    @Test
    void a_wrong_configuration_names_its_key() {
        ConfigurationException wrong = assertThrows(ConfigurationException.class, () -> at("oracle:x"));
        assertEquals("store", wrong.details().field());
        PaymentsConfiguration quick = PaymentsConfiguration.builder("sqlite:x")
                .expires(Duration.ofMillis(1))
                .build();
        PaysealClient client = PaysealClient.of(PLATFORM.configuration().build());
        wrong = assertThrows(
                ConfigurationException.class,
                () -> Payments.builder(quick).account("wechat", client).build());
        assertEquals("expires_ms", wrong.details().field());
        assertThrows(ArgumentException.class, () -> Payments.builder(quick).build());
        PaysealClient other = PaysealClient.builder(PLATFORM.configuration().build())
                .httpClient(HttpClient.newHttpClient())
                .build();
        assertThrows(
                IllegalArgumentException.class,
                () -> Payments.builder(quick)
                        .account("a", client)
                        .account("b", other)
                        .build());
        client.close();
        other.close();
    }

    private void at(String store) {
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build())) {
            Payments.builder(PaymentsConfiguration.builder(store).build())
                    .account("wechat", client)
                    .build()
                    .close();
        }
    }

    @Test
    void what_is_wrong_with_a_request_is_said_and_nothing_is_stored() {
        ArgumentException refused = assertThrows(
                ArgumentException.class,
                () -> till.payments.create(
                        PayRequest.builder("order1", "cash", 1, "tea").build()));
        assertEquals("method", refused.details().field());
        assertEquals(Outcome.NOT_SENT, refused.outcome());
        refused(OrderException.class, ErrorCode.ORDER_UNKNOWN, () -> till.payments.order("order1"));
        refused(
                OrderException.class,
                ErrorCode.ORDER_UNKNOWN,
                () -> till.payments.refund(
                        RefundRequest.builder("order1", "refund1", 1).build()));
        assertEquals(List.of(), till.payments.orders(null, null, 10));
        Payer payer = Payer.builder().authCode("134567890123456789").build();
        PayRequest request = PayRequest.builder("order1", Method.CODEPAY, 1, "tea")
                .payer(payer)
                .build();
        assertFalse((payer + " " + request).contains("134567890123456789"));
        assertEquals(
                "134567890123456789",
                request.json().get("payer").get("auth_code").asText());
    }

    @Test
    void thirty_two_threads_store_each_event_and_handle_it_once() throws Exception {
        List<String> numbers =
                IntStream.range(0, 128).mapToObj(number -> "ORDER" + number).toList();
        ExecutorService pool = Executors.newFixedThreadPool(32);
        try {
            List<Future<Accepted>> accepting = Stream.concat(numbers.stream(), numbers.stream())
                    .map(number -> pool.submit(() -> till.pay(number)))
                    .toList();
            int duplicates = 0;
            for (Future<Accepted> each : accepting) {
                assertEquals(200, each.get().reply().status());
                duplicates += each.get().duplicate() ? 1 : 0;
            }
            assertEquals(128, duplicates);
            ConcurrentLinkedQueue<String> handled = new ConcurrentLinkedQueue<>();
            List<Future<?>> working = new ArrayList<>();
            for (int worker = 0; worker < 32; worker++) {
                working.add(pool.submit(() -> {
                    List<Event> events;
                    while (!(events = till.payments.claimEvents(3)).isEmpty()) {
                        assertEquals(List.of(), till.payments.ackAll(events));
                        events.forEach(event -> handled.add(event.orderNo()));
                    }
                }));
            }
            for (Future<?> each : working) {
                each.get();
            }
            assertEquals(128, handled.size());
            assertEquals(Set.copyOf(numbers), Set.copyOf(handled));
        } finally {
            pool.shutdownNow();
        }
        assertTrue(till.isDone());
    }

    @Test
    void what_the_clock_throws_is_the_cause() {
        IllegalStateException broken = new IllegalStateException("no time");
        InstantSource clock = () -> {
            throw broken;
        };
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build());
                Payments payments = Payments.builder(PaymentsConfiguration.builder("sqlite:" + folder.resolve("pay.db"))
                                .build())
                        .account("wechat", client)
                        .clock(clock)
                        .build()) {
            PaysealException failed = assertThrows(ArgumentException.class, payments::stats);
            assertEquals(ErrorCode.CALLBACK_FAILED, failed.code());
            assertSame(broken, failed.getCause());
            byte[] body = PLATFORM.paid("ORDER20260102");
            Accepted accepted = payments.accept("wechat", PLATFORM.signed(body), body);
            assertSame(broken, accepted.error().getCause());
        }
    }

    @Test
    void closed_payments_are_refused_and_a_client_may_be_closed_before_them() {
        PaysealClient client = PaysealClient.of(PLATFORM.configuration().build());
        Payments payments = Payments.builder(PaymentsConfiguration.builder("sqlite:" + folder.resolve("other.db"))
                        .build())
                .account("wechat", client)
                .build();
        client.close();
        byte[] body = PLATFORM.paid("ORDER20260102");
        assertNull(payments.accept("wechat", PLATFORM.signed(body), body).error());
        payments.close();
        payments.close();
        refused(ArgumentException.class, ErrorCode.INVALID_HANDLE, payments::stats);
    }

    @Test
    void futures_accept_and_ask_too() {
        byte[] body = PLATFORM.paid("ORDER20260102");
        Accepted accepted = till.payments
                .acceptAsync("wechat", PLATFORM.signed(body), body, null)
                .join();
        assertEquals("ORDER20260102", accepted.orderNo());
        assertEquals(0, till.payments.tickAsync().join().orders());
    }

    /** The names in the ABI's list of a thing, which is the first sentence about it. */
    private static Set<String> named(String thing) throws IOException {
        String abi = Files.readString(Path.of(System.getProperty("payseal.checkout"), "docs", "abi.md"));
        Matcher line = Pattern.compile("(?ms)^" + Pattern.quote(thing) + ": (.*?)(?:\\.\\s.*?)?\n\n")
                .matcher(abi);
        assertTrue(line.find(), thing);
        String text = line.group(1);
        String plain = text;
        do {
            text = plain;
            plain = text.replaceAll("\\([^()]*\\)|: \\{[^{}]*\\}", "");
        } while (!plain.equals(text));
        Set<String> names = new TreeSet<>();
        Matcher name = Pattern.compile("`(\\w+)`").matcher(text);
        while (name.find()) {
            names.add(name.group(1));
        }
        return names;
    }

    @Test
    void every_member_that_the_library_gives_out_is_typed() throws IOException {
        Map<String, Class<?>> types = Map.of(
                "Order",
                Order.class,
                "Refund",
                Refund.class,
                "History",
                Transition.class,
                "Exception",
                ExceptionRecord.class,
                "Event (of the inbox)",
                Event.class,
                "Message (of the outbox)",
                Message.class);
        for (Map.Entry<String, Class<?>> each : types.entrySet()) {
            Set<String> typed = Arrays.stream(each.getValue().getRecordComponents())
                    .map(PaymentsStoreTest::jsonName)
                    .collect(Collectors.toCollection(TreeSet::new));
            assertEquals(named(each.getKey()), typed);
        }
    }

    private static String jsonName(RecordComponent component) {
        return component
                .getAccessor()
                .getAnnotation(com.fasterxml.jackson.annotation.JsonProperty.class)
                .value();
    }

    @Test
    void a_resource_that_is_no_text_comes_out_as_its_bytes() {
        assertArrayEquals(new byte[] {(byte) 0xff, 0}, with("base64:/wA=").plaintext());
        assertArrayEquals(new byte[0], with(null).plaintext());
        assertArrayEquals(
                "{\"a\":1}".getBytes(StandardCharsets.UTF_8), with("{\"a\":1}").plaintext());
    }

    private static Event with(String resource) {
        return new Event(1, 1, "", "", "", Source.QUERY, null, resource, null, null, null, null, null);
    }
}
