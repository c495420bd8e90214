package io.payseal;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/**
 * What the configurations of all providers have. Not safe for use by several threads at once.
 *
 * @param <B> the provider's builder
 */
public abstract sealed class ConfigurationBuilder<B extends ConfigurationBuilder<B>>
        permits AlipayBuilder, Configuration.Builder {
    final ObjectNode json = Json.MAPPER.createObjectNode();

    ConfigurationBuilder(String provider) {
        json.put("provider", provider);
    }

    abstract B self();

    /**
     * The hosts to call; the first is preferred, the others are for failover.
     *
     * @param hosts {@code "https://…"}; plain http only to loopback addresses
     * @return this builder
     */
    public final B hosts(List<String> hosts) {
        json.putPOJO("hosts", List.copyOf(hosts));
        return self();
    }

    /**
     * Filled in where an operation takes a notification address and the caller gives none.
     *
     * @param url where the provider sends notifications
     * @return this builder
     */
    public final B notifyUrl(String url) {
        return text("notify_url", url);
    }

    /**
     * How far the provider's clock may be from ours in a signed message.
     *
     * @param window 0 to 300 seconds; zero means zero
     * @return this builder
     */
    public final B timestampWindow(Duration window) {
        json.put("timestamp_window_s", window.toSeconds());
        return self();
    }

    /**
     * Marks repeated notifications.
     *
     * @param entries how many to remember
     * @return this builder
     */
    public final B replayGuard(int entries) {
        json.withObject("/replay_guard").put("entries", entries);
        return self();
    }

    /**
     * How long resolving a host's name may take.
     *
     * @param timeout counted in milliseconds
     * @return this builder
     */
    public final B resolveTimeout(Duration timeout) {
        return millis("timeouts", "resolve_ms", timeout);
    }

    /**
     * How long connecting may take.
     *
     * @param timeout counted in milliseconds
     * @return this builder
     */
    public final B connectTimeout(Duration timeout) {
        return millis("timeouts", "connect_ms", timeout);
    }

    /**
     * How long the provider may be silent.
     *
     * @param timeout counted in milliseconds
     * @return this builder
     */
    public final B readTimeout(Duration timeout) {
        return millis("timeouts", "read_ms", timeout);
    }

    /**
     * How long a call may take with all its attempts.
     *
     * @param timeout counted in milliseconds
     * @return this builder
     */
    public final B totalTimeout(Duration timeout) {
        return millis("timeouts", "total_ms", timeout);
    }

    /**
     * How many times a call is sent at most. Only what is safe to repeat is repeated.
     *
     * @param maxAttempts 1 means no retry
     * @return this builder
     */
    public final B maxAttempts(int maxAttempts) {
        json.withObject("/retry").put("max_attempts", maxAttempts);
        return self();
    }

    /**
     * The pause before a retry, doubled each time and chosen at random below that.
     *
     * @param base the first, counted in milliseconds
     * @param cap the longest, counted in milliseconds
     * @return this builder
     */
    public final B retryBackoff(Duration base, Duration cap) {
        millis("retry", "base_ms", base);
        return millis("retry", "cap_ms", cap);
    }

    /**
     * Leaves a host alone that fails.
     *
     * @param failures after so many failures in a row
     * @param open for so long, counted in milliseconds
     * @return this builder
     */
    public final B circuitBreaker(int failures, Duration open) {
        json.withObject("/circuit_breaker").put("failures", failures);
        return millis("circuit_breaker", "open_ms", open);
    }

    /**
     * How long an answer may be.
     *
     * @param bytes the most bytes
     * @return this builder
     */
    public final B maxResponseBytes(long bytes) {
        json.put("max_response_bytes", bytes);
        return self();
    }

    /**
     * The proxy of the built-in transport. Neither the environment nor system properties are read.
     *
     * @param proxy {@code "http://[user:password@]host:port"}
     * @return this builder
     */
    public final B proxy(String proxy) {
        return text("proxy", proxy);
    }

    /**
     * Replaces the built-in web roots of the built-in transport.
     *
     * @param pem a PEM bundle
     * @return this builder
     */
    public final B rootCertificates(String pem) {
        return text("root_certificates", pem);
    }

    /**
     * Done.
     *
     * @return the configuration, unchecked
     */
    public final Configuration build() {
        return new Configuration(Json.write(json));
    }

    final B text(String key, String value) {
        json.put(key, Objects.requireNonNull(value, key));
        return self();
    }

    private B millis(String group, String key, Duration value) {
        json.withObject("/" + group).put(key, value.toMillis());
        return self();
    }
}
