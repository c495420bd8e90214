package io.payseal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.payseal.testing.Orders;
import io.payseal.testing.Platform;
import java.lang.System.Logger.Level;
import java.lang.ref.WeakReference;
import java.security.SecureRandom;
import java.security.Security;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Clock, random source, signer and log come from Java; what they throw goes nowhere it must not. */
class CallbacksTest {
    private static final Platform PLATFORM = new Platform();
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    private static Step.Send send(PaysealClient client) {
        try (Call<Result> call = client.newCall(Orders.NATIVE, Orders.order("CALLBACKS2026"))) {
            return (Step.Send) call.step();
        }
    }

    private static String authorization(Step.Send send) {
        return send.headers().stream()
                .filter(header -> header.getKey().equals("Authorization"))
                .findFirst()
                .orElseThrow()
                .getValue();
    }

    private static SecureRandom fixed(String hex) {
        return new SecureRandom() {
            private static final long serialVersionUID = 1L;

            @Override
            public void nextBytes(byte[] out) {
                byte[] bytes = HexFormat.of().parseHex(hex);
                System.arraycopy(bytes, 0, out, 0, out.length);
            }
        };
    }

    private static SecureRandom throwing(RuntimeException failure) {
        return new SecureRandom() {
            private static final long serialVersionUID = 1L;

            @Override
            public void nextBytes(byte[] out) {
                throw failure;
            }
        };
    }

    @Test
    void clock_and_random_source_are_the_injected_ones() {
        try (PaysealClient client = PaysealClient.builder(
                        PLATFORM.configuration().build())
                .clock(InstantSource.fixed(NOW))
                .random(fixed("000102030405060708090a0b0c0d0e0f"))
                .build()) {
            String authorization = authorization(send(client));
            assertTrue(authorization.contains("timestamp=\"" + NOW.getEpochSecond() + "\""), authorization);
            assertTrue(authorization.contains("nonce_str=\"000102030405060708090A0B0C0D0E0F\""), authorization);
        }
    }

    @Test
    void an_injected_signer_signs_the_very_same() {
        InstantSource clock = InstantSource.fixed(NOW);
        SecureRandom random = fixed("000102030405060708090a0b0c0d0e0f");
        try (PaysealClient inside = PaysealClient.builder(
                                PLATFORM.configuration().build())
                        .clock(clock)
                        .random(random)
                        .build();
                PaysealClient outside = PaysealClient.builder(
                                PLATFORM.configurationWithoutPrivateKey().build())
                        .clock(clock)
                        .random(random)
                        .signer(Signer.of(PLATFORM.merchant.getPrivate()))
                        .build();
                PaysealClient byProvider = PaysealClient.builder(
                                PLATFORM.configurationWithoutPrivateKey().build())
                        .clock(clock)
                        .random(random)
                        .signer(Signer.of(PLATFORM.merchant.getPrivate(), Security.getProvider("SunRsaSign")))
                        .build()) {
            assertEquals(authorization(send(inside)), authorization(send(outside)));
            assertEquals(authorization(send(inside)), authorization(send(byProvider)));
            assertArrayEquals(send(inside).body(), send(outside).body());
        }
    }

    @Test
    void what_a_signer_throws_is_the_cause() {
        Exception away = new Exception("the HSM is away");
        try (PaysealClient client = PaysealClient.builder(
                        PLATFORM.configurationWithoutPrivateKey().build())
                .signer(message -> {
                    throw away;
                })
                .build()) {
            ArgumentException error = assertThrows(
                    ArgumentException.class, () -> client.execute(Orders.NATIVE, Orders.order("SIGNER2026")));
            assertEquals(ErrorCode.SIGNER_FAILED, error.code());
            assertEquals(Outcome.NOT_SENT, error.outcome());
            assertSame(away, error.getCause());
        }
    }

    @Test
    void a_signer_that_gives_nothing_or_too_much_fails_the_call() {
        for (byte[] signature : new byte[][] {null, {}, new byte[10], new byte[1025], new byte[100_000]}) {
            try (PaysealClient client = PaysealClient.builder(
                            PLATFORM.configurationWithoutPrivateKey().build())
                    .signer(message -> signature)
                    .build()) {
                ArgumentException error = assertThrows(
                        ArgumentException.class, () -> client.execute(Orders.NATIVE, Orders.order("SIGNER2026")));
                assertEquals(ErrorCode.SIGNER_FAILED, error.code());
                assertNull(error.getCause());
            }
        }
    }

