package io.payseal.publishers;

/** The broker has not confirmed a message, which may have arrived all the same. The cause is the client's own exception, where it has one. */
public final class NotConfirmedException extends Exception {
    private static final long serialVersionUID = 1;

    /** Whether the broker itself has said no, so that nothing is in doubt about the connection. */
    private final boolean refused;

    private NotConfirmedException(String message, Throwable cause, boolean refused) {
        super(message, cause);
        this.refused = refused;
    }

    static NotConfirmedException refused(String why, Throwable cause) {
        return new NotConfirmedException(why, cause, true);
    }

    static NotConfirmedException unknown(String why, Throwable cause) {
        return new NotConfirmedException(cause == null ? why : why + ": " + cause, cause, false);
    }

    boolean isRefused() {
        return refused;
    }
}
