package io.payseal.payments;

import static io.payseal.payments.Till.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.payseal.ArgumentException;
import io.payseal.CallOptions;
import io.payseal.Configuration;
import io.payseal.ErrorCode;
import io.payseal.LogListener;
import io.payseal.OrderException;
import io.payseal.Outcome;
import io.payseal.PaysealClient;
import io.payseal.PaysealException;
import io.payseal.testing.Orders;
import io.payseal.testing.Sandbox;
import io.payseal.testing.Transport;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Payments against the sandbox: from the order to the end of its refund, through a real web server, on every database there is. */
@Timeout(120)
class PaymentsTest {
    @TempDir
    static Path keys;

    @TempDir
    Path folder;

    private static Sandbox sandbox;

    private final Till.Clock clock = new Till.Clock();

    @BeforeAll
    static void start() {
        sandbox = Sandbox.start(keys);
    }

    @AfterAll
    static void stop() {
        sandbox.close();
    }

    @AfterEach
    void clear() {
        sandbox.clearFaults();
    }

    /** SQLite, and the servers that there are. */
    static List<String> stores() {
        List<String> stores = new ArrayList<>(List.of("sqlite"));
        for (String variable : List.of("PAYSEAL_TEST_POSTGRES", "PAYSEAL_TEST_MYSQL")) {
            if (System.getenv(variable) != null) {
                stores.add(System.getenv(variable));
            }
        }
        return stores;
    }

    private String sqlite() {
        return "sqlite:" + folder.resolve("pay.db");
    }

    private Shop shop(String store, String account, Transport transport) throws IOException {
        return new Shop(sandbox, store, account, transport, clock);
    }

    @ParameterizedTest
    @MethodSource("stores")
    void an_order_of_wechat_is_paid_and_refunded_to_its_end(String store) throws Exception {
        fromOrderToRefund(store.equals("sqlite") ? sqlite() : store, "wechat", Method.NATIVE, Transport.BUILT_IN);
    }

    @ParameterizedTest
    @CsvSource({
        "alipay, precreate, BUILT_IN",
        "alipay, precreate, JAVA_NET_HTTP",
        "wechat, native, JAVA_NET_HTTP",
    })
    void an_order_is_paid_and_refunded_to_its_end(String account, String method, Transport transport) throws Exception {
        fromOrderToRefund(sqlite(), account, method, transport);
    }

    private void fromOrderToRefund(String store, String account, String method, Transport transport) throws Exception {
        String number = Orders.number();
        BlockingQueue<Event> events = new LinkedBlockingQueue<>();
        try (Shop shop = shop(store, account, transport);
                Runner runner = Runner.builder(shop.payments)
                        .handler(event -> {
                            if (event.orderNo().equals(number)) {
                                events.add(event);
                            }
                        })
                        .start()) {
            assertNull(runner.failure());
            Payment payment = shop.payments.create(Shop.request(number, method));
            assertEquals(State.PAYING, payment.order().state());
            assertEquals(100, payment.order().amount());
            assertEquals(ClientKind.QR, payment.client().kind());
            assertTrue(payment.client().codeUrl().startsWith(sandbox.address()));
            assertEquals(
                    payment, shop.payments.create(Shop.request(number, method)), "the same number is the same order");

            sandbox.pay(number);
            Event event = events.poll(20, TimeUnit.SECONDS);
            assertNotNull(event, "the notification arrives");
            assertEquals(EventKind.PAYMENT_PAID, event.kind());
            assertEquals(Source.NOTIFICATION, event.source());
            assertEquals(100L, event.fact().amount());
            assertEquals(account, event.envelope().provider());
            eventually(() -> shop.payments.order(number).order().state() == State.PAID);

            RefundRequest refund =
                    RefundRequest.builder(number, "R" + number, 40).reason("冷").build();
            assertEquals(40, shop.payments.refund(refund).refund().amount());
            eventually(() -> shop.payments.queryRefund("R" + number).refund().state() == RefundState.SUCCEEDED);
            eventually(() -> shop.payments.order(number).order().state() == State.PARTLY_REFUNDED);
            OrderFile file = shop.payments.order(number);
            assertEquals(40, file.order().refunded());
            assertEquals("R" + number, file.refunds().get(0).refundNo());
            assertEquals(
                    List.of(State.CREATED, State.PAYING, State.PAID),
                    file.history().stream()
                            .filter(step -> step.refundNo() == null)
                            .map(Transition::to)
                            .toList());
            assertNull(file.history().get(0).from());
            assertNull(file.client());
            assertEquals(List.of(), file.exceptions());
            assertTrue(shop.payments.stats().orders().get(State.PARTLY_REFUNDED) >= 1);
        }
    }

    /** Remembers that it was asked, and lets everything pass. */
    private static final class Asked extends ProxySelector {
        final AtomicInteger times = new AtomicInteger();

        @Override
        public List<Proxy> select(URI uri) {
            times.incrementAndGet();
            return List.of(Proxy.NO_PROXY);
        }

