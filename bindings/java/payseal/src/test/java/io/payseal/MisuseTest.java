package io.payseal;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.payseal.testing.Loopback;
import io.payseal.testing.Orders;
import io.payseal.testing.Platform;
import io.payseal.testing.Transport;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Wrong use is an exception, never a crash. */
@Timeout(120)
class MisuseTest {
    private static final Platform PLATFORM = new Platform();
    private static final byte[] ANSWER = "{\"code_url\":\"weixin://x\"}".getBytes(StandardCharsets.UTF_8);
    private static final byte[] BODY = PLATFORM.paid("MISUSE2026");

    private static void assertClosed(Executable use) {
        PaysealException error = assertThrows(PaysealException.class, use);
        assertEquals(ErrorCode.INVALID_HANDLE, error.code());
        assertEquals(Outcome.NOT_SENT, error.outcome());
    }

    @ParameterizedTest
    @EnumSource
    void a_closed_client_says_so(Transport transport) {
        PaysealClient client = transport.client(PLATFORM.configuration().build());
        client.close();
        client.close();
        assertClosed(() -> client.execute(Orders.NATIVE, Params.none()));
        assertClosed(() -> client.newCall(Orders.NATIVE, Params.none()));
        assertClosed(() -> client.openNotification(Map.of(), BODY));
        assertClosed(() -> client.answerNotification(Map.of(), BODY, notification -> {}));
        assertClosed(client::acceptNotification);
        assertClosed(() -> client.invoke("jsapi", Map.of("prepay_id", "x")));
        assertClosed(client::metrics);
        assertClosed(() -> {
            try {
                client.executeAsync(Orders.NATIVE, Params.none()).get();
            } catch (ExecutionException e) {
                throw e.getCause();
            }
        });
    }

