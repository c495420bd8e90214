package io.payseal.payments;

/** Thrown by an {@link EventHandler} where trying again does not mend it. */
public final class PermanentException extends Exception {
    private static final long serialVersionUID = 1L;

    /**
     * For people.
     *
     * @param message why
     */
    public PermanentException(String message) {
        super(message);
    }

    /**
     * For people.
     *
     * @param message why
     * @param cause what led to it
     */
    public PermanentException(String message, Throwable cause) {
        super(message, cause);
    }
}
