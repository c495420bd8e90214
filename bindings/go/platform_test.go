package payseal_test

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

// platform plays the provider with Go's own cryptography, so that a test never asks the library about itself.
type platform struct {
	key, merchant *rsa.PrivateKey
}

const (
	platformSerial = "PUB_KEY_ID_0119000000012025010100000000001001"
	merchantSerial = "0C4AEF3425D5B0E1B7E9AA6F4A86D5C8B2D66E10"
	apiv3Key       = "a-32-byte-canary-of-an-apiv3-key"
	mchid          = "1900000001"
	appid          = "wxd678efh567hg6787"
)

// thePlatform is made once: generating keys is the slowest thing here.
var thePlatform = sync.OnceValue(func() platform {
	return platform{key: generateKey(), merchant: generateKey()}
})

func generateKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

func privatePEM(key *rsa.PrivateKey) string {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func publicPEM(key *rsa.PrivateKey) string {
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// config is that of a merchant who trusts the platform.
func (p platform) config() payseal.Config {
	return payseal.Config{
		Provider:           payseal.WeChat,
		MchID:              mchid,
		MerchantSerial:     merchantSerial,
		PrivateKey:         privatePEM(p.merchant),
		APIv3Key:           apiv3Key,
		PlatformPublicKeys: map[string]string{platformSerial: publicPEM(p.key)},
		AppID:              appid,
		Retry:              &payseal.Retry{MaxAttempts: 1},
	}
}

// client is closed when the test ends.
func (p platform) client(t testing.TB, options ...payseal.Option) *payseal.Client {
	t.Helper()
	return newClient(t, p.config(), options...)
}

func newClient(t testing.TB, config payseal.Config, options ...payseal.Option) *payseal.Client {
	t.Helper()
	client, err := payseal.NewClient(config, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// signed returns the headers under which the platform sends body at the given time.
func (p platform) signed(at time.Time, body []byte) http.Header {
	const nonce = "c5ac7061fccab6bf3e254dcf98995b8c"
	digest := sha256.Sum256(fmt.Appendf(nil, "%d\n%s\n%s\n", at.Unix(), nonce, body))
	signature, err := rsa.SignPKCS1v15(nil, p.key, crypto.SHA256, digest[:])
	if err != nil {
		panic(err)
	}
	return http.Header{
		"Content-Type":        {"application/json"},
		"Wechatpay-Serial":    {platformSerial},
		"Wechatpay-Timestamp": {fmt.Sprint(at.Unix())},
		"Wechatpay-Nonce":     {nonce},
		"Wechatpay-Signature": {base64.StdEncoding.EncodeToString(signature)},
	}
}

// notification seals plaintext and signs the envelope.
func (p platform) notification(at time.Time, eventType string, plaintext []byte) (http.Header, []byte) {
	block, err := aes.NewCipher([]byte(apiv3Key))
	if err != nil {
		panic(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	nonce := []byte("4ce96a5e6b1f")
	body, err := json.Marshal(map[string]any{
		"id": "EV-2018022511223320873", "create_time": "2025-06-08T10:34:56+08:00", "event_type": eventType,
		"resource_type": "encrypt-resource", "summary": "支付成功",
		"resource": map[string]string{
			"original_type": "transaction", "algorithm": "AEAD_AES_256_GCM", "nonce": string(nonce), "associated_data": "transaction",
			"ciphertext": base64.StdEncoding.EncodeToString(gcm.Seal(nil, nonce, plaintext, []byte("transaction"))),
		},
	})
	if err != nil {
		panic(err)
	}
	return p.signed(at, body), body
}

// roundTrip is an http.RoundTripper.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// over returns the option to send requests through f.
func over(f roundTrip) payseal.Option {
	return payseal.WithHTTPClient(&http.Client{Transport: f})
}

// answers returns a transport that always gives the same answer.
func answers(status int, header http.Header, body []byte) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(body)), Request: r, ProtoMajor: 1, ProtoMinor: 1}, nil
	}
}

// failure demands an error with this code and outcome, and returns it.
func failure(t testing.TB, err error, code payseal.Code, outcome payseal.Outcome) *payseal.Error {
	t.Helper()
	failed, isOurs := err.(*payseal.Error)
	if !isOurs {
		t.Fatalf("got %v (%T), want an *Error with %s (%s)", err, err, code.String(), outcome.String())
	}
	if failed.Code != code || failed.Outcome != outcome {
		t.Fatalf("got %v, want %s (%s) %s", failed, code.String(), outcome.String(), failed.Details.Raw)
	}
	return failed
}