        @Override
        public void connectFailed(URI uri, SocketAddress address, IOException failure) {}
    }

    @Test
    void each_account_sends_through_its_own_http_client() {
        Map<String, Asked> asked = Map.of("config.json", new Asked(), "config-alipay.json", new Asked());
        Map<String, PaysealClient> clients = new HashMap<>();
        asked.forEach((file, proxies) -> clients.put(
                file,
                PaysealClient.builder(Configuration.fromJson(sandbox.read(file).toString()))
                        .httpClient(HttpClient.newBuilder().proxy(proxies).build())
                        .build()));
        PaymentsConfiguration configuration = PaymentsConfiguration.builder(sqlite())
                .notifyUrl("a", Orders.NOWHERE)
                .notifyUrl("w", Orders.NOWHERE)
                .build();
        try (Payments payments = Payments.builder(configuration)
                .account("w", clients.get("config.json"))
                .account("a", clients.get("config-alipay.json"))
                .build()) {
            payments.create(PayRequest.builder(Orders.number(), Method.PRECREATE, 1, "tea")
                    .account("a")
                    .build());
            assertEquals(1, asked.get("config-alipay.json").times.get());
            assertEquals(0, asked.get("config.json").times.get());
            payments.create(PayRequest.builder(Orders.number(), Method.NATIVE, 1, "tea")
                    .provider("wechat")
                    .build());
            assertEquals(1, asked.get("config.json").times.get());
        } finally {
            clients.values().forEach(PaysealClient::close);
        }
    }

    @Test
    void a_notification_that_comes_twice_takes_effect_once() throws Exception {
        String number = Orders.number();
        try (Shop shop = shop(sqlite(), "wechat", Transport.BUILT_IN)) {
            shop.payments.create(Shop.request(number, Method.NATIVE));
            sandbox.pay(number);
            assertNull(shop.accepted.poll(20, TimeUnit.SECONDS).error());
            String told = sandbox.notifications(number).get(0).get("id").asText();
            for (int time = 0; time < 2; time++) {
                JsonNode attempts = sandbox.resend(told).get("attempts");
                assertEquals(
                        200, attempts.get(attempts.size() - 1).get("status").asInt());
            }
            List<Event> events = shop.payments.claimEvents(10);
            assertEquals(1, events.size());
            assertEquals(State.PAID, events.get(0).order().state(), "as it is when the event takes effect");
            shop.payments.ack(events.get(0));
            assertEquals(3, shop.payments.order(number).history().size());
        }
    }

    @Test
    void an_expired_order_is_closed_by_a_tick_and_the_provider_is_told() throws Exception {
        String number = Orders.number();
        try (Shop shop = shop(sqlite(), "wechat", Transport.BUILT_IN)) {
            shop.payments.create(Shop.request(number, Method.NATIVE));
            assertEquals(0, shop.payments.tick().orders());
            clock.advance(Duration.ofSeconds(121));
            Ticked ticked = shop.payments.tick(10);
            assertEquals(1, ticked.orders());
            assertEquals(0, ticked.failed());
            assertNull(ticked.nextDueAt());
            assertEquals(State.CLOSED, shop.payments.order(number).order().state());
            assertEquals("CLOSED", sandbox.order(number).get("state").asText());
            OrderException refused =
                    assertThrows(OrderException.class, () -> shop.payments.create(Shop.request(number, Method.NATIVE)));
            assertEquals(ErrorCode.ORDER_STATE, refused.code());
        }
    }

    @Test
    void what_no_notification_told_a_query_or_a_bill_tells() throws Exception {
        String queried = Orders.number();
        String billed = Orders.number();
        try (Shop shop = shop(sqlite(), "wechat", Transport.BUILT_IN)) {
            shop.payments.create(Shop.request(queried, Method.NATIVE));
            shop.payments.create(Shop.request(billed, Method.NATIVE));
            assertEquals(PaymentState.UNPAID, shop.payments.query(queried).paymentState());
            shop.server.removeContext("/notify");
            sandbox.pay(queried);
            Inquiry closed = shop.payments.closeOrder(queried);
            assertEquals(PaymentState.PAID, closed.paymentState(), "what is paid is not closed");
            assertEquals(State.PAID, closed.order().state());
            Event event = shop.payments.claimEvents(10).get(0);
            assertEquals(Source.QUERY, event.source());
            assertNull(event.envelope());
            assertEquals(0, event.plaintext().length);

            Report line = Report.builder(Source.BILL, billed, "4200001", 100)
                    .paidAt(Instant.ofEpochMilli(1_700_000_000_123L))
                    .build();
            shop.payments.report(line);
            Order order = shop.payments.report(line);
            assertEquals("4200001", order.transactionId());
            assertEquals(Instant.ofEpochMilli(1_700_000_000_123L), order.paidAt());
            assertEquals(2, shop.payments.orders(State.PAID, null, 10).size());
            List<Order> all = shop.payments.orders(null, null, 10);
            Order newest = shop.payments.orders(null, null, 1).get(0);
            assertEquals(all.subList(0, 1), List.of(newest));
            assertEquals(all.subList(1, all.size()), shop.payments.ordersBehind(null, newest, 10));
            assertEquals(List.of(), shop.payments.ordersBehind(State.REFUNDED, newest, 10));
            assertEquals(List.of(), shop.payments.orders(null, Instant.EPOCH, 10));
        }
    }

