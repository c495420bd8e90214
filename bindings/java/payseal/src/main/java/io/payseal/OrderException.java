package io.payseal;

/** What was asked does not fit where an order, a refund or claimed work stands (140 to 143). */
public final class OrderException extends PaysealException {
    private static final long serialVersionUID = 1L;

    OrderException(ErrorCode code, Outcome outcome, String message, byte[] details) {
        super(code, outcome, message, details);
    }
}
