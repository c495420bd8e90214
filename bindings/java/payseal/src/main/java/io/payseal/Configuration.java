package io.payseal;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * The configuration of a client. It is checked when the client is made; a wrong one gives a {@link ConfigurationException} that
 * names the field. Immutable; {@link #toString()} shows nothing of it.
 */
public final class Configuration {
    private final byte[] json;

    Configuration(byte[] json) {
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

    /**
     * Starts a configuration for an app at Alipay: its gateway and its REST v3.
     *
     * @return a builder
     */
    public static AlipayBuilder alipay() {
        return new AlipayBuilder();
    }

    byte[] json() {
        return json;
    }

    @Override
    public String toString() {
        return "Configuration[…]";
    }

    /** Collects a configuration for WeChat. Not safe for use by several threads at once. */
    public static final class Builder extends ConfigurationBuilder<Builder> {
        private Builder(String provider) {
            super(provider);
        }

        @Override
        Builder self() {
            return this;
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
         * Filled into bodies that need an appid and have none.
         *
         * @param appid the application's id
         * @return this builder
         */
        public Builder appid(String appid) {
            return text("appid", appid);
        }
    }
}
