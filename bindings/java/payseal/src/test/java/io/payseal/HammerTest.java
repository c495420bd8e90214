package io.payseal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.payseal.testing.Orders;
import io.payseal.testing.Platform;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Many threads, a busy collector, and clients that come and go. */
@Timeout(120)
class HammerTest {
    private static final int THREADS = 64;
    private static final Platform PLATFORM = new Platform();

    private static void together(Callable<?> work) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(THREADS);
        try {
            CyclicBarrier start = new CyclicBarrier(THREADS);
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                all.add(pool.submit(() -> {
                    start.await();
                    return work.call();
                }));
            }
            for (Future<?> one : all) {
                one.get(100, TimeUnit.SECONDS);
            }
        } finally {
            pool.shutdownNow();
        }
    }

    /** Everything that a client does without a network, with callbacks into Java, all at once. */
    @Test
    void one_client_serves_sixty_four_threads() throws Exception {
        AtomicInteger records = new AtomicInteger();
        try (PaysealClient client = PaysealClient.builder(
                        PLATFORM.configurationWithoutPrivateKey().build())
                .signer(Signer.of(PLATFORM.merchant.getPrivate()))
                .log((level, record) -> records.incrementAndGet())
                .build()) {
            together(() -> {
                for (int i = 0; i < 20; i++) {
                    String number = Orders.number();
                    byte[] body = PLATFORM.paid(number);
                    Notification notification = client.openNotification(PLATFORM.signed(body), body);
                    assertEquals(
                            number,
                            notification.as(JsonNode.class).path("out_trade_no").asText());
                    try (Call<Result> call = client.newCall(Orders.NATIVE, Orders.order(number))) {
                        Step.Send send = (Step.Send) call.step();
                        assertTrue(new String(send.body(), java.nio.charset.StandardCharsets.UTF_8).contains(number));
                    }
                    assertTrue(client.invoke("jsapi", Map.of("prepay_id", "wx" + number))
                            .get("package")
                            .endsWith(number));
                }
                return null;
            });
            assertEquals(THREADS * 20, records.get());
            assertTrue(client.metrics()
                    .contains("payseal_notifications_total{provider=\"wechat\",outcome=\"ok\"} " + THREADS * 20));
        }
    }

    /** The client may vanish under any of the threads' hands: they see a proper answer or a closed client. */
    @Test
    void clients_are_closed_under_the_hands_of_their_users() throws Exception {
        AtomicReference<PaysealClient> current =
                new AtomicReference<>(PaysealClient.of(PLATFORM.configuration().build()));
        byte[] body = PLATFORM.paid("HAMMER2026");
        Map<String, List<String>> headers = PLATFORM.signed(body);
        AtomicInteger turn = new AtomicInteger();
        together(() -> {
            for (int i = 0; i < 200; i++) {
                if (turn.incrementAndGet() % 50 == 0) {
                    current.getAndSet(PaysealClient.of(PLATFORM.configuration().build()))
                            .close();
                }
                try {
                    current.get().openNotification(headers, body);
                } catch (PaysealException closed) {
                    assertEquals(ErrorCode.INVALID_HANDLE, closed.code());
                }
            }
            return null;
        });
        current.get().close();
    }

    /** Forgotten clients and calls are freed by the cleaner, and never while a method of theirs is running. */
    @Test
    void a_busy_collector_frees_only_what_nobody_uses() throws Exception {
        AtomicBoolean over = new AtomicBoolean();
        Thread collector = new Thread(() -> {
            while (!over.get()) {
                System.gc();
            }
        });
        collector.start();
        try {
            byte[] body = PLATFORM.paid("HAMMER2026");
            for (int i = 0; i < 60; i++) {
                PaysealClient forgotten = PaysealClient.builder(
                                PLATFORM.configuration().build())
                        .clock(java.time.InstantSource.system())
                        .log((level, record) -> {})
                        .build();
                forgotten.newCall(Orders.NATIVE, Orders.order("HAMMER2026")).step();
                forgotten.openNotification(PLATFORM.signed(body), body);
            }
        } finally {
            over.set(true);
            collector.join();
        }
    }
}
