package io.payseal;

import java.nio.charset.StandardCharsets;

/**
 * The algorithms by themselves. Keys are PEM, bare base64 or DER; for AES, SM4 and HMAC the raw bytes. All methods are safe for use
 * by several threads at once.
 */
public final class Crypto {
    private Crypto() {}

    /**
     * Signs.
     *
     * @param algorithm {@code "RSA-SHA256"} (RSASSA-PKCS1-v1_5) or {@code "SM2-SM3"} (user id 1234567812345678, signature in DER)
     * @param key a private key
     * @param message the bytes to sign
     * @return the signature
     */
    public static byte[] sign(String algorithm, byte[] key, byte[] message) {
        return Native.cryptoSign(utf8(algorithm), key, message);
    }

    /**
     * Checks a signature.
     *
     * @param algorithm {@code "RSA-SHA256"} or {@code "SM2-SM3"}
     * @param key a public key
     * @param message the signed bytes
     * @param signature the signature
     * @throws TrustException with {@link ErrorCode#SIGNATURE_INVALID} when it does not fit
     */
    public static void verify(String algorithm, byte[] key, byte[] message, byte[] signature) {
        Native.cryptoVerify(utf8(algorithm), key, message, signature);
    }

    /**
     * Encrypts.
     *
     * @param algorithm {@code "RSA-OAEP-SHA1"}, {@code "AES-256-GCM"}, {@code "SM2"} or {@code "SM4-GCM"}
     * @param key a public key; 32 bytes for AES, 16 for SM4
     * @param nonce 12 bytes for AES and SM4, else {@code null}
     * @param aad additional authenticated data for AES and SM4; may be {@code null}
     * @param plaintext what to encrypt
     * @return the ciphertext, for AES and SM4 with the 16-byte tag at its end, for SM2 as C1, C3, C2 in DER
     */
    public static byte[] seal(String algorithm, byte[] key, byte[] nonce, byte[] aad, byte[] plaintext) {
        return Native.cryptoSeal(utf8(algorithm), key, nonce, aad, plaintext);
    }

    /**
     * Decrypts.
     *
     * @param algorithm {@code "RSA-OAEP-SHA1"}, {@code "AES-256-GCM"}, {@code "SM2"} or {@code "SM4-GCM"}
     * @param key a private key; 32 bytes for AES, 16 for SM4
     * @param nonce 12 bytes for AES and SM4, else {@code null}
     * @param aad additional authenticated data for AES and SM4; may be {@code null}
     * @param ciphertext what {@link #seal} gave
     * @return the plaintext
     * @throws TrustException with {@link ErrorCode#DECRYPTION_FAILED} when it cannot be decrypted
     */
    public static byte[] open(String algorithm, byte[] key, byte[] nonce, byte[] aad, byte[] ciphertext) {
        return Native.cryptoOpen(utf8(algorithm), key, nonce, aad, ciphertext);
    }

    /**
     * Computes a digest.
     *
     * @param algorithm {@code "SHA-1"}, {@code "SHA-256"}, {@code "MD5"}, {@code "SM3"} or {@code "HMAC-SHA256"}
     * @param key the key of an HMAC, else {@code null}
     * @param message the bytes
     * @return the digest, raw
     */
    public static byte[] digest(String algorithm, byte[] key, byte[] message) {
        return Native.cryptoDigest(utf8(algorithm), key, message);
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
