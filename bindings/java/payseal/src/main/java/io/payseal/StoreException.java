package io.payseal;

/**
 * The database of payments failed (6xx): nothing was acknowledged, and nothing is lost. Where the outcome is {@link Outcome#UNKNOWN} the
 * provider was asked already, and the same call again goes on from there.
 */
public final class StoreException extends PaysealException {
    private static final long serialVersionUID = 1L;

    StoreException(ErrorCode code, Outcome outcome, String message, byte[] details) {
        super(code, outcome, message, details);
    }
}
