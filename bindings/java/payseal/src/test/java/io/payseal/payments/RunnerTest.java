package io.payseal.payments;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.payseal.ErrorCode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The runner: nothing is lost, nothing ends it, and what is slow keeps its lease. */
@Timeout(60)
class RunnerTest {
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

    private Runner.Builder quick() {
        return quick(till.payments);
    }

    private static Runner.Builder quick(Payments payments) {
        return Runner.builder(payments)
                .poll(Duration.ofMillis(50))
                .tickEvery(Duration.ofMillis(50))
                .maxPause(Duration.ofMillis(100));
    }

    @Test
    void what_is_accepted_is_handled_at_once_and_takes_effect() throws Exception {
        BlockingQueue<Event> seen = new LinkedBlockingQueue<>();
        // The pauses are an hour: only the bell can be what woke it.
        try (Runner runner = quick().poll(Duration.ofHours(1))
                .tickEvery(Duration.ofHours(1))
                .handler(seen::add)
                .start()) {
            assertNull(runner.failure());
            for (String number : List.of("ORDER1", "ORDER2", "ORDER3")) {
                till.pay(number);
                assertEquals(number, seen.poll(10, TimeUnit.SECONDS).orderNo());
            }
        }
        assertTrue(till.isDone());
    }

    @Test
    void a_handler_that_throws_gets_the_event_again() throws Exception {
        List<Long> tokens = new ArrayList<>();
        CountDownLatch calls = new CountDownLatch(3);
        try (Runner runner = quick().handler(event -> {
                    tokens.add(event.token());
                    calls.countDown();
                    if (tokens.size() < 3) {
                        throw new IllegalStateException("no stock");
                    }
                })
                .start()) {
            assertNull(runner.failure());
            till.pay("ORDER1");
            assertTrue(calls.await(10, TimeUnit.SECONDS));
        }
        assertTrue(till.isDone());
        assertEquals(List.of(1L, 2L, 3L), tokens);
    }

    @Test
    void what_fails_too_often_or_for_ever_is_dead_with_its_reason() throws Exception {
        CountDownLatch calls = new CountDownLatch(5 + 1);
        try (Runner runner = quick().handler(event -> {
                    calls.countDown();
                    if (event.orderNo().equals("ORDER1")) {
                        throw new AssertionError("no stock");
                    }
                    throw new PermanentException("no such product");
                })
                .start()) {
            assertNull(runner.failure());
            till.pay("ORDER1");
            till.pay("ORDER2");
            assertTrue(calls.await(10, TimeUnit.SECONDS));
        }
        Map<String, DeadLetter> letters = new HashMap<>();
        till.payments.deadLetters(Queue.INBOX, 10).forEach(letter -> letters.put(letter.orderNo(), letter));
        assertEquals(5, letters.get("ORDER1").attempts());
        assertTrue(letters.get("ORDER1").reason().contains("no stock"));
        assertEquals(1, letters.get("ORDER2").attempts());
        assertTrue(letters.get("ORDER2").reason().contains("no such product"));
    }

    @Test
    void a_handler_that_acknowledges_is_believed() throws Exception {
        BlockingQueue<Event> acknowledged = new LinkedBlockingQueue<>();
        try (Runner runner = quick().acknowledgingHandler(event -> {
                    till.payments.ack(event);
                    acknowledged.add(event);
                })
                .start()) {
            assertNull(runner.failure());
            till.pay("ORDER1");
            assertNotNull(acknowledged.poll(10, TimeUnit.SECONDS));
        }
        assertTrue(till.isDone());
        assertEquals(List.of(), till.payments.deadLetters(Queue.INBOX, 10));
    }

    @Test
    void without_a_handler_events_take_effect_by_themselves() throws Exception {
        CountDownLatch effects = new CountDownLatch(5);
        Publisher publisher = messages -> {
            messages.forEach(message -> effects.countDown());
            return Map.of();
        };
        try (Runner runner = quick().batch(2).publisher(publisher).start()) {
            assertNull(runner.failure());
            IntStream.range(0, 5).forEach(number -> till.pay("ORDER" + number));
            assertTrue(effects.await(10, TimeUnit.SECONDS));
        }
        assertTrue(till.isDone());
    }

