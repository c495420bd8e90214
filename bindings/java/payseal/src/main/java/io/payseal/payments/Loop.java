package io.payseal.payments;

import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Looks again and again, after the pause that each look asks for, and sooner when it is woken. Never twice at once. */
final class Loop {
    /**
     * What a look asks for.
     *
     * @param pause how long; {@code null} until it is woken
     * @param isDeaf whether being woken changes nothing
     */
    record Next(Duration pause, boolean isDeaf) {
        static final Next AT_ONCE = new Next(Duration.ZERO, false);
        static final Next WHEN_WOKEN = new Next(null, false);
    }

    private final ScheduledExecutorService scheduler;
    private final Supplier<Next> look;
    private Future<?> pending;
    private boolean looking;
    private boolean woken;
    private boolean deaf;
    private boolean ended;

    Loop(ScheduledExecutorService scheduler, Supplier<Next> look) {
        this.scheduler = scheduler;
        this.look = look;
    }

    synchronized void wake() {
        if (looking) {
            woken = true;
        } else if (!ended && !deaf && (pending == null || pending.cancel(false))) {
            schedule(Duration.ZERO);
        }
    }

    /** Looks no more; waits for the look that is under way. */
    synchronized void end() throws InterruptedException {
        ended = true;
        if (pending != null) {
            pending.cancel(false);
        }
        while (looking) {
            wait();
        }
    }

    private void run() {
        synchronized (this) {
            if (ended) {
                return;
            }
            looking = true;
            woken = false;
        }
        Next next = Next.WHEN_WOKEN;
        try {
            next = look.get();
        } finally {
            synchronized (this) {
                looking = false;
                notifyAll();
                deaf = next.isDeaf;
                pending = null;
                if (!ended && (woken && !deaf || next.pause != null)) {
                    schedule(woken && !deaf ? Duration.ZERO : next.pause);
                }
            }
        }
    }

    private void schedule(Duration pause) {
        try {
            pending = scheduler.schedule(this::run, pause.toNanos(), TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException shutDown) {
            ended = true;
        }
    }
}
