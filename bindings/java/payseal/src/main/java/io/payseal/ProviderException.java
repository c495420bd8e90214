package io.payseal;

/** The provider answered no (4xx). */
public final class ProviderException extends PaysealException {
    private static final long serialVersionUID = 1L;

    ProviderException(ErrorCode code, Outcome outcome, String message, byte[] details) {
        super(code, outcome, message, details);
    }
}
