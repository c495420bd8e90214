package io.payseal;

/** The configuration is wrong; refused when the client is made (110 to 116). */
public final class ConfigurationException extends PaysealException {
    private static final long serialVersionUID = 1L;

    ConfigurationException(ErrorCode code, Outcome outcome, String message, byte[] details) {
        super(code, outcome, message, details);
    }
}
