package io.payseal.publishers;

import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** When a call has to end. */
final class Deadline {
    private final long end;

    private Deadline(long end) {
        this.end = end;
    }

    static Deadline in(Duration timeout) {
        return new Deadline(System.nanoTime() + timeout.toNanos());
    }

    Duration left() {
        return Duration.ofNanos(Math.max(0, end - System.nanoTime()));
    }

    boolean isOver() {
        return left().isZero();
    }

    /** Returns when what is waited for has succeeded. */
    void await(Future<?> confirmation) throws NotConfirmedException, InterruptedException {
        try {
            confirmation.get(left().toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof NotConfirmedException refused) {
                throw refused;
            }
            throw NotConfirmedException.unknown("not confirmed", failed.getCause());
        } catch (TimeoutException late) {
            throw NotConfirmedException.unknown("not confirmed in time", null);
        } catch (CancellationException ended) {
            throw NotConfirmedException.unknown("not confirmed: the connection has ended", ended);
        }
    }
}
