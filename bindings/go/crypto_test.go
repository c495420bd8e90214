package payseal_test

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"testing"

	payseal "github.com/payseal/payseal/bindings/go"
)

// messages of every size that could matter: none, one byte, around a block, large.
func messages(t *testing.T) [][]byte {
	all := [][]byte{nil, {}, {0}, []byte("POST\n/v3/pay\n"), make([]byte, 63), make([]byte, 64), make([]byte, 65), make([]byte, 1<<20)}
	for range 20 {
		random := make([]byte, 200)
		if _, err := rand.Read(random); err != nil {
			t.Fatal(err)
		}
		all = append(all, random)
	}
	return all
}

func TestSignaturesAreThoseOfCryptoRSA(t *testing.T) {
	key := thePlatform().merchant
	for _, message := range messages(t) {
		digest := sha256.Sum256(message)
		want, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
		if err != nil {
			t.Fatal(err)
		}
		got, err := payseal.Sign(payseal.RSASHA256, []byte(privatePEM(key)), message)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes: %v", len(message), err)
		}
		if err := payseal.Verify(payseal.RSASHA256, []byte(publicPEM(key)), message, want); err != nil {
			t.Fatalf("%d bytes: %v", len(message), err)
		}
	}
}

func TestNoChangedOrShortenedSignatureIsAccepted(t *testing.T) {
	key := thePlatform().merchant
	message := []byte("1700000000\nnonce\n{}\n")
	digest := sha256.Sum256(message)
	signature, _ := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	public := []byte(publicPEM(key))
	for i := range signature {
		changed := bytes.Clone(signature)
		changed[i] ^= 0x80
		for _, wrong := range [][]byte{changed, signature[:i]} {
			if err := payseal.Verify(payseal.RSASHA256, public, message, wrong); !errors.Is(err, payseal.ErrSignatureInvalid) {
				t.Fatalf("byte %d: %v", i, err)
			}
		}
	}
	other := generateKey()
	if err := payseal.Verify(payseal.RSASHA256, []byte(publicPEM(other)), message, signature); !errors.Is(err, payseal.ErrSignatureInvalid) {
		t.Fatal(err)
	}
}

func TestGoDecryptsWhatTheLibrarySealsAndTheOtherWayRound(t *testing.T) {
	key := thePlatform().merchant
	for _, message := range [][]byte{{}, []byte("张三"), make([]byte, 214)} {
		sealed, err := payseal.Seal(payseal.RSAOAEPSHA1, []byte(publicPEM(key)), nil, nil, message)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := rsa.DecryptOAEP(sha1.New(), nil, key, sealed, nil); err != nil || !bytes.Equal(got, message) {
			t.Fatalf("crypto/rsa: %v", err)
		}
		sealed, err = rsa.EncryptOAEP(sha1.New(), rand.Reader, &key.PublicKey, message, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := payseal.Open(payseal.RSAOAEPSHA1, []byte(privatePEM(key)), nil, nil, sealed); err != nil || !bytes.Equal(got, message) {
			t.Fatal(err)
		}
	}
	if _, err := payseal.Seal(payseal.RSAOAEPSHA1, []byte(publicPEM(key)), nil, nil, make([]byte, 215)); err == nil {
		t.Error("215 bytes do not fit into OAEP with 2048 bits")
	}

	block, _ := aes.NewCipher([]byte(apiv3Key))
	gcm, _ := cipher.NewGCM(block)
	nonce := []byte("4ce96a5e6b1f")
	for _, message := range messages(t) {
		for _, additional := range [][]byte{nil, {}, []byte("certificate")} {
			want := gcm.Seal(nil, nonce, message, additional)
			got, err := payseal.Seal(payseal.AES256GCM, []byte(apiv3Key), nonce, additional, message)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%d bytes: %v", len(message), err)
			}
			opened, err := payseal.Open(payseal.AES256GCM, []byte(apiv3Key), nonce, additional, want)
			if err != nil || !bytes.Equal(opened, message) {
				t.Fatalf("%d bytes: %v", len(message), err)
			}
		}
	}
}