    @ParameterizedTest
    @EnumSource
    void the_providers_no_is_thrown_and_kept_and_the_same_call_goes_on(Transport transport) throws Exception {
        String number = Orders.number();
        try (Shop shop = shop(sqlite(), "wechat", transport)) {
            sandbox.fault(Map.of("fault", "system_error", "times", 0));
            PaysealException no = assertThrows(
                    PaysealException.class, () -> shop.payments.create(Shop.request(number, Method.NATIVE)));
            assertEquals(Outcome.UNKNOWN, no.outcome());
            CompletionException same = assertThrows(
                    CompletionException.class,
                    () -> shop.payments
                            .createAsync(Shop.request(number, Method.NATIVE))
                            .join());
            assertEquals(no.code(), ((PaysealException) same.getCause()).code());
            Refusal refusal = shop.payments.order(number).order().refusal();
            assertEquals(no.code().number(), refusal.code());
            assertEquals("unknown", refusal.outcome());
            sandbox.clearFaults();
            assertNotNull(shop.payments
                    .createAsync(Shop.request(number, Method.NATIVE))
                    .get(20, TimeUnit.SECONDS)
                    .client());
            assertNotNull(
                    shop.payments.queryAsync(number).get(20, TimeUnit.SECONDS).order());
            OrderException conflict = assertThrows(
                    OrderException.class,
                    () -> shop.payments.create(
                            PayRequest.builder(number, Method.NATIVE, 2, "tea").build()));
            assertEquals(ErrorCode.ORDER_CONFLICT, conflict.code());
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_trace_id_stands_in_the_records_of_the_requests(Transport transport) throws Exception {
        String number = Orders.number();
        Map<String, Set<String>> traces = new ConcurrentHashMap<>();
        LogListener log = (level, record) -> {
            JsonNode fields = json(record);
            traces.computeIfAbsent(fields.path("operation").asText(), operation -> ConcurrentHashMap.newKeySet())
                    .add(fields.path("trace_id").asText());
        };
        try (PaysealClient client = transport
                        .builder(Configuration.fromJson(
                                sandbox.read("config.json").toString()))
                        .log(log)
                        .build();
                Payments payments = Payments.builder(
                                PaymentsConfiguration.builder(sqlite()).build())
                        .account("wechat", client)
                        .build()) {
            payments.with(trace("create-1"))
                    .create(PayRequest.builder(number, Method.NATIVE, 1, "茶")
                            .notifyUrl(Orders.NOWHERE)
                            .build());
            Payments traced = payments.with(trace("another")).with(trace("query-1"));
            traced.queryAsync(number).get(20, TimeUnit.SECONDS);
            traced.close();
            assertEquals(1, payments.stats().orders().get(State.PAYING), "closed with those they come from alone");
            payments.closeOrder(number);
            CallOptions wrong = CallOptions.builder().accept("text/html").build();
            ArgumentException refused = assertThrows(
                    ArgumentException.class, () -> payments.with(wrong).query(number));
            assertEquals("$.accept", refused.details().field());
        }
        assertEquals(Set.of("create-1"), traces.get("POST /v3/pay/transactions/native"));
        assertEquals(Set.of("query-1", ""), traces.get("GET /v3/pay/transactions/out-trade-no/{out_trade_no}"));
        assertEquals(Set.of(""), traces.get("POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close"));
    }

    private static JsonNode json(String text) {
        try {
            return new ObjectMapper().readTree(text);
        } catch (JsonProcessingException error) {
            throw new UncheckedIOException(error);
        }
    }

    private static CallOptions trace(String id) {
        return CallOptions.builder().traceId(id).build();
    }

    @ParameterizedTest
    @EnumSource
    void an_interrupt_cancels_and_what_was_stored_stays(Transport transport) throws Exception {
        String number = Orders.number();
        try (Shop shop = shop(sqlite(), "wechat", transport)) {
            sandbox.fault(Map.of("fault", "delay", "ms", 20_000, "times", 0));
            BlockingQueue<PaysealException> ended = new LinkedBlockingQueue<>();
            Thread ordering = new Thread(() -> ended.add(assertThrows(
                    PaysealException.class, () -> shop.payments.create(Shop.request(number, Method.NATIVE)))));
            ordering.start();
            eventually(() -> !shop.payments.orders(null, null, 1).isEmpty());
            ordering.interrupt();
            PaysealException cancelled = ended.poll(10, TimeUnit.SECONDS);
            assertNotNull(cancelled);
            assertEquals(ErrorCode.CANCELLED, cancelled.code());
            sandbox.clearFaults();
            assertNotNull(
                    shop.payments.create(Shop.request(number, Method.NATIVE)).client());
        }
    }
}
