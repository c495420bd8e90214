package io.payseal.payments;

import io.payseal.PaysealClient;
import io.payseal.testing.Platform;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** Payments over a database of the test's own, and a provider who signs notifications. */
final class Till implements AutoCloseable {
    static final Platform PLATFORM = new Platform();

    /** What is added to the system's clock. */
    final Clock clock = new Clock();

    private final PaysealClient client =
            PaysealClient.of(PLATFORM.configuration().build());
    private final PaymentsConfiguration configuration;
    final Payments payments;

    Till(Path folder) {
        this(folder, configuration -> {});
    }

    Till(Path folder, Consumer<PaymentsConfiguration.Builder> changes) {
        PaymentsConfiguration.Builder builder = PaymentsConfiguration.builder("sqlite:" + folder.resolve("pay.db"))
                .backoff(Duration.ofMillis(1), Duration.ofMillis(2))
                .maxAttempts(5)
                .outbox();
        changes.accept(builder);
        configuration = builder.build();
        payments = another();
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

    /** Takes the inbox away, as if the database were broken, until what comes back is run. */
    Runnable breakInbox() {
        pay("BROKEN1");
        payments.ack(payments.claimEvents(1).get(0));
        Message message = payments.claimMessages(1, Duration.ofDays(1)).get(0);
        pay("BROKEN2");
        Event event = payments.claimEvents(1).get(0);
        payments.ack(event, List.of(rename("payseal_inbox", "away")));
        return () -> payments.ack(message, List.of(rename("away", "payseal_inbox")));
    }

    private static Statement rename(String from, String to) {
        return new Statement("ALTER TABLE " + from + " RENAME TO " + to, List.of(), null);
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
