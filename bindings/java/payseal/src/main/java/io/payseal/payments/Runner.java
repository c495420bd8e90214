package io.payseal.payments;

import io.payseal.ErrorCode;
import io.payseal.PaysealException;
import io.payseal.StoreException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/**
 * Does the work of payments: it ticks, hands events to the service, and messages to a publisher. Run as many as there are processes: what one has taken
 * up no other does, and what one leaves behind in a crash another takes up when its lease is over.
 *
 * <p>Nothing that goes wrong with database, providers, handler or publisher ends it: it is logged to the {@link System.Logger} {@code io.payseal.payments}
 * and tried again after a pause.
 */
public final class Runner implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("io.payseal.payments");
    /** The pause between ticks however soon something is due. */
    private static final Duration SHORTEST = Duration.ofMillis(100);

    private final Payments payments;
    private final EventHandler handler;
    private final boolean acknowledges;
    private final Publisher publisher;
    private final int concurrency;
    private final int batch;
    private final Duration lease;
    private final Duration poll;
    private final Duration tickEvery;
    private final Duration maxPause;

    private final ScheduledThreadPoolExecutor scheduler;
    private final ExecutorService hands;
    private final Semaphore free;
    private final Leases leases;
    private final Loop events;
    private final Loop messages;
    private final Loop ticks;
    private final Runnable wakeEvents;
    private final Runnable wakeMessages;
    private final AtomicReference<Thread> ticking = new AtomicReference<>();
    private final AtomicReference<PaysealException> failure = new AtomicReference<>();
    private volatile boolean stopping;

    private Runner(Builder builder) {
        payments = builder.payments;
        handler = builder.handler;
        acknowledges = builder.acknowledges;
        publisher = builder.publisher;
        concurrency = builder.concurrency;
        batch = builder.batch;
        lease = builder.lease;
        poll = builder.poll;
        tickEvery = builder.tickEvery;
        maxPause = builder.maxPause;
        // Ticks, events, messages and leases may all be at it at once.
        scheduler = new ScheduledThreadPoolExecutor(4, new Threads("payseal-runner")::make);
        scheduler.setRemoveOnCancelPolicy(true);
        hands = Executors.newFixedThreadPool(concurrency, new Threads("payseal-handler")::make);
        free = new Semaphore(concurrency);
        leases = new Leases(payments, scheduler, lease);
        ticks = new Loop(scheduler, looking("tick", tickEvery, this::tick));
        events = new Loop(
                scheduler, looking("claim events", poll, handler == null ? this::applyEvents : this::takeEvents));
        messages = new Loop(scheduler, looking("publish messages", poll, this::takeMessages));
        wakeEvents = events::wake;
        wakeMessages = messages::wake;
    }

    /**
     * Starts.
     *
     * @param payments whose work it is
     * @return a builder
     */
    public static Builder builder(Payments payments) {
        return new Builder(payments);
    }

    private void begin() {
        payments.bell(Queue.INBOX).listen(wakeEvents);
        ticks.wake();
        events.wake();
        if (publisher != null) {
            payments.bell(Queue.OUTBOX).listen(wakeMessages);
            messages.wake();
        }
    }

    /**
     * Takes up nothing more, and waits for what is under way. May be repeated. An interrupt of this thread ends the waiting; what is under way then still
     * ends by itself, or comes again when its lease is over. Not to be called by a handler or a publisher, which would wait for itself.
     */
    @Override
    public void close() {
        stopping = true;
        payments.bell(Queue.INBOX).forget(wakeEvents);
        payments.bell(Queue.OUTBOX).forget(wakeMessages);
        try {
            Thread asking = ticking.get();
            if (asking != null) {
                asking.interrupt();
            }
            ticks.end();
            events.end();
            messages.end();
            hands.shutdown();
            while (!hands.awaitTermination(1, TimeUnit.DAYS)) {
                continue;
            }
        } catch (InterruptedException interrupted) {
            hands.shutdown();
            Thread.currentThread().interrupt();
        } finally {
            scheduler.shutdown();
        }
    }

    /**
     * What ended the runner, because it cannot get better: payments that are closed, or a number that the library refuses.
     *
     * @return {@code null} while it runs, or was closed
     */
    public PaysealException failure() {
        return failure.get();
    }

    private interface Looking {
        /** How long nothing is to do; {@code null} until woken. */
        Duration look(Pauses pauses);
    }

    /** A look that fails is logged and made again. */
    private Supplier<Loop.Next> looking(String doing, Duration usual, Looking looking) {
        Pauses pauses = new Pauses(maxPause);
        return () -> {
            try {
                Duration pause = looking.look(pauses);
                return pause == null ? Loop.Next.WHEN_WOKEN : new Loop.Next(pause, false);
            } catch (Throwable error) {
                if (stopping) {
                    return Loop.Next.WHEN_WOKEN;
                }
                if (error instanceof PaysealException hopeless && isHopeless(hopeless)) {
                    failure.compareAndSet(null, hopeless);
                    stopping = true;
                    LOG.log(System.Logger.Level.ERROR, "the runner ends: cannot " + doing, error);
                    return new Loop.Next(null, true);
                }
                Duration pause = pauses.afterError(usual);
                LOG.log(System.Logger.Level.ERROR, "cannot " + doing + ", and tries again in " + pause, error);
                return new Loop.Next(pause, true);
            }
        };
    }

    /** Whether trying again would bring the same for ever. */
    private static boolean isHopeless(PaysealException error) {
        return error.code() == ErrorCode.INVALID_HANDLE || error.code() == ErrorCode.PARAMS_INVALID;
    }

    private Duration tick(Pauses pauses) {
        if (stopping) {
            return null;
        }
        Ticked ticked;
        ticking.set(Thread.currentThread());
        try {
            ticked = payments.tick();
        } finally {
            ticking.set(null);
            Thread.interrupted(); // meant for the tick
        }
        if (ticked.failed() > 0) {
            LOG.log(System.Logger.Level.WARNING, "a tick left " + ticked.failed() + " behind");
        }
        if (ticked.nextDueAt() == null) {
            return pauses.usual(tickEvery);
        }
        Duration left = payments.until(ticked.nextDueAt());
        if (left.isNegative() || left.isZero()) {
            boolean hasMore = ticked.orders() + ticked.refunds() > ticked.failed();
            return hasMore ? Duration.ZERO : pauses.usual(tickEvery);
        }
        Duration soon = left.compareTo(SHORTEST) < 0 ? SHORTEST : left;
        return pauses.usual(Pauses.smaller(tickEvery, soon));
    }

    /** Claims events as there are hands for them. */
    private Duration takeEvents(Pauses pauses) {
        if (stopping) {
            return null;
        }
        int count = free.drainPermits();
        if (count == 0) {
            return null; // the first hand that is free wakes it
        }
        int taken = 0;
        try {
            List<Event> claimed = payments.claimEvents(count, lease);
            for (Event event : claimed) {
                hands.execute(() -> take(event));
                taken++;
            }
            return taken < count ? pauses.usual(poll) : Duration.ZERO;
        } finally {
            free.release(count - taken);
        }
    }

    /** Lets events take effect of which nobody is told. */
    private Duration applyEvents(Pauses pauses) {
        if (stopping) {
            return null;
        }
        List<Event> claimed = payments.claimEvents(batch, lease);
        payments.ackAll(claimed); // those that are lost are somebody else's now
        return claimed.size() < batch ? pauses.usual(poll) : Duration.ZERO;
    }

    private void take(Event event) {
        try (Leases.Held held = leases.hold(List.of(event))) {
            handle(event, held);
        } catch (Throwable error) {
            LOG.log(System.Logger.Level.WARNING, "event " + event.id() + " was not ended, and comes again", error);
        } finally {
            free.release();
            events.wake();
        }
    }

    /** Brings an event to its end. */
    private void handle(Event event, Leases.Held held) {
        Duration time = payments.until(event.leaseUntil());
        try {
            handler.handle(event);
            held.over();
        } catch (PermanentException error) {
            held.over();
            LOG.log(System.Logger.Level.ERROR, event + " is given up", error);
            insist(time, () -> payments.dead(event, reason(error)));
            return;
        } catch (Throwable error) {
            held.over();
            LOG.log(System.Logger.Level.WARNING, event + " was not handled, and comes again", error);
            payments.nack(event, reason(error)); // where this fails it comes again when the lease is over
            return;
        }
        if (acknowledges) {
            payments.bell(Queue.OUTBOX).ring();
        } else {
            insist(time, () -> payments.ack(event));
        }
    }

    /** Publishes the outbox in batches, one after the other. */
    private Duration takeMessages(Pauses pauses) {
        if (stopping) {
            return null;
        }
        List<Message> claimed = payments.claimMessages(batch, lease);
        if (!claimed.isEmpty()) {
            publish(claimed);
        }
        return claimed.size() < batch ? pauses.usual(poll) : Duration.ZERO;
    }

    private void publish(List<Message> claimed) {
        Duration time = payments.until(claimed.get(0).leaseUntil());
        try (Leases.Held held = leases.hold(claimed)) {
            Map<Message, Throwable> failed;
            try {
                failed = publisher.publish(claimed);
            } catch (Throwable error) {
                LOG.log(System.Logger.Level.WARNING, "the publisher failed", error);
                failed = null;
                List<Message> all = claimed;
                held.over();
                all.forEach(message -> giveBack(message, error));
                return;
            }
            held.over();
            List<Message> published = new ArrayList<>(claimed);
            published.removeAll(failed.keySet());
            try {
                insist(time, () -> ackAll(published));
            } catch (RuntimeException error) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        published.size() + " messages were published and not acknowledged; they come again",
                        error);
            }
            failed.forEach(this::giveBack);
        }
    }

    private void ackAll(List<Message> published) {
        int lost = payments.ackAll(published).size();
        if (lost > 0) {
            LOG.log(System.Logger.Level.WARNING, lost + " messages were published after their lease, and may be again");
        }
    }

    private void giveBack(Message message, Throwable why) {
        LOG.log(System.Logger.Level.WARNING, message + " was not published, and comes again", why);
        try {
            payments.nack(message, reason(why));
        } catch (RuntimeException error) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    message + " was not given back; it comes again when its lease is over",
                    error);
        }
    }

    /** Tries again for so long while the database fails: what was done should not be done twice. */
    private void insist(Duration time, Runnable end) {
        long deadline = System.nanoTime() + time.toNanos();
        Pauses pauses = new Pauses(Duration.ofSeconds(1));
        while (true) {
            try {
                end.run();
                return;
            } catch (StoreException error) {
                if (System.nanoTime() >= deadline) {
                    throw error;
                }
                Duration pause = pauses.afterError(Duration.ofMillis(50));
                LOG.log(System.Logger.Level.WARNING, "cannot end what is done, and tries again in " + pause, error);
                try {
                    Thread.sleep(pause.toMillis());
                } catch (InterruptedException interrupted) {
                    Thread.currentThread().interrupt();
                    throw error;
                }
            }
        }
    }

    /** For people; never empty. */
    private static String reason(Throwable error) {
        return error.toString();
    }

    private record Threads(String name, AtomicInteger count) {
        Threads(String name) {
            this(name, new AtomicInteger());
        }

        Thread make(Runnable work) {
            Thread thread = new Thread(work, name + "-" + count.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        }
    }

    /** Collects what a runner is made of. Not safe for use by several threads at once. */
    public static final class Builder {
        private final Payments payments;
        private EventHandler handler;
        private boolean acknowledges;
        private Publisher publisher;
        private int concurrency = 8;
        private int batch = 100;
        private Duration lease;
        private Duration poll = Duration.ofSeconds(1);
        private Duration tickEvery = Duration.ofSeconds(5);
        private Duration maxPause = Duration.ofSeconds(30);

        private Builder(Payments payments) {
            this.payments = Objects.requireNonNull(payments, "payments");
        }

        /**
         * Takes care of events; when it returns, the event takes effect. Without a handler events take effect by themselves.
         *
         * @param handler called on several threads at once
         * @return this builder
         */
        public Builder handler(EventHandler handler) {
            this.handler = handler;
            this.acknowledges = false;
            return this;
        }

        /**
         * Takes care of events and acknowledges each itself, as by {@link Payments#ackIn}, before it returns.
         *
         * @param handler called on several threads at once
         * @return this builder
         */
        public Builder acknowledgingHandler(EventHandler handler) {
            this.handler = handler;
            this.acknowledges = true;
            return this;
        }

        /**
         * Gets the messages of the outbox, which {@link PaymentsConfiguration.Builder#outbox} turns on. Without one nobody does, here.
         *
         * @param publisher called on one thread at a time
         * @return this builder
         * @throws IllegalArgumentException when the outbox is off
         */
        public Builder publisher(Publisher publisher) {
            if (publisher != null && !payments.hasOutbox()) {
                throw new IllegalArgumentException(
                        "a publisher gets nothing, because the outbox is off: configure it with outbox()");
            }
            this.publisher = publisher;
            return this;
        }

        /**
         * How many events are handled at once.
         *
         * @param concurrency 8 unless set
         * @return this builder
         */
        public Builder concurrency(int concurrency) {
            this.concurrency = positive(concurrency, "concurrency");
            return this;
        }

        /**
         * How many messages are published at once; without a handler also how many events take effect at once.
         *
         * @param batch 100 unless set
         * @return this builder
         */
        public Builder batch(int batch) {
            this.batch = positive(batch, "batch");
            return this;
        }

        /**
         * Takes the place of the configuration's. A lease is extended as long as something is under way.
         *
         * @param lease a tenth of a second at least
         * @return this builder
         */
        public Builder lease(Duration lease) {
            this.lease = lease;
            return this;
        }

        /**
         * How long it looks no further after it found nothing. What arrives in this process is found at once.
         *
         * @param poll a second unless set
         * @return this builder
         */
        public Builder poll(Duration poll) {
            this.poll = positive(poll, "poll");
            return this;
        }

        /**
         * The longest pause between ticks. They come sooner where something is due.
         *
         * @param tickEvery 5 seconds unless set
         * @return this builder
         */
        public Builder tickEvery(Duration tickEvery) {
            this.tickEvery = positive(tickEvery, "tickEvery");
            return this;
        }

        /**
         * The longest pause while the database fails.
         *
         * @param maxPause 30 seconds unless set
         * @return this builder
         */
        public Builder maxPause(Duration maxPause) {
            this.maxPause = positive(maxPause, "maxPause");
            return this;
        }

        /**
         * Starts its threads, which are daemons.
         *
         * @return the runner at work; close it
         */
        public Runner start() {
            Runner runner = new Runner(this);
            runner.begin();
            return runner;
        }

        private static int positive(int number, String name) {
            if (number <= 0) {
                throw new IllegalArgumentException(name + " must be more than 0");
            }
            return number;
        }

        private static Duration positive(Duration duration, String name) {
            if (duration.isNegative() || duration.isZero()) {
                throw new IllegalArgumentException(name + " must be more than 0");
            }
            return duration;
        }
    }
}
