package io.payseal;

/** What went wrong. The hundreds name the group: 1 the caller, 2 trust, 3 transport, 4 the provider, 5 a bug in payseal, 6 the database. */
public enum ErrorCode {
    /** An argument is missing, too long or not valid text. */
    INVALID_ARGUMENT(101),
    /** The object was closed. */
    INVALID_HANDLE(102),
    /** The method does not fit the state of the object. */
    INVALID_STATE(103),
    /** A configuration value is missing, of the wrong type or out of range. */
    CONFIG_INVALID(110),
    /** The configuration has a key that does not exist. */
    CONFIG_UNKNOWN_KEY(111),
    /** A secret is empty or blank. */
    CONFIG_EMPTY_SECRET(112),
    /** Key material that cannot be read. */
    KEY_INVALID(113),
    /** A key that can be read but is not accepted: too short, another algorithm, encrypted. */
    KEY_UNSUPPORTED(114),
    /** A key in the wrong place: a public key where a private one belongs, the merchant's as the platform's. */
    KEY_ROLE(115),
    /** Two things that do not belong together: key and certificate, certificate and serial number. */
    KEY_MISMATCH(116),
    /** The operation is not of the form {@code "POST /v3/…"}. */
    UNKNOWN_OPERATION(120),
    /** A parameter is unknown, missing or malformed. */
    PARAMS_INVALID(121),
    /** The {@link Signer} failed; what it threw is the cause. */
    SIGNER_FAILED(130),
    /** The clock or the random source failed; what it threw is the cause. */
    CALLBACK_FAILED(131),
    /** A file could not be written. */
    FILE_FAILED(132),
    /** An order, a refund or work with this number exists, and is another one. */
    ORDER_CONFLICT(140),
    /** There is no order, refund or exception with this number. */
    ORDER_UNKNOWN(141),
    /** What was asked does not fit where the order stands. */
    ORDER_STATE(142),
    /** The lease has run out, and somebody else has the work. */
    LEASE_LOST(143),
    /** The message has no signature. */
    SIGNATURE_MISSING(201),
    /** The signature does not fit the message. */
    SIGNATURE_INVALID(202),
    /** A deliberately wrong signature with which the provider tests whether signatures are checked. */
    SIGNATURE_PROBE(203),
    /** The message names an algorithm that the configuration did not. */
    ALGORITHM_MISMATCH(204),
    /** A header that takes part in verification is malformed or there twice. */
    HEADER_INVALID(205),
    /** The key with this serial number is not known. */
    UNKNOWN_SERIAL(206),
    /** The signature is good, but the time is outside the window. */
    CLOCK_SKEW(207),
    /** The content cannot be decrypted. */
    DECRYPTION_FAILED(208),
    /** A platform certificate is expired, not yet valid or not what it claims to be. */
    CERTIFICATE_INVALID(209),
    /** The answer is genuine, but belongs to another request or says something else than was expected. */
    RESPONSE_MISMATCH(210),
    /** The message cannot be read as what it should be. */
    BODY_INVALID(211),
    /** A file does not have the hash that the provider said it has. */
    HASH_MISMATCH(212),
    /** Name resolution or connecting failed. */
    CONNECT_FAILED(301),
    /** The TLS handshake failed. */
    TLS_FAILED(302),
    /** The time for the call is over. */
    TIMEOUT(303),
    /** The connection broke before a complete answer came. */
    CONNECTION_LOST(304),
    /** The answer is not proper HTTP, is cut short, or is a redirect. */
    RESPONSE_INVALID(305),
    /** The answer is longer than the configuration allows. */
    RESPONSE_TOO_LARGE(306),
    /** The host failed repeatedly and is left alone for a while. */
    CIRCUIT_OPEN(307),
    /** The call was cancelled or its thread interrupted. */
    CANCELLED(308),
    /** The provider said no. */
    PROVIDER_REJECTED(401),
    /** The provider asks to slow down. */
    PROVIDER_RATE_LIMITED(402),
    /** The provider cannot answer now. */
    PROVIDER_UNAVAILABLE(403),
    /** A bug in payseal, or a code that this version of the binding does not know. */
    INTERNAL(501),
    /** The database cannot be reached. */
    STORE_UNAVAILABLE(601),
    /** The disk of the database is full. */
    STORE_FULL(602),
    /** The database can only be read. */
    STORE_READ_ONLY(603),
    /** Others hold the database too long. */
    STORE_LOCKED(604),
    /** The tables are of another version. */
    STORE_SCHEMA(605),
    /** The database failed otherwise. */
    STORE_FAILED(606);

    private final int number;

    ErrorCode(int number) {
        this.number = number;
    }

    /**
     * The number in {@code payseal.h}; it never changes.
     *
     * @return 101 to 699
     */
    public int number() {
        return number;
    }

    static ErrorCode of(int number) {
        for (ErrorCode code : values()) {
            if (code.number == number) {
                return code;
            }
        }
        return INTERNAL;
    }
}
