package io.payseal;

/** A bug in payseal (5xx). Please report it. */
public final class InternalException extends PaysealException {
    private static final long serialVersionUID = 1L;

    InternalException(ErrorCode code, Outcome outcome, String message, byte[] details) {
        super(code, outcome, message, details);
    }
}
