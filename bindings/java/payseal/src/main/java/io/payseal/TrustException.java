package io.payseal;

/** What came in must not be believed (2xx). */
public final class TrustException extends PaysealException {
    private static final long serialVersionUID = 1L;

    TrustException(ErrorCode code, Outcome outcome, String message, byte[] details) {
        super(code, outcome, message, details);
    }
}