    @Test
    void a_slow_handler_keeps_its_lease() throws Exception {
        Duration lease = Duration.ofMillis(300);
        CountDownLatch again = new CountDownLatch(2);
        CountDownLatch handled = new CountDownLatch(1);
        EventHandler slow = event -> {
            again.countDown();
            again.await(5 * lease.toMillis(), TimeUnit.MILLISECONDS);
            handled.countDown();
        };
        try (Payments other = till.another();
                Runner one = quick().lease(lease).handler(slow).start();
                Runner two = quick(other).lease(lease).handler(slow).start()) {
            till.pay("ORDER1");
            assertTrue(handled.await(20, TimeUnit.SECONDS));
            assertNull(one.failure());
            assertNull(two.failure());
        }
        assertTrue(till.isDone());
        assertEquals(1, again.getCount(), "nobody else got it");
    }

    @Test
    void a_handler_whose_lease_is_lost_is_interrupted_and_ends_no_work_of_others() throws Exception {
        BlockingQueue<Event> claimed = new LinkedBlockingQueue<>();
        CountDownLatch interrupted = new CountDownLatch(1);
        try (Payments other = till.another();
                Runner runner = quick().lease(Duration.ofMillis(500))
                        .concurrency(1)
                        .handler(event -> {
                            claimed.add(event);
                            try {
                                new CountDownLatch(1).await();
                            } catch (InterruptedException expected) {
                                interrupted.countDown();
                                throw expected;
                            }
                        })
                        .start()) {
            assertNull(runner.failure());
            till.pay("ORDER1");
            Event mine = claimed.poll(10, TimeUnit.SECONDS);
            till.clock.advance(Duration.ofHours(1));
            Event theirs = other.claimEvents(1, Duration.ofHours(1)).get(0);
            assertTrue(theirs.token() > mine.token());
            assertTrue(interrupted.await(10, TimeUnit.SECONDS));
            other.ack(theirs);
        }
        assertTrue(till.isDone());
        assertEquals(List.of(), till.payments.deadLetters(Queue.INBOX, 10));
    }

    @Test
    void what_is_under_way_is_ended_before_a_runner_is_closed() throws Exception {
        CountDownLatch claimed = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        Runner runner = quick().handler(event -> {
                    claimed.countDown();
                    goOn.await();
                })
                .start();
        till.pay("ORDER1");
        assertTrue(claimed.await(10, TimeUnit.SECONDS));
        Thread closing = new Thread(runner::close);
        closing.start();
        goOn.countDown();
        closing.join();
        assertTrue(till.isDone());
        runner.close();
    }

    @Test
    void what_takes_effect_is_published_and_what_is_not_comes_again_with_the_same_id() throws Exception {
        ConcurrentLinkedQueue<String> published = new ConcurrentLinkedQueue<>();
        CountDownLatch calls = new CountDownLatch(3);
        Publisher publisher = messages -> {
            calls.countDown();
            messages.forEach(message -> published.add(message.messageId()));
            switch (published.size()) {
                case 1:
                    throw new IllegalStateException("gone");
                case 2:
                    return Map.of(messages.get(0), new IllegalStateException("refused"));
                default:
                    return Map.of();
            }
        };
        try (Runner runner = quick().publisher(publisher).start()) {
            assertNull(runner.failure());
            till.pay("ORDER1");
            assertTrue(calls.await(10, TimeUnit.SECONDS));
        }
        assertEquals(3, published.size());
        assertEquals(0, till.payments.stats().outbox().waiting());
        assertEquals(1, Set.copyOf(published).size());
    }

    @Test
    void a_database_that_fails_ends_nothing_and_is_logged() throws Exception {
        Path file = folder.resolve("lockable.db");
        BlockingQueue<Event> seen = new LinkedBlockingQueue<>();
        try (Log log = new Log();
                Till lockable = Till.impatient(file)) {
            lockable.pay("ORDER1");
            Lock lock = new Lock(file);
            try (Runner runner = quick(lockable.payments).handler(seen::add).start()) {
                log.await("cannot claim events");
                log.await("cannot claim events");
                lock.close();
                assertEquals("ORDER1", seen.poll(10, TimeUnit.SECONDS).orderNo());
                assertNull(runner.failure());
            } finally {
                lock.close();
            }
            assertTrue(lockable.isDone());
        }
    }

