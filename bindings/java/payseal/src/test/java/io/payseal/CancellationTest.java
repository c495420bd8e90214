package io.payseal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.payseal.testing.Loopback;
import io.payseal.testing.Orders;
import io.payseal.testing.Platform;
import io.payseal.testing.Transport;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Calls that end early, and calls that nobody waits for. Without cancellation each of these would run for minutes. */
@Timeout(60)
class CancellationTest {
    private static final Platform PLATFORM = new Platform();
    private static final byte[] ANSWER = "{\"code_url\":\"weixin://x\"}".getBytes(StandardCharsets.UTF_8);

    /** Says when a request has arrived, and never answers. */
    private static final class Silent implements AutoCloseable {
        final BlockingQueue<String> arrived = new LinkedBlockingQueue<>();
        final CountDownLatch over = new CountDownLatch(1);
        final Loopback server = new Loopback((request, to) -> {
            arrived.add(request.target());
            over.await();
        });

        void await() throws InterruptedException {
            assertEquals("/v3/pay/transactions/native", arrived.poll(20, TimeUnit.SECONDS));
        }

        @Override
        public void close() {
            over.countDown();
            server.close();
        }
    }

    private static Configuration.Builder configuration(Loopback server) {
        return PLATFORM.configuration()
                .hosts(List.of(server.address()))
                .readTimeout(Duration.ofMinutes(5))
                .totalTimeout(Duration.ofMinutes(5));
    }

