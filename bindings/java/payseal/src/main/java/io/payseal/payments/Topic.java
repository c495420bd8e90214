package io.payseal.payments;

/** What messages are about. */
public final class Topic {
    /** An order is paid. */
    public static final String PAYMENT_PAID = "payment.paid";

    /** An order is closed. */
    public static final String PAYMENT_CLOSED = "payment.closed";

    /** A refund has succeeded. */
    public static final String REFUND_SUCCEEDED = "refund.succeeded";

    /** A refund has failed. */
    public static final String REFUND_FAILED = "refund.failed";

    /** Something does not fit. */
    public static final String EXCEPTION_RAISED = "exception.raised";

    private Topic() {}
}
