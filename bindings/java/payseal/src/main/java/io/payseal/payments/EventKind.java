package io.payseal.payments;

/** The kinds of events about orders and refunds; other events have the provider's event type. */
public final class EventKind {
    /** A payment is paid. */
    public static final String PAYMENT_PAID = "payment.paid";

    /** A payment is closed. */
    public static final String PAYMENT_CLOSED = "payment.closed";

    /** A refund has succeeded. */
    public static final String REFUND_SUCCEEDED = "refund.succeeded";

    /** A refund has failed. */
    public static final String REFUND_FAILED = "refund.failed";

    /** A refund is on neither side. */
    public static final String REFUND_ABNORMAL = "refund.abnormal";

    /** Something does not fit its order; {@link Event#exception()} says what. */
    public static final String EXCEPTION_RAISED = "exception.raised";

    private EventKind() {}
}
