package io.payseal.payments;

import io.payseal.PaysealClient;
import io.payseal.testing.Platform;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.function.BooleanSupplier;

/** Payments over a database of the test's own, and a provider who signs notifications. */
final class Till implements AutoCloseable {
    static final Platform PLATFORM = new Platform();

    /** What is added to the system's clock. */
    final Clock clock = new Clock();

    final PaysealClient client = PaysealClient.of(PLATFORM.configuration().build());
    private final PaymentsConfiguration configuration;
    final Payments payments;

    Till(Path folder) {
        this("sqlite:" + folder.resolve("pay.db"));
    }

    private Till(String store) {
        configuration = PaymentsConfiguration.builder(store)
                .backoff(Duration.ofMillis(1), Duration.ofMillis(2))
                .maxAttempts(5)
                .outbox()
                .build();
        payments = another();
    }

    /** One that does not wait long for whoever holds the {@link Lock}. */
    static Till impatient(Path file) {
        return new Till("sqlite:" + file + "?lock_timeout_ms=20");
    }

    /** The same shop in another process. */
    Payments another() {
        return Payments.builder(configuration)
                .account("wechat", client)
                .clock(clock)
                .build();
    }

    /** The payer pays. */
    Accepted pay(String orderNo) {
        byte[] body = PLATFORM.paid(orderNo);
        return payments.accept("wechat", PLATFORM.signed(body), body);
    }

    boolean isDone() {
        return payments.stats().inbox().waiting() == 0;
    }

    @Override
    public void close() {
        payments.close();
        client.close();
    }

    static void eventually(BooleanSupplier look) {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!look.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("not within 20 seconds");
            }
            try {
                Thread.sleep(20);
            } catch (InterruptedException interrupted) {
                throw new IllegalStateException(interrupted);
            }
        }
    }

    static final class Clock implements InstantSource {
        private volatile Duration ahead = Duration.ZERO;

        void advance(Duration by) {
            ahead = ahead.plus(by);
        }

        @Override
        public Instant instant() {
            return Instant.now().plus(ahead);
        }
    }
}
