package io.payseal;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Looks a configuration over, also one of which no client can be made: every part of it, not only the first that is wrong, and what
 * will be wrong soon. Not safe for use by several threads at once.
 *
 * <pre>{@code
 * Doctor.Report report = Doctor.of(configuration).online().examine();
 * }</pre>
 */
public final class Doctor {
    private final Configuration configuration;
    private final Map<String, Object> options = new LinkedHashMap<>();
    private Signer signer;

    private Doctor(Configuration configuration) {
        this.configuration = Objects.requireNonNull(configuration, "configuration");
    }

    /**
     * A doctor for a configuration.
     *
     * @param configuration the configuration
     * @return a doctor who sends nothing
     */
    public static Doctor of(Configuration configuration) {
        return new Doctor(configuration);
    }

    /**
     * Sends the provider's self-test too, with the built-in transport, and waits for it.
     *
     * @return this doctor
     */
    public Doctor online() {
        options.put("online", true);
        return this;
    }

    /**
     * Bounds the self-test.
     *
     * @param timeout by default 10 seconds
     * @return this doctor
     */
    public Doctor timeout(Duration timeout) {
        options.put("timeout_ms", timeout.toMillis());
        return this;
    }

    /**
     * Where the provider may send its test notification.
     *
     * @param url an absolute address without query
     * @return this doctor
     */
    public Doctor notifyUrl(String url) {
        options.put("notify_url", url);
        return this;
    }

    /**
     * Signs outside of payseal, as for a client.
     *
     * @param signer the signer
     * @return this doctor
     */
    public Doctor signer(Signer signer) {
        this.signer = signer;
        return this;
    }

    /**
     * Examines.
     *
     * @return what was found; whatever is wrong with the configuration is in it
     * @throws ArgumentException when an option is wrong
     */
    public Report examine() {
        Callbacks callbacks = signer == null ? null : new Callbacks(null, null, null, signer, null);
        return Json.read(Native.doctor(configuration.json(), callbacks, Json.write(options)), Report.class);
    }

    /**
     * What was found.
     *
     * @param healthy that no finding is a problem
     * @param findings everything that was looked at
     */
    public record Report(
            @JsonProperty("healthy") boolean healthy,
            @JsonProperty("findings") List<Finding> findings) {}

    /**
     * One thing that was looked at.
     *
     * @param check the configuration's key, {@code "configuration"} for the whole, {@code "online"} or {@code "clock"}
     * @param status how it is
     * @param message one sentence, without secrets
     * @param hint what to do; may be {@code null}
     */
    public record Finding(
            @JsonProperty("check") String check,
            @JsonProperty("status") Status status,
            @JsonProperty("message") String message,
            @JsonProperty("hint") String hint) {}

    /** How something is. */
    public enum Status {
        /** As it should be. */
        @JsonProperty("ok")
        OK,
        /** It works, but not for long, or not as well as it could. */
        @JsonProperty("warning")
        WARNING,
        /** It does not work. */
        @JsonProperty("problem")
        PROBLEM
    }
}
