package io.payseal;

/** Whether money may have moved when a call failed. */
public enum Outcome {
    /** No byte of the request left this machine. */
    NOT_SENT(1),
    /** A verified answer says no. */
    REJECTED(2),
    /** Bytes left and no verified answer came back: query before you retry. */
    UNKNOWN(3),
    /** An incoming message is not the provider's. */
    UNAUTHENTIC(4),
    /** An incoming message is the provider's, but cannot be read. */
    MALFORMED(5);

    private final int number;

    Outcome(int number) {
        this.number = number;
    }

    /**
     * The number in {@code payseal.h}.
     *
     * @return 1 to 5
     */
    public int number() {
        return number;
    }

    /** What is not known to be harmless is {@link #UNKNOWN}. */
    static Outcome of(int number) {
        for (Outcome outcome : values()) {
            if (outcome.number == number) {
                return outcome;
            }
        }
        return UNKNOWN;
    }
}
