package io.payseal;

/** No complete answer came (3xx); {@link #outcome()} says whether the request may have arrived. */
public final class TransportException extends PaysealException {
    private static final long serialVersionUID = 1L;

    TransportException(ErrorCode code, Outcome outcome, String message, byte[] details) {
        super(code, outcome, message, details);
    }
}
