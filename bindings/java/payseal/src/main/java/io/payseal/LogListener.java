package io.payseal;

/**
 * Receives the log records of a client. Called on the thread of the call, by several threads at once, before the call returns;
 * what it throws is dropped.
 */
@FunctionalInterface
public interface LogListener {
    /**
     * One record. It holds no secret and no raw body.
     *
     * @param level {@code ERROR}, {@code WARNING}, {@code INFO} or {@code DEBUG}
     * @param record one JSON object: {@code event}, {@code ts_ms}, {@code trace_id}, {@code operation}, {@code out_trade_no},
     *     {@code outcome}, {@code message} and others
     */
    void log(System.Logger.Level level, String record);
}
