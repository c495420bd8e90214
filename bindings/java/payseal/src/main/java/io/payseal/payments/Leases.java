package io.payseal.payments;

import io.payseal.ErrorCode;
import io.payseal.PaysealException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Extends the leases of what is under way. */
final class Leases {
    /** How often a lease is extended before it would end: a look that fails leaves time for another. */
    private static final int PARTS = 3;

    private static final System.Logger LOG = System.getLogger("io.payseal.payments");

    private final Payments payments;
    private final ScheduledExecutorService scheduler;
    private final Duration lease;

    Leases(Payments payments, ScheduledExecutorService scheduler, Duration lease) {
        this.payments = payments;
        this.scheduler = scheduler;
        this.lease = lease;
    }

    /** Holds leases that were claimed just now, for this thread, which is interrupted when all are lost. */
    Held hold(List<? extends Claimed> work) {
        Held held = new Held(work);
        long every = Math.max(payments.until(work.get(0).leaseUntil()).toMillis() / PARTS, 10);
        held.extending = scheduler.scheduleAtFixedRate(held::extend, every, every, TimeUnit.MILLISECONDS);
        return held;
    }

    /** Closed by the thread that holds it. */
    final class Held implements AutoCloseable {
        private final List<Claimed> work;
        private Thread holder = Thread.currentThread();
        private boolean isInterrupted;
        private Future<?> extending;

        private Held(List<? extends Claimed> work) {
            this.work = new ArrayList<>(work);
        }

        private void extend() {
            work.removeIf(each -> {
                try {
                    payments.extend(each, lease);
                    return false;
                } catch (PaysealException error) {
                    if (error.code() == ErrorCode.LEASE_LOST) {
                        return true;
                    }
                    LOG.log(System.Logger.Level.WARNING, "a lease was not extended", error);
                    return false;
                }
            });
            if (work.isEmpty()) {
                lose();
                throw new IllegalStateException("all leases are lost"); // which ends the extending
            }
        }

        private synchronized void lose() {
            if (holder != null) {
                LOG.log(System.Logger.Level.WARNING, "a lease is lost: somebody else has the work");
                isInterrupted = true;
                holder.interrupt();
            }
        }

        /** The work is over, and an interrupt would be for what comes next. */
        synchronized void over() {
            holder = null;
            if (isInterrupted) {
                isInterrupted = false;
                Thread.interrupted();
            }
        }

        @Override
        public void close() {
            over();
            extending.cancel(false);
        }
    }
}
