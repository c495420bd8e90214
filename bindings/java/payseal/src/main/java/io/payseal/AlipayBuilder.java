package io.payseal;

import java.time.Duration;

/** Collects a configuration for an app at Alipay, see {@link Configuration#alipay()}. Not safe for use by several threads at once. */
public final class AlipayBuilder extends ConfigurationBuilder<AlipayBuilder> {
    AlipayBuilder() {
        super("alipay");
    }

    @Override
    AlipayBuilder self() {
        return this;
    }

    /**
     * The app.
     *
     * @param appId digits
     * @return this builder
     */
    public AlipayBuilder appId(String appId) {
        return text("app_id", appId);
    }

    /**
     * The app's private key. Not needed with {@link PaysealClient.Builder#signer(Signer)}.
     *
     * @param key PEM, or the bare base64 of Alipay's key tool
     * @return this builder
     */
    public AlipayBuilder privateKey(String key) {
        return text("private_key", key);
    }

    /**
     * Alipay's public key, not the app's own: key mode.
     *
     * @param key PEM or bare base64
     * @return this builder
     */
    public AlipayBuilder alipayPublicKey(String key) {
        return text("alipay_public_key", key);
    }

    /**
     * The three files of certificate mode, in place of Alipay's public key.
     *
     * @param app the app's certificate, PEM: {@code appCertPublicKey_….crt}
     * @param alipay Alipay's certificate with its chain, PEM: the whole {@code alipayCertPublicKey_RSA2.crt}
     * @param root the bundle of roots, PEM: {@code alipayRootCert.crt}
     * @return this builder
     */
    public AlipayBuilder certificates(String app, String alipay, String root) {
        text("app_certificate", app);
        text("alipay_certificate", alipay);
        return text("alipay_root_certificate", root);
    }

    /**
     * What both sides sign with.
     *
     * @param signType {@code "RSA2"}, which is the default, or {@code "RSA"} of old apps
     * @return this builder
     */
    public AlipayBuilder signType(String signType) {
        return text("sign_type", signType);
    }

    /**
     * Encrypts business parameters and answers.
     *
     * @param key the AES key of the app, base64
     * @return this builder
     */
    public AlipayBuilder encryptKey(String key) {
        return text("encrypt_key", key);
    }

    /**
     * The character set of requests, answers and notifications.
     *
     * @param charset {@code "utf-8"}, which is the default, or {@code "GBK"}
     * @return this builder
     */
    public AlipayBuilder charset(String charset) {
        return text("charset", charset);
    }

    /**
     * The seller that notifications must name.
     *
     * @param sellerId 2088…
     * @return this builder
     */
    public AlipayBuilder sellerId(String sellerId) {
        return text("seller_id", sellerId);
    }

    /**
     * Where pages send the payer back to, where the caller says nothing else.
     *
     * @param url an address of the merchant
     * @return this builder
     */
    public AlipayBuilder returnUrl(String url) {
        return text("return_url", url);
    }

    /**
     * Acts for a merchant who has authorized the app.
     *
     * @param token the token
     * @return this builder
     */
    public AlipayBuilder appAuthToken(String token) {
        return text("app_auth_token", token);
    }

    /**
     * How long ago a notification may have been sent; 26 hours by default, since Alipay repeats one for 25.
     *
     * @param age 5 minutes to 7 days, counted in seconds
     * @return this builder
     */
    public AlipayBuilder notificationAge(Duration age) {
        json.put("notification_age_s", age.toSeconds());
        return this;
    }
}