    @ParameterizedTest
    @EnumSource
    void an_interrupt_ends_a_blocking_call(Transport transport) throws Exception {
        try (Silent silent = new Silent();
                PaysealClient client =
                        transport.client(configuration(silent.server).build())) {
            CompletableFuture<Throwable> ended = new CompletableFuture<>();
            CompletableFuture<Boolean> stillInterrupted = new CompletableFuture<>();
            Thread thread = new Thread(() -> {
                try {
                    client.execute(Orders.NATIVE, Orders.order(Orders.number()));
                } catch (Throwable e) {
                    stillInterrupted.complete(Thread.currentThread().isInterrupted());
                    ended.complete(e);
                }
            });
            thread.start();
            silent.await();
            thread.interrupt();
            TransportException error = assertInstanceOf(TransportException.class, ended.get(20, TimeUnit.SECONDS));
            assertEquals(ErrorCode.CANCELLED, error.code());
            assertEquals(Outcome.UNKNOWN, error.outcome());
            assertTrue(stillInterrupted.get());
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_thread_that_is_interrupted_already_sends_nothing_or_cancels(Transport transport) throws Exception {
        try (Silent silent = new Silent();
                PaysealClient client =
                        transport.client(configuration(silent.server).build())) {
            Thread.currentThread().interrupt();
            TransportException error = assertThrows(
                    TransportException.class, () -> client.execute(Orders.NATIVE, Orders.order(Orders.number())));
            assertTrue(Thread.interrupted());
            assertEquals(ErrorCode.CANCELLED, error.code());
        }
    }

    @ParameterizedTest
    @EnumSource
    void cancelling_the_future_cancels_the_call(Transport transport) throws Exception {
        BlockingQueue<String> records = new LinkedBlockingQueue<>();
        try (Silent silent = new Silent();
                PaysealClient client = transport
                        .builder(configuration(silent.server).build())
                        .log((level, record) -> records.add(record))
                        .build()) {
            CompletableFuture<Result> future = client.executeAsync(Orders.NATIVE, Orders.order(Orders.number()));
            silent.await();
            assertTrue(future.cancel(true));
            assertThrows(CancellationException.class, future::get);
            assertCancelled(records);
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_timeout_of_the_future_cancels_the_call(Transport transport) throws Exception {
        BlockingQueue<String> records = new LinkedBlockingQueue<>();
        try (Silent silent = new Silent();
                PaysealClient client = transport
                        .builder(configuration(silent.server).build())
                        .log((level, record) -> records.add(record))
                        .build()) {
            CompletableFuture<Result> future = client.executeAsync(Orders.NATIVE, Orders.order(Orders.number()))
                    .orTimeout(1, TimeUnit.SECONDS);
            assertThrows(ExecutionException.class, future::get);
            assertCancelled(records);
        }
    }

    /** The call itself has ended as well, not only the future. */
    private static void assertCancelled(BlockingQueue<String> records) throws InterruptedException {
        for (String record = ""; record != null; record = records.poll(20, TimeUnit.SECONDS)) {
            if (record.contains("\"call.done\"")) {
                assertTrue(record.contains("\"CANCELLED\""), record);
                return;
            }
        }
        throw new AssertionError("the call goes on");
    }

    /** Between two attempts there is nothing to abort, only a pause to end. */
    @ParameterizedTest
    @EnumSource
    void a_pause_before_a_retry_is_cancelled(Transport transport) throws Exception {
        CompletableFuture<Void> pausing = new CompletableFuture<>();
        try (Loopback server = new Loopback((request, to) ->
                        Loopback.respond(to, 429, java.util.Map.of("Retry-After", List.of("60")), ANSWER));
                PaysealClient client = transport
                        .builder(configuration(server).build())
                        .log((level, record) -> {
                            if (record.contains("\"call.retry\"")) {
                                pausing.complete(null);
                            }
                        })
                        .build()) {
            CompletableFuture<Throwable> ended = new CompletableFuture<>();
            Thread thread = new Thread(() -> {
                try {
                    client.execute(Orders.NATIVE, Orders.order(Orders.number()));
                } catch (Throwable e) {
                    ended.complete(e);
                }
            });
            thread.start();
            pausing.get(20, TimeUnit.SECONDS);
            thread.interrupt();
            TransportException error = assertInstanceOf(TransportException.class, ended.get(20, TimeUnit.SECONDS));
            assertEquals(ErrorCode.CANCELLED, error.code(), error.toString());
        }
    }

    @ParameterizedTest
    @EnumSource
    void many_calls_run_at_once_without_a_thread_of_the_caller_waiting(Transport transport) throws Exception {
        try (Loopback server =
                        new Loopback((request, to) -> Loopback.respond(to, 200, PLATFORM.signed(ANSWER), ANSWER));
                PaysealClient client = transport.client(configuration(server).build())) {
            List<CompletableFuture<Result>> futures = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                futures.add(client.executeAsync(Orders.NATIVE, Orders.order(Orders.number())));
            }
            for (CompletableFuture<Result> future : futures) {
                assertEquals(200, future.get(30, TimeUnit.SECONDS).info().httpStatus());
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void an_asynchronous_failure_is_the_same_exception(Transport transport) throws Exception {
        try (Loopback server = new Loopback((request, to) -> Loopback.respond(to, 200, java.util.Map.of(), ANSWER));
                PaysealClient client = transport.client(configuration(server).build())) {
            ExecutionException error = assertThrows(
                    ExecutionException.class,
                    () -> client.executeAsync(Orders.NATIVE, Orders.once(Orders.number()))
                            .get(20, TimeUnit.SECONDS));
            assertEquals(
                    ErrorCode.SIGNATURE_MISSING,
                    assertInstanceOf(TrustException.class, error.getCause()).code());
        }
    }

    @Test
    void the_callers_executor_is_used() throws Exception {
        List<String> threads = new ArrayList<>();
        try (Loopback server =
                        new Loopback((request, to) -> Loopback.respond(to, 200, PLATFORM.signed(ANSWER), ANSWER));
                PaysealClient client = PaysealClient.builder(
                                configuration(server).build())
                        .executor(work -> {
                            threads.add(Thread.currentThread().getName());
                            work.run();
                        })
                        .build()) {
            client.executeAsync(Orders.NATIVE, Orders.order(Orders.number())).get();
        }
        assertEquals(List.of(Thread.currentThread().getName()), threads);
    }
}
