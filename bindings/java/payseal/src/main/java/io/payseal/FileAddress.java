package io.payseal;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * What the provider says about a file, under the provider's names. What does not apply is {@code null}.
 *
 * @param downloadUrl where it is
 * @param hashType {@code "SHA1"} or {@code "SHA256"}
 * @param hashValue the hash of the unpacked file, hexadecimal
 * @param encryptKey the key of an encrypted file, itself encrypted to the merchant
 * @param nonce the nonce of an encrypted file
 * @param tarType {@code "GZIP"} where the file is compressed
 * @param algorithm the algorithm of an encrypted file, {@code "AEAD_AES_256_GCM"}
 */
public record FileAddress(
        @JsonProperty("download_url") String downloadUrl,
        @JsonProperty("hash_type") String hashType,
        @JsonProperty("hash_value") String hashValue,
        @JsonProperty("encrypt_key") String encryptKey,
        @JsonProperty("nonce") String nonce,
        @JsonProperty("tar_type") String tarType,
        @JsonProperty("algorithm") String algorithm) {
    /**
     * A file that is neither compressed nor encrypted, such as a receipt.
     *
     * @param downloadUrl where it is
     * @param hashType {@code "SHA1"} or {@code "SHA256"}
     * @param hashValue its hash, hexadecimal
     */
    public FileAddress(String downloadUrl, String hashType, String hashValue) {
        this(downloadUrl, hashType, hashValue, null, null, null, null);
    }
}
