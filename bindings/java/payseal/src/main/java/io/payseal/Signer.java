package io.payseal;

import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.Signature;
import java.util.Objects;

/**
 * Signs requests where the private key is kept: an HSM, a KMS, a smart card. With a signer, the configuration needs no private
 * key. Called on the thread of the call, by several threads at once.
 */
@FunctionalInterface
public interface Signer {
    /**
     * RSASSA-PKCS1-v1_5 with SHA-256 by the key of the configured serial number; with the scheme {@code
     * WECHATPAY2-SM2-WITH-SM3} SM2 with SM3 for the user id 1234567812345678.
     *
     * @param message the bytes to sign
     * @return the signature, as long as the key's modulus; of SM2 in DER
     * @throws Exception when there is no signature; the call then fails with {@link ErrorCode#SIGNER_FAILED} and this as its
     *     cause
     */
    byte[] sign(byte[] message) throws Exception;

    /**
     * Signs with a key of the Java Cryptography Architecture.
     *
     * @param key an RSA key
     * @return the signer
     */
    static Signer of(PrivateKey key) {
        Objects.requireNonNull(key, "key");
        return message -> sign(Signature.getInstance("SHA256withRSA"), key, message);
    }

    /**
     * Signs with a key that only one provider can use, e.g. {@code SunPKCS11}.
     *
     * @param key an RSA key, or the provider's handle of one
     * @param provider the provider
     * @return the signer
     */
    static Signer of(PrivateKey key, Provider provider) {
        Objects.requireNonNull(key, "key");
        Objects.requireNonNull(provider, "provider");
        return message -> sign(Signature.getInstance("SHA256withRSA", provider), key, message);
    }

    private static byte[] sign(Signature signature, PrivateKey key, byte[] message) throws GeneralSecurityException {
        signature.initSign(key);
        signature.update(message);
        return signature.sign();
    }
}
