package io.payseal;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;

/**
 * What the core calls back, on the thread that is inside the core. Nothing may be thrown across the native frame: a failure is
 * kept for the exception that the call will end with, and the core is told that there is no answer.
 */
final class Callbacks {
    private static final ThreadLocal<Throwable> FAILURE = new ThreadLocal<>();

    private final LogListener log;
    private final InstantSource clock;
    private final SecureRandom random;
    private final Signer signer;
    private final Cache cache;

    Callbacks(LogListener log, InstantSource clock, SecureRandom random, Signer signer, Cache cache) {
        this.cache = cache;
        this.log = log;
        this.clock = clock;
        this.random = random;
        this.signer = signer;
    }

    /** What a callback threw on this thread since the last time this was asked; {@code null} if nothing. */
    static Throwable takeFailure() {
        Throwable failure = FAILURE.get();
        FAILURE.remove();
        return failure;
    }

    /** Which functions to put into the table: 1 log, 2 clock, 4 random, 8 sign, 16 cache. Called by the native side. */
    int present() {
        return (log != null ? 1 : 0)
                | (clock != null ? 2 : 0)
                | (random != null ? 4 : 0)
                | (signer != null ? 8 : 0)
                | (cache != null ? 16 : 0);
    }

    void log(int level, byte[] record) {
        try {
            log.log(LEVELS[level], new String(record, StandardCharsets.UTF_8));
        } catch (Throwable dropped) {
            // A logger that fails must not fail a payment.
        }
    }

    /** {@code null} where there is nothing. What it throws costs a request and fails nothing: the native side says so to the core. */
    byte[] cacheGet(byte[] key) {
        return cache.get(new String(key, StandardCharsets.UTF_8));
    }

    void cachePut(byte[] key, byte[] value, long ttlSeconds) {
        cache.put(new String(key, StandardCharsets.UTF_8), value, Duration.ofSeconds(ttlSeconds));
    }

    long nowMs() {
        try {
            return clock.millis();
        } catch (Throwable failure) {
            FAILURE.set(failure);
            return -1;
        }
    }

    byte[] random(int length) {
        try {
            byte[] bytes = new byte[length];
            random.nextBytes(bytes);
            return bytes;
        } catch (Throwable failure) {
            FAILURE.set(failure);
            return null;
        }
    }

    byte[] sign(byte[] message) {
        try {
            return signer.sign(message);
        } catch (Throwable failure) {
            FAILURE.set(failure);
            return null;
        }
    }

    private static final System.Logger.Level[] LEVELS = {
        System.Logger.Level.ERROR,
        System.Logger.Level.ERROR,
        System.Logger.Level.WARNING,
        System.Logger.Level.INFO,
        System.Logger.Level.DEBUG
    };
}
