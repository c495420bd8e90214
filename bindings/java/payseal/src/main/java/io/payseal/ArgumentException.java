package io.payseal;

/** The caller's mistake, or a failure of what the caller lent: signer, clock, random source (other 1xx). */
public final class ArgumentException extends PaysealException {
    private static final long serialVersionUID = 1L;

    ArgumentException(ErrorCode code, Outcome outcome, String message, byte[] details) {
        super(code, outcome, message, details);
    }
}
