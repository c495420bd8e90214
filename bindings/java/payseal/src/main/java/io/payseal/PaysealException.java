package io.payseal;

import java.nio.charset.StandardCharsets;

/**
 * The base of all failures. {@link #outcome()} says whether money may have moved; the message is one English sentence for a
 * developer and holds no secret.
 */
public abstract sealed class PaysealException extends RuntimeException
        permits ArgumentException,
                ConfigurationException,
                InternalException,
                OrderException,
                ProviderException,
                StoreException,
                TransportException,
                TrustException {
    private static final long serialVersionUID = 1L;

    /** Why the code is there. */
    private final ErrorCode code;

    /** Whether money may have moved. */
    private final Outcome outcome;

    /** The details as JSON, read on demand. */
    private final byte[] details;

    PaysealException(ErrorCode code, Outcome outcome, String message, byte[] details) {
        super(message);
        this.code = code;
        this.outcome = outcome;
        this.details = details;
    }

    /** The exception of the kind that the number's group names. */
    static PaysealException of(int number, int outcomeNumber, String message, byte[] details) {
        ErrorCode code = ErrorCode.of(number);
        Outcome outcome = Outcome.of(outcomeNumber);
        return switch (number / 100) {
            case 1 ->
                switch (number / 10) {
                    case 11 -> new ConfigurationException(code, outcome, message, details);
                    case 14 -> new OrderException(code, outcome, message, details);
                    default -> new ArgumentException(code, outcome, message, details);
                };
            case 2 -> new TrustException(code, outcome, message, details);
            case 3 -> new TransportException(code, outcome, message, details);
            case 4 -> new ProviderException(code, outcome, message, details);
            case 6 -> new StoreException(code, outcome, message, details);
            default -> new InternalException(code, outcome, message, details);
        };
    }

    /**
     * What went wrong.
     *
     * @return the code
     */
    public ErrorCode code() {
        return code;
    }

    /**
     * Whether money may have moved.
     *
     * @return {@link Outcome#UNKNOWN} when the order must be queried before anything is repeated
     */
    public Outcome outcome() {
        return outcome;
    }

    /**
     * What else is known: field, hint, the provider's own code and message.
     *
     * @return the details; what is not known is {@code null}
     */
    public ErrorDetails details() {
        return Json.read(details, ErrorDetails.class);
    }

    /**
     * The details as they came from the core; may have members that {@link ErrorDetails} does not know.
     *
     * @return a JSON object
     */
    public String detailsJson() {
        return new String(details, StandardCharsets.UTF_8);
    }

    @Override
    public String toString() {
        return getClass().getName() + ": " + code + " (" + outcome + "): " + getMessage();
    }
}
