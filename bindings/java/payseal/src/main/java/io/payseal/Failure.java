package io.payseal;

/** Why an HTTP client gave up; see {@link Call#fail}. */
public enum Failure {
    /** No byte of the request left: name resolution, connect, TLS handshake. */
    NOT_SENT(1),
    /** Bytes may have left and no complete answer came. Say this when in doubt. */
    SENT(2),
    /** Bytes may have left and the time is over. */
    TIMEOUT(3),
    /** Bytes may have left and the caller gave up on purpose: no retry follows. */
    CANCELLED(4);

    private final int number;

    Failure(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }
}
