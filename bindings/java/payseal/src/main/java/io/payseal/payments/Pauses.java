package io.payseal.payments;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The pauses between looks. While there are errors they grow. They are random by a quarter, so that machines that began together do not look together.
 */
final class Pauses {
    private static final Duration SECOND = Duration.ofSeconds(1);

    private final Duration most;
    private int errors;

    Pauses(Duration most) {
        this.most = most;
    }

    Duration usual(Duration usual) {
        errors = 0;
        return jitter(usual);
    }

    Duration afterError(Duration usual) {
        Duration pause = smaller(usual, SECOND).multipliedBy(1L << Math.min(errors, 16));
        errors++;
        return jitter(smaller(pause, most));
    }

    static Duration smaller(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    private static Duration jitter(Duration pause) {
        long nanos = pause.toNanos();
        return Duration.ofNanos(nanos - nanos / 4 + ThreadLocalRandom.current().nextLong(nanos / 2 + 1));
    }
}