    /** What the runners say while it is open. */
    private static final class Log extends Handler implements AutoCloseable {
        /** Held here, lest it be collected together with its handlers. */
        private final Logger logger = Logger.getLogger("io.payseal.payments");

        private final BlockingQueue<String> said = new LinkedBlockingQueue<>();

        Log() {
            logger.addHandler(this);
        }

        /** Passes over what begins otherwise. */
        void await(String beginning) throws InterruptedException {
            String message;
            do {
                message = said.poll(10, TimeUnit.SECONDS);
                assertNotNull(message, beginning);
            } while (!message.startsWith(beginning));
        }

        @Override
        public void publish(LogRecord record) {
            said.add(record.getMessage());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {
            logger.removeHandler(this);
        }
    }

    @Test
    void what_was_handled_is_not_handled_again_because_the_database_failed_afterwards() throws Exception {
        Path file = folder.resolve("lockable.db");
        BlockingQueue<Lock> locks = new LinkedBlockingQueue<>();
        try (Log log = new Log();
                Till lockable = Till.impatient(file)) {
            lockable.pay("ORDER0");
            try (Runner runner = quick(lockable.payments)
                    .handler(event -> locks.add(new Lock(file)))
                    .start()) {
                try (Lock lock = locks.poll(10, TimeUnit.SECONDS)) {
                    assertNotNull(lock);
                    log.await("cannot end what is done");
                }
                assertNull(runner.failure());
            }
            assertEquals(0, locks.size(), "it was handled once");
            assertTrue(lockable.isDone());
            assertEquals(List.of(), lockable.payments.deadLetters(Queue.INBOX, 10));
        }
    }

    @Test
    void runners_on_two_machines_handle_each_event_once() throws Exception {
        ConcurrentLinkedQueue<String> handled = new ConcurrentLinkedQueue<>();
        CountDownLatch calls = new CountDownLatch(40);
        EventHandler handler = event -> {
            handled.add(event.orderNo());
            calls.countDown();
        };
        List<String> numbers =
                IntStream.range(0, 40).mapToObj(number -> "ORDER" + number).toList();
        try (Payments other = till.another();
                Runner one = quick().handler(handler).start();
                Runner two = quick(other).handler(handler).start()) {
            numbers.forEach(till::pay);
            assertTrue(calls.await(20, TimeUnit.SECONDS));
            assertNull(one.failure());
            assertNull(two.failure());
        }
        assertTrue(till.isDone());
        assertEquals(40, handled.size());
        assertEquals(Set.copyOf(numbers), Set.copyOf(handled));
    }

    @Test
    void what_cannot_get_better_ends_a_runner() throws Exception {
        Payments closed = till.another();
        closed.close();
        try (Log log = new Log()) {
            try (Runner runner = quick().lease(Duration.ofMillis(1)).start()) {
                log.await("the runner ends");
                assertEquals(ErrorCode.PARAMS_INVALID, runner.failure().code());
            }
            try (Runner runner = quick(closed).start()) {
                log.await("the runner ends");
                assertEquals(ErrorCode.INVALID_HANDLE, runner.failure().code());
            }
        }
        assertThrows(IllegalArgumentException.class, () -> quick().poll(Duration.ZERO));
        assertThrows(IllegalArgumentException.class, () -> quick().concurrency(0));
    }

    @Test
    void a_publisher_without_an_outbox_is_refused() {
        try (Payments silent = Payments.builder(PaymentsConfiguration.builder("sqlite:" + folder.resolve("silent.db"))
                        .build())
                .account("wechat", till.client)
                .build()) {
            IllegalArgumentException refused = assertThrows(
                    IllegalArgumentException.class, () -> Runner.builder(silent).publisher(messages -> Map.of()));
            assertTrue(refused.getMessage().contains("outbox()"), refused.getMessage());
        }
    }
}