    @Test
    void what_a_clock_throws_is_the_cause() {
        RuntimeException stopped = new IllegalStateException("stopped");
        AtomicBoolean stop = new AtomicBoolean();
        try (PaysealClient client = PaysealClient.builder(
                        PLATFORM.configuration().build())
                .clock(() -> {
                    if (stop.get()) {
                        throw stopped;
                    }
                    return Instant.now();
                })
                .build()) {
            stop.set(true);
            ArgumentException error =
                    assertThrows(ArgumentException.class, () -> client.openNotification(Map.of(), new byte[0]));
            assertEquals(ErrorCode.CALLBACK_FAILED, error.code());
            assertSame(stopped, error.getCause());
        }
    }

    @Test
    void what_a_random_source_throws_is_the_cause() {
        RuntimeException empty = new IllegalStateException("no entropy");
        try (PaysealClient client = PaysealClient.builder(
                        PLATFORM.configuration().build())
                .random(throwing(empty))
                .build()) {
            ArgumentException error = assertThrows(
                    ArgumentException.class, () -> client.execute(Orders.NATIVE, Orders.order("RANDOM2026")));
            assertEquals(ErrorCode.CALLBACK_FAILED, error.code());
            assertSame(empty, error.getCause());
        }
    }

    /** A stack or a heap at its end inside a callback: the call fails, the JVM goes on. */
    @Test
    void an_error_in_a_callback_does_not_tear_down_the_process() {
        try (PaysealClient client = PaysealClient.builder(
                        PLATFORM.configurationWithoutPrivateKey().build())
                .signer(CallbacksTest::recurse)
                .build()) {
            ArgumentException error = assertThrows(
                    ArgumentException.class, () -> client.execute(Orders.NATIVE, Orders.order("STACK2026")));
            assertEquals(ErrorCode.SIGNER_FAILED, error.code());
            assertTrue(error.getCause() instanceof StackOverflowError);
        }
    }

    private static byte[] recurse(byte[] message) {
        return recurse(message).clone();
    }

    @Test
    void a_log_that_throws_fails_no_call() {
        try (PaysealClient client = PaysealClient.builder(
                        PLATFORM.configuration().build())
                .log((level, record) -> {
                    throw new IllegalStateException("disk full");
                })
                .build()) {
            byte[] body = PLATFORM.paid("LOG2026");
            assertEquals(
                    "TRANSACTION.SUCCESS",
                    client.openNotification(PLATFORM.signed(body), body).event().eventType());
        }
    }

    @Test
    void records_of_the_log_are_json_with_level_event_and_trace_id() throws Exception {
        List<Level> levels = new ArrayList<>();
        List<JsonNode> records = new ArrayList<>();
        try (PaysealClient client = PaysealClient.builder(
                        PLATFORM.configuration().build())
                .log((level, record) -> {
                    levels.add(level);
                    records.add(Json.read(record.getBytes(java.nio.charset.StandardCharsets.UTF_8), JsonNode.class));
                })
                .build()) {
            byte[] body = PLATFORM.paid("LOG2026");
            client.openNotification(
                    PLATFORM.signed(body),
                    body,
                    CallOptions.builder().traceId("trace-7").build());
            assertThrows(TrustException.class, () -> client.openNotification(Map.of(), body));
        }
        assertEquals(List.of(Level.INFO, Level.WARNING), levels);
        assertEquals("notification.opened", records.get(0).path("event").asText());
        assertEquals("trace-7", records.get(0).path("trace_id").asText());
        assertEquals("notification.refused", records.get(1).path("event").asText());
        assertEquals("SIGNATURE_MISSING", records.get(1).path("code").asText());
        assertFalse(records.get(0).toString().contains("ORDER"));
    }

    // ---- lent, not leaked ----

    @Test
    void a_closed_client_lets_go_of_its_callbacks() throws InterruptedException {
        assertCollected(
                used(log -> PaysealClient.builder(PLATFORM.configuration().build())
                        .log(log)
                        .build()
                        .close()));
    }

    @Test
    void a_forgotten_client_lets_go_of_its_callbacks() throws InterruptedException {
        assertCollected(used(log ->
                PaysealClient.builder(PLATFORM.configuration().build()).log(log).build()));
    }

    @Test
    void a_client_that_was_never_made_lets_go_of_its_callbacks() throws InterruptedException {
        assertCollected(used(log -> assertThrows(
                ConfigurationException.class,
                () -> PaysealClient.builder(
                                PLATFORM.configuration().apiv3Key("short").build())
                        .log(log)
                        .build())));
    }

    private static WeakReference<LogListener> used(Consumer<LogListener> use) {
        LogListener log = new LogListener() {
            @Override
            public void log(Level level, String record) {}
        };
        use.accept(log);
        return new WeakReference<>(log);
    }

    private static void assertCollected(WeakReference<?> held) throws InterruptedException {
        for (int i = 0; i < 200 && held.get() != null; i++) {
            System.gc();
            Thread.sleep(10);
        }
        assertNull(held.get());
    }
}