    @Test
    void a_closed_call_says_so() {
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build())) {
            Call<Result> call = client.newCall(Orders.NATIVE, Orders.order("MISUSE2026"));
            call.close();
            call.close();
            assertClosed(call::step);
            assertClosed(call::result);
            assertClosed(() -> call.respond(200, Map.of(), ANSWER));
            assertClosed(() -> call.fail(Failure.SENT, "x"));
        }
    }

    /** A call holds what it needs of its client. */
    @Test
    void a_call_outlives_its_client() {
        PaysealClient client = PaysealClient.of(PLATFORM.configuration().build());
        try (Call<Result> call = client.newCall(Orders.NATIVE, Orders.order("MISUSE2026"))) {
            client.close();
            assertInstanceOf(Step.Send.class, call.step());
            call.respond(200, PLATFORM.signed(ANSWER), ANSWER);
            assertInstanceOf(Step.Done.class, call.step());
            assertEquals(
                    new String(ANSWER, StandardCharsets.UTF_8), call.result().text());
        }
    }

    @Test
    void a_call_out_of_turn_says_so() {
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build());
                Call<Result> call = client.newCall(Orders.NATIVE, Orders.order("MISUSE2026"))) {
            for (Executable use : List.<Executable>of(
                    call::result, () -> call.respond(200, Map.of(), ANSWER), () -> call.fail(Failure.SENT, "x"))) {
                assertEquals(
                        ErrorCode.INVALID_STATE,
                        assertThrows(ArgumentException.class, use).code());
            }
        }
    }

    @TestFactory
    Stream<DynamicTest> null_is_an_exception_and_no_crash() {
        PaysealClient client = PaysealClient.of(PLATFORM.configuration().build());
        Map<String, Executable> uses = Map.ofEntries(
                Map.entry("configuration", () -> PaysealClient.of(null)),
                Map.entry("json", () -> Configuration.fromJson(null)),
                Map.entry("operation", () -> client.execute(null, Params.none())),
                Map.entry("params", () -> client.execute(Orders.NATIVE, null)),
                Map.entry("async operation", () -> client.executeAsync(null, Params.none())),
                Map.entry("async params", () -> client.executeAsync(Orders.NATIVE, null)),
                Map.entry("headers", () -> client.openNotification(null, BODY)),
                Map.entry("body", () -> client.openNotification(PLATFORM.signed(BODY), null)),
                Map.entry("kind", () -> client.invoke(null, Map.of())),
                Map.entry("invoke params", () -> client.invoke("jsapi", null)),
                Map.entry("reason", () -> client.refuseNotification(null)),
                Map.entry("provider", () -> PaysealClient.operations(null)),
                Map.entry("algorithm", () -> Crypto.sign(null, ANSWER, ANSWER)),
                Map.entry("key", () -> Crypto.sign("RSA-SHA256", null, ANSWER)),
                Map.entry("signature", () -> Crypto.verify("RSA-SHA256", ANSWER, null, null)),
                Map.entry("ciphertext", () -> Crypto.open("AES-256-GCM", null, null, null, null)));
        return uses.entrySet().stream()
                .map(use -> DynamicTest.dynamicTest(use.getKey(), () -> {
                    RuntimeException error = assertThrows(RuntimeException.class, use.getValue());
                    assertTrue(
                            error instanceof NullPointerException || error instanceof PaysealException,
                            error.toString());
                }));
    }

    /** Below the typed API: handles that were never given out, of another kind, or freed. */
    @Test
    void handles_are_looked_up_and_never_followed() {
        long client = Native.clientNew(PLATFORM.configuration().build().json(), null);
        long call = Native.callNew(
                client,
                Orders.NATIVE.getBytes(StandardCharsets.UTF_8),
                Orders.order("MISUSE2026").json(),
                null);
        for (long wrong :
                new long[] {0, 1, -1, 8, Long.MAX_VALUE, Long.MIN_VALUE, client + 1, call, 0x7fff_0000_0000L}) {
            assertClosed(() -> Native.clientMetrics(wrong));
            assertDoesNotThrow(() -> Native.clientFree(wrong == call ? 0 : wrong));
        }
        for (long wrong : new long[] {0, 1, -1, client}) {
            assertClosed(() -> Native.callStep(wrong, new long[1]));
            assertClosed(() -> Native.cancelTrigger(wrong));
            Native.callFree(wrong);
            Native.cancelFree(wrong);
        }
        Native.callFree(call);
        Native.callFree(call);
        assertClosed(() -> Native.callStep(call, new long[1]));
        Native.clientFree(client);
        Native.clientFree(client);
        assertClosed(() -> Native.clientMetrics(client));
    }

    @Test
    void what_is_longer_than_allowed_is_refused() {
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build())) {
            byte[] huge = new byte[65 << 20];
            assertThrows(PaysealException.class, () -> client.openNotification(PLATFORM.signed(BODY), huge));
            assertThrows(
                    PaysealException.class,
                    () -> client.execute(
                            "POST /v3/x", Params.builder().payload(huge).build()));
            assertThrows(PaysealException.class, () -> client.execute("GET /" + "x".repeat(100_000), Params.none()));
        }
    }

    @Test
    void what_cannot_be_json_is_an_argument_that_is_wrong() {
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build())) {
            assertThrows(
                    IllegalArgumentException.class, () -> client.execute(Orders.NATIVE, Params.ofBody(new Object())));
            List<Object> endless = new ArrayList<>();
            endless.add(endless);
            assertThrows(IllegalArgumentException.class, () -> client.execute(Orders.NATIVE, Params.ofBody(endless)));
        }
    }

    /** A future is given in any case; what is wrong is in it. */
    @ParameterizedTest
    @EnumSource
    void what_is_wrong_with_an_async_call_is_in_its_future(Transport transport) {
        PaysealClient client = transport.client(PLATFORM.configuration().build());
        CompletableFuture<Result> noOperation = client.executeAsync("x", Params.none());
        CompletableFuture<Result> noPlaceholder = client.executeAsync(
                Orders.NATIVE, Params.builder().path("nowhere", "x").build());
        CompletableFuture<Result> noJson = client.executeAsync(Orders.NATIVE, Params.ofBody(new Object()));
        client.close();
        CompletableFuture<Result> closed = client.executeAsync(Orders.NATIVE, Params.none());
        assertInstanceOf(ArgumentException.class, cause(noOperation));
        assertInstanceOf(ArgumentException.class, cause(noPlaceholder));
        assertInstanceOf(IllegalArgumentException.class, cause(noJson));
        assertClosed(() -> {
            throw cause(closed);
        });
    }

    private static Throwable cause(CompletableFuture<?> future) {
        return assertThrows(ExecutionException.class, () -> future.get(20, TimeUnit.SECONDS))
                .getCause();
    }

    /** Those under way end properly, the others are told that the client is closed. */
    @ParameterizedTest
    @EnumSource
    void a_client_is_closed_while_calls_are_under_way(Transport transport) throws Exception {
        CountDownLatch arrived = new CountDownLatch(8);
        CountDownLatch go = new CountDownLatch(1);
        try (Loopback server = new Loopback((request, to) -> {
            arrived.countDown();
            go.await();
            Loopback.respond(to, 200, PLATFORM.signed(ANSWER), ANSWER);
        })) {
            PaysealClient client = transport.client(
                    PLATFORM.configuration().hosts(List.of(server.address())).build());
            List<CompletableFuture<Result>> futures = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                futures.add(client.executeAsync(Orders.NATIVE, Orders.order(Orders.number())));
            }
            assertTrue(arrived.await(20, TimeUnit.SECONDS));
            client.close();
            go.countDown();
            for (CompletableFuture<Result> future : futures) {
                assertEquals(200, future.get(20, TimeUnit.SECONDS).info().httpStatus());
            }
            assertClosed(() -> client.execute(Orders.NATIVE, Orders.order(Orders.number())));
        }
    }
}
