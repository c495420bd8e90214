package io.payseal;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The configuration of a client. It is checked when the client is made; a wrong one gives a {@link ConfigurationException} that
 * names the field. Immutable; {@link #toString()} shows nothing of it.
 */
public final class Configuration {
    private final byte[] json;

    private Configuration(byte[] json) {
        this.json = json;
    }

    /**
     * A configuration as JSON, with the keys of {@code docs/abi.md}.
     *
     * @param json one JSON object
     * @return the configuration, unchecked
     */
    public static Configuration fromJson(String json) {
        return new Configuration(json.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * A file with one JSON object.
     *
     * @param file the file
     * @return the configuration, unchecked
     * @throws IOException when the file cannot be read
     */
    public static Configuration fromFile(Path file) throws IOException {
        return new Configuration(Files.readAllBytes(file));
    }

    /**
     * Starts a configuration for WeChat Pay APIv3.
     *
     * @return a builder
     */
    public static Builder wechat() {
        return new Builder("wechat");
    }

    /**
     * Starts a configuration for WeChat Pay APIv2. Its parameters and results are JSON too, the results' values all texts. A merchant
     * who also uses APIv3 makes a second client.
     *
     * @return a builder
     */
    public static Builder wechatV2() {
        return new Builder("wechat-v2");
    }

    /**
     * Starts a configuration for WeChat's platform for mini-programs and official accounts, see {@link io.payseal.weixin.Weixin}: set
     * {@link Builder#appid} and {@link Builder#secret}.
     *
     * @return a builder
     */
    public static Builder weixin() {
        return new Builder("weixin");
    }

    byte[] json() {
        return json;
    }

    @Override
    public String toString() {
        return "Configuration[…]";
    }

    /** Collects a configuration. Not safe for use by several threads at once. */
    public static final class Builder {
        private final ObjectNode json = Json.MAPPER.createObjectNode();

        private Builder(String provider) {
            json.put("provider", provider);
        }

        /**
         * The merchant id.
         *
         * @param mchid digits
         * @return this builder
         */
        public Builder mchid(String mchid) {
            return text("mchid", mchid);
        }

        /**
         * Which algorithms merchant and platform use: {@code "WECHATPAY2-SHA256-RSA2048"}, which is the default, or
         * {@code "WECHATPAY2-SM2-WITH-SM3"} for SM2, SM3 and SM4.
         *
         * @param scheme the provider's name of the scheme
         * @return this builder
         */
        public Builder scheme(String scheme) {
            return text("scheme", scheme);
        }

        /**
         * The app's secret, for {@link Configuration#weixin()}.
         *
         * @param secret 32 characters
         * @return this builder
         */
        public Builder secret(String secret) {
            return text("secret", secret);
        }

        /**
         * The brand, in place of a merchant id, with the scheme of brands.
         *
         * @param brandId the brand's number
         * @return this builder
         */
        public Builder brandId(String brandId) {
            return text("brand_id", brandId);
        }

        /**
         * The serial number of the merchant API certificate; may be left out when the certificate is given.
         *
         * @param serial hex
         * @return this builder
         */
        public Builder merchantSerial(String serial) {
            return text("merchant_serial", serial);
        }

        /**
         * The merchant API certificate; it must then fit the private key and the serial number.
         *
         * @param pem PEM
         * @return this builder
         */
        public Builder merchantCertificate(String pem) {
            return text("merchant_certificate", pem);
        }

        /**
         * The merchant's private key. Not needed with {@link PaysealClient.Builder#signer(Signer)}.
         *
         * @param pem PEM (PKCS#8 or PKCS#1) or bare base64
         * @return this builder
         */
        public Builder privateKey(String pem) {
            return text("private_key", pem);
        }

        /**
         * The APIv3 key.
         *
         * @param key 32 bytes
         * @return this builder
         */
        public Builder apiv3Key(String key) {
            return text("apiv3_key", key);
        }

        /**
         * The old APIv3 key while it is being replaced; tried second.
         *
         * @param key 32 bytes
         * @return this builder
         */
        public Builder previousApiv3Key(String key) {
            return text("previous_apiv3_key", key);
        }

        /**
         * The APIv2 key.
         *
         * @param key 32 bytes
         * @return this builder
         */
        public Builder apiv2Key(String key) {
            return text("apiv2_key", key);
        }

        /**
         * The old APIv2 key while it is being replaced; tried second.
         *
         * @param key 32 bytes
         * @return this builder
         */
        public Builder previousApiv2Key(String key) {
            return text("previous_apiv2_key", key);
        }

        /**
         * What APIv2 requests are signed with where the operation leaves the choice, and so what answers must be.
         *
         * @param signType {@code "HMAC-SHA256"}, which is the default, or {@code "MD5"}
         * @return this builder
         */
        public Builder signType(String signType) {
            return text("sign_type", signType);
        }

        /**
         * What APIv2 notifications may be signed with; left out, the sign type alone.
         *
         * @param signTypes the names
         * @return this builder
         */
        public Builder notificationSignTypes(List<String> signTypes) {
            json.putPOJO("notification_sign_types", List.copyOf(signTypes));
            return this;
        }

        /**
         * The merchant API certificate, presented to hosts that ask for it, as APIv2 does for refunds. With an {@code HttpClient} of your own, its
         * {@code SSLContext} must present it.
         *
         * @param certificate PEM
         * @param key its key, PEM
         * @return this builder
         */
        public Builder clientCertificate(String certificate, String key) {
            text("client_certificate", certificate);
            return text("client_key", key);
        }

        /**
         * The {@code pub_key} of {@code POST /risk/getpublickey}: encrypts bank card numbers and names in APIv2.
         *
         * @param pem PEM
         * @return this builder
         */
        public Builder riskPublicKey(String pem) {
            return text("risk_public_key", pem);
        }

        /**
         * Encrypts the fields of APIv2 operations that name its serial number.
         *
         * @param pem PEM
         * @return this builder
         */
        public Builder platformCertificate(String pem) {
            return text("platform_certificate", pem);
        }

        /**
         * The provider's own sandbox of APIv2, whose key is fetched with the APIv2 key.
         *
         * @param sandbox whether to use it
         * @return this builder
         */
        public Builder sandbox(boolean sandbox) {
            json.put("sandbox", sandbox);
            return this;
        }

        /**
         * Replaces the hosts of single APIv2 operations.
         *
         * @param hosts from {@code "fraud.mch.weixin.qq.com"} to a base URL
         * @return this builder
         */
        public Builder specialHosts(Map<String, String> hosts) {
            json.putPOJO("special_hosts", Map.copyOf(hosts));
            return this;
        }

        /**
         * The WeChat Pay public keys by their ids.
         *
         * @param keys from {@code "PUB_KEY_ID_…"} to PEM
         * @return this builder
         */
        public Builder platformPublicKeys(Map<String, String> keys) {
            json.putPOJO("platform_public_keys", Map.copyOf(keys));
            return this;
        }

        /**
         * The platform certificates that are known from the start.
         *
         * @param certificates PEM, one certificate each
         * @return this builder
         */
        public Builder platformCertificates(List<String> certificates) {
            json.putPOJO("platform_certificates", List.copyOf(certificates));
            return this;
        }

        /**
         * The authorities that may issue platform certificates; none accepts any issuer.
         *
         * @param certificates PEM, one certificate each
         * @return this builder
         */
        public Builder platformIssuers(List<String> certificates) {
            json.putPOJO("platform_issuers", List.copyOf(certificates));
            return this;
        }

        /**
         * Which platform key encrypts and is asked to sign.
         *
         * @param serial a public key's id or a certificate's serial number
         * @return this builder
         */
        public Builder platformSerial(String serial) {
            return text("platform_serial", serial);
        }

        /**
         * Whether platform certificates are fetched from the provider.
         *
         * @param enabled by default only when there is no public key
         * @return this builder
         */
        public Builder certificateRefresh(boolean enabled) {
            json.withObject("/certificate_refresh").put("enabled", enabled);
            return this;
        }

        /**
         * How old the platform certificates may grow.
         *
         * @param interval counted in seconds
         * @return this builder
         */
        public Builder certificateRefreshInterval(Duration interval) {
            json.withObject("/certificate_refresh").put("interval_s", interval.toSeconds());
            return this;
        }

        /**
         * The least time between two fetches of the platform certificates, whatever comes in.
         *
         * @param interval counted in seconds
         * @return this builder
         */
        public Builder certificateRefreshMinInterval(Duration interval) {
            json.withObject("/certificate_refresh").put("min_interval_s", interval.toSeconds());
            return this;
        }

        /**
         * The hosts to call; the first is preferred, the others are for failover.
         *
         * @param hosts {@code "https://…"}; plain http only to loopback addresses
         * @return this builder
         */
        public Builder hosts(List<String> hosts) {
            json.putPOJO("hosts", List.copyOf(hosts));
            return this;
        }

        /**
         * Filled into bodies that need an appid and have none.
         *
         * @param appid the application's id
         * @return this builder
         */
        public Builder appid(String appid) {
            return text("appid", appid);
        }

        /**
         * Filled into bodies that need a notification address and have none.
         *
         * @param url where the provider sends notifications
         * @return this builder
         */
        public Builder notifyUrl(String url) {
            return text("notify_url", url);
        }

        /**
         * How far the provider's clock may be from ours in a signed message.
         *
         * @param window 0 to 300 seconds; zero means zero
         * @return this builder
         */
        public Builder timestampWindow(Duration window) {
            json.put("timestamp_window_s", window.toSeconds());
            return this;
        }

        /**
         * Marks repeated notifications.
         *
         * @param entries how many to remember
         * @return this builder
         */
        public Builder replayGuard(int entries) {
            json.withObject("/replay_guard").put("entries", entries);
            return this;
        }

        /**
         * How long resolving a host's name may take.
         *
         * @param timeout counted in milliseconds
         * @return this builder
         */
        public Builder resolveTimeout(Duration timeout) {
            return millis("timeouts", "resolve_ms", timeout);
        }

        /**
         * How long connecting may take.
         *
         * @param timeout counted in milliseconds
         * @return this builder
         */
        public Builder connectTimeout(Duration timeout) {
            return millis("timeouts", "connect_ms", timeout);
        }

        /**
         * How long the provider may be silent.
         *
         * @param timeout counted in milliseconds
         * @return this builder
         */
        public Builder readTimeout(Duration timeout) {
            return millis("timeouts", "read_ms", timeout);
        }

        /**
         * How long a call may take with all its attempts.
         *
         * @param timeout counted in milliseconds
         * @return this builder
         */
        public Builder totalTimeout(Duration timeout) {
            return millis("timeouts", "total_ms", timeout);
        }

        /**
         * How many times a call is sent at most. Only what is safe to repeat is repeated.
         *
         * @param maxAttempts 1 means no retry
         * @return this builder
         */
        public Builder maxAttempts(int maxAttempts) {
            json.withObject("/retry").put("max_attempts", maxAttempts);
            return this;
        }

        /**
         * The pause before a retry, doubled each time and chosen at random below that.
         *
         * @param base the first, counted in milliseconds
         * @param cap the longest, counted in milliseconds
         * @return this builder
         */
        public Builder retryBackoff(Duration base, Duration cap) {
            return millis("retry", "base_ms", base).millis("retry", "cap_ms", cap);
        }

        /**
         * Leaves a host alone that fails.
         *
         * @param failures after so many failures in a row
         * @param open for so long, counted in milliseconds
         * @return this builder
         */
        public Builder circuitBreaker(int failures, Duration open) {
            json.withObject("/circuit_breaker").put("failures", failures);
            return millis("circuit_breaker", "open_ms", open);
        }

        /**
         * How long an answer may be.
         *
         * @param bytes the most bytes
         * @return this builder
         */
        public Builder maxResponseBytes(long bytes) {
            json.put("max_response_bytes", bytes);
            return this;
        }

        /**
         * The proxy of the built-in transport. Neither the environment nor system properties are read.
         *
         * @param proxy {@code "http://[user:password@]host:port"}
         * @return this builder
         */
        public Builder proxy(String proxy) {
            return text("proxy", proxy);
        }

        /**
         * Replaces the built-in web roots of the built-in transport.
         *
         * @param pem a PEM bundle
         * @return this builder
         */
        public Builder rootCertificates(String pem) {
            return text("root_certificates", pem);
        }

        /**
         * Done.
         *
         * @return the configuration, unchecked
         */
        public Configuration build() {
            return new Configuration(Json.write(json));
        }

        private Builder text(String key, String value) {
            json.put(key, Objects.requireNonNull(value, key));
            return this;
        }

        private Builder millis(String group, String key, Duration value) {
            json.withObject("/" + group).put(key, value.toMillis());
            return this;
        }
    }
}