func TestEveryWayToFailADecryptionLooksTheSame(t *testing.T) {
	nonce := []byte("4ce96a5e6b1f")
	sealed, err := payseal.Seal(payseal.AES256GCM, []byte(apiv3Key), nonce, nil, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		for _, wrong := range [][]byte{changed, sealed[:i]} {
			plaintext, err := payseal.Open(payseal.AES256GCM, []byte(apiv3Key), nonce, nil, wrong)
			if plaintext != nil || !errors.Is(err, payseal.ErrDecryptionFailed) {
				t.Fatalf("byte %d: %v", i, err)
			}
			texts = append(texts, err.Error())
		}
	}
	for _, text := range texts {
		if text != texts[0] {
			t.Errorf("%q and %q tell apart why a decryption failed", text, texts[0])
		}
	}
}

func TestDigestsAreThoseOfGo(t *testing.T) {
	for _, message := range messages(t) {
		s1, s256 := sha1.Sum(message), sha256.Sum256(message)
		mac := hmac.New(sha256.New, []byte("key"))
		mac.Write(message)
		for algorithm, want := range map[payseal.Algorithm][]byte{payseal.SHA1: s1[:], payseal.SHA256: s256[:], payseal.HMACSHA256: mac.Sum(nil)} {
			var key []byte
			if algorithm == payseal.HMACSHA256 {
				key = []byte("key")
			}
			if got, err := payseal.Digest(algorithm, key, message); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s over %d bytes: %v", algorithm, len(message), err)
			}
		}
	}
}

func TestKeysInEveryAcceptedFormGiveTheSameSignature(t *testing.T) {
	key := thePlatform().merchant
	pkcs8, _ := x509.MarshalPKCS8PrivateKey(key)
	want, err := payseal.Sign(payseal.RSASHA256, []byte(privatePEM(key)), []byte("m"))
	if err != nil {
		t.Fatal(err)
	}
	for name, form := range map[string][]byte{"PKCS#8 DER": pkcs8, "PKCS#1 DER": x509.MarshalPKCS1PrivateKey(key)} {
		if got, err := payseal.Sign(payseal.RSASHA256, form, []byte("m")); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNonsenseIsRefusedAndNeverCrashes(t *testing.T) {
	key := []byte(privatePEM(thePlatform().merchant))
	huge := make([]byte, 80<<20)
	for name, call := range map[string]func() error{
		"no algorithm":        func() error { _, err := payseal.Sign("", key, nil); return err },
		"unknown algorithm":   func() error { _, err := payseal.Sign("RSA-MD5", key, nil); return err },
		"algorithm not UTF-8": func() error { _, err := payseal.Sign("\xff\xfe", key, nil); return err },
		"wrong algorithm":     func() error { _, err := payseal.Sign(payseal.AES256GCM, key, nil); return err },
		"no key":              func() error { _, err := payseal.Sign(payseal.RSASHA256, nil, nil); return err },
		"key of zeros":        func() error { _, err := payseal.Sign(payseal.RSASHA256, make([]byte, 300), nil); return err },
		"huge key":            func() error { _, err := payseal.Sign(payseal.RSASHA256, huge, nil); return err },
		"public key signs": func() error {
			_, err := payseal.Sign(payseal.RSASHA256, []byte(publicPEM(generateKey())), nil)
			return err
		},
		"private key checks": func() error { return payseal.Verify(payseal.RSASHA256, key, nil, make([]byte, 256)) },
		"huge signature":     func() error { return payseal.Verify(payseal.RSASHA256, key, nil, huge) },
		"short AES key": func() error {
			_, err := payseal.Seal(payseal.AES256GCM, key[:31], make([]byte, 12), nil, nil)
			return err
		},
		"no nonce": func() error {
			_, err := payseal.Open(payseal.AES256GCM, key[:32], nil, nil, make([]byte, 16))
			return err
		},
		"nonce of 13": func() error {
			_, err := payseal.Seal(payseal.AES256GCM, key[:32], make([]byte, 13), nil, nil)
			return err
		},
		"no ciphertext": func() error {
			_, err := payseal.Open(payseal.AES256GCM, key[:32], make([]byte, 12), nil, nil)
			return err
		},
		"empty OAEP": func() error { _, err := payseal.Open(payseal.RSAOAEPSHA1, key, nil, nil, nil); return err },
	} {
		err := call()
		var failed *payseal.Error
		if !errors.As(err, &failed) || failed.Message == "" || errors.Is(err, payseal.ErrInternal) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
