package payseal

/*
#include "payseal.h"

#cgo noescape payseal_crypto_sign
#cgo nocallback payseal_crypto_sign
#cgo noescape payseal_crypto_verify
#cgo nocallback payseal_crypto_verify
#cgo noescape payseal_crypto_seal
#cgo nocallback payseal_crypto_seal
#cgo noescape payseal_crypto_open
#cgo nocallback payseal_crypto_open
#cgo noescape payseal_crypto_digest
#cgo nocallback payseal_crypto_digest
*/
import "C"

// Algorithm names what [Sign], [Verify], [Seal], [Open] and [Digest] compute.
type Algorithm string

const (
	// RSASHA256 is RSASSA-PKCS1-v1_5 with SHA-256, for Sign and Verify.
	RSASHA256 Algorithm = "RSA-SHA256"
	// RSAOAEPSHA1 is RSAES-OAEP with SHA-1 and MGF1-SHA1, for Seal and Open.
	RSAOAEPSHA1 Algorithm = "RSA-OAEP-SHA1"
	// AES256GCM is AES-256-GCM with a nonce of 12 bytes and a tag of 16 bytes at the end, for Seal and Open.
	AES256GCM Algorithm = "AES-256-GCM"
	// SM2SM3 is SM2 with SM3 for the user id 1234567812345678, the signature in DER, for Sign and Verify.
	SM2SM3 Algorithm = "SM2-SM3"
	// SM2 is encryption with SM2, the ciphertext C1, C3, C2 in DER, for Seal and Open.
	SM2 Algorithm = "SM2"
	// SM4GCM is SM4-GCM with a nonce of 12 bytes and a tag of 16 bytes at the end, for Seal and Open.
	SM4GCM Algorithm = "SM4-GCM"
	// SM3 is for Digest.
	SM3 Algorithm = "SM3"
	// MD5 is for Digest. Only for protocols that prescribe it.
	MD5 Algorithm = "MD5"
	// SHA1 is for Digest.
	SHA1 Algorithm = "SHA-1"
	// SHA256 is for Digest.
	SHA256 Algorithm = "SHA-256"
	// HMACSHA256 is for Digest, with a key.
	HMACSHA256 Algorithm = "HMAC-SHA256"
)

// Sign returns the signature over message by a private key: PEM, bare base64 or DER.
func Sign(algorithm Algorithm, key, message []byte) ([]byte, error) {
	if err := compatible(); err != nil {
		return nil, err
	}
	algorithmData, algorithmLen := textOf(string(algorithm))
	keyData, keyLen := bytesOf(key)
	messageData, messageLen := bytesOf(message)
	var signature C.payseal_buffer
	var failure *C.payseal_error
	code := C.payseal_crypto_sign(algorithmData, algorithmLen, keyData, keyLen, messageData, messageLen, &signature, &failure)
	return taken(&signature, takeError(code, failure))
}

// Verify returns nil where signature is that of message by the public key, PEM, bare base64 or DER; and [ErrSignatureInvalid]
// where it is not.
func Verify(algorithm Algorithm, key, message, signature []byte) error {
	if err := compatible(); err != nil {
		return err
	}
	algorithmData, algorithmLen := textOf(string(algorithm))
	keyData, keyLen := bytesOf(key)
	messageData, messageLen := bytesOf(message)
	signatureData, signatureLen := bytesOf(signature)
	var failure *C.payseal_error
	code := C.payseal_crypto_verify(algorithmData, algorithmLen, keyData, keyLen, messageData, messageLen,
		signatureData, signatureLen, &failure)
	return takeError(code, failure)
}

// Seal encrypts plaintext. For AES256GCM and SM4GCM key are the 32 or 16 raw bytes and the tag is appended; for
// RSAOAEPSHA1 and SM2 key is a public key, and nonce and additional are empty.
func Seal(algorithm Algorithm, key, nonce, additional, plaintext []byte) ([]byte, error) {
	if err := compatible(); err != nil {
		return nil, err
	}
	algorithmData, algorithmLen := textOf(string(algorithm))
	keyData, keyLen := bytesOf(key)
	nonceData, nonceLen := bytesOf(nonce)
	additionalData, additionalLen := bytesOf(additional)
	plaintextData, plaintextLen := bytesOf(plaintext)
	var ciphertext C.payseal_buffer
	var failure *C.payseal_error
	code := C.payseal_crypto_seal(algorithmData, algorithmLen, keyData, keyLen, nonceData, nonceLen, additionalData, additionalLen,
		plaintextData, plaintextLen, &ciphertext, &failure)
	return taken(&ciphertext, takeError(code, failure))
}

// Open decrypts what [Seal] made; for RSAOAEPSHA1 key is the private key. Every way to fail gives the same [ErrDecryptionFailed].
func Open(algorithm Algorithm, key, nonce, additional, ciphertext []byte) ([]byte, error) {
	if err := compatible(); err != nil {
		return nil, err
	}
	algorithmData, algorithmLen := textOf(string(algorithm))
	keyData, keyLen := bytesOf(key)
	nonceData, nonceLen := bytesOf(nonce)
	additionalData, additionalLen := bytesOf(additional)
	ciphertextData, ciphertextLen := bytesOf(ciphertext)
	var plaintext C.payseal_buffer
	var failure *C.payseal_error
	code := C.payseal_crypto_open(algorithmData, algorithmLen, keyData, keyLen, nonceData, nonceLen, additionalData, additionalLen,
		ciphertextData, ciphertextLen, &plaintext, &failure)
	return taken(&plaintext, takeError(code, failure))
}

// Digest returns the hash of message, or its authentication code under key where the algorithm takes one.
func Digest(algorithm Algorithm, key, message []byte) ([]byte, error) {
	if err := compatible(); err != nil {
		return nil, err
	}
	algorithmData, algorithmLen := textOf(string(algorithm))
	keyData, keyLen := bytesOf(key)
	messageData, messageLen := bytesOf(message)
	var digest C.payseal_buffer
	var failure *C.payseal_error
	code := C.payseal_crypto_digest(algorithmData, algorithmLen, keyData, keyLen, messageData, messageLen, &digest, &failure)
	return taken(&digest, takeError(code, failure))
}

// taken is take for a call that may have failed.
func taken(buffer *C.payseal_buffer, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return take(buffer), nil
}
