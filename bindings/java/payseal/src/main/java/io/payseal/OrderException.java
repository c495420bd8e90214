package io.payseal;

import java.util.Map;

/** What was asked does not fit where an order, a refund or claimed work stands (140 to 143). */
public final class OrderException extends PaysealException {
    private static final long serialVersionUID = 1L;

    OrderException(ErrorCode code, Outcome outcome, String message, byte[] details) {
        super(code, outcome, message, details);
    }

    /**
     * What {@code Payments.ackIn} throws, for whoever runs {@code Payments.ackStatements} by himself, when one changed another number of rows than it must.
     *
     * @return {@link ErrorCode#LEASE_LOST}, {@link Outcome#NOT_SENT}
     */
    public static OrderException leaseLost() {
        return new OrderException(
                ErrorCode.LEASE_LOST,
                Outcome.NOT_SENT,
                "the lease has run out, or somebody else got on with the order; roll back",
                Json.write(Map.of("code_name", ErrorCode.LEASE_LOST.name())));
    }
}
