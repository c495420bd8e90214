package payseal_test

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

// issued is a platform certificate.
type issued struct {
	key    *rsa.PrivateKey
	serial string
	pem    string
}

// issue makes one whose serial begins with zeros, which must be kept.
func issue(t *testing.T) issued {
	key := generateKey()
	number := make([]byte, 18)
	if _, err := rand.Read(number); err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(append([]byte{0x0C}, number...)), Subject: pkix.Name{CommonName: "Tenpay.com sign"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der := sign(t, template, template, key.Public(), key)
	serial := fmt.Sprintf("%X", template.SerialNumber)
	if len(serial)%2 == 1 {
		serial = "0" + serial
	}
	return issued{key, serial, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
}

func (i issued) sign(body []byte) http.Header {
	now := fmt.Sprint(time.Now().Unix())
	digest := sha256.Sum256(fmt.Appendf(nil, "%s\nn\n%s\n", now, body))
	signature, err := rsa.SignPKCS1v15(nil, i.key, crypto.SHA256, digest[:])
	if err != nil {
		panic(err)
	}
	return http.Header{
		"Content-Type": {"application/json"}, "Wechatpay-Serial": {i.serial}, "Wechatpay-Timestamp": {now}, "Wechatpay-Nonce": {"n"},
		"Wechatpay-Signature": {base64.StdEncoding.EncodeToString(signature)},
	}
}

// listed is the body of GET /v3/certificates; claimed are the serials it says the certificates have.
func listed(certificates []issued, claimed []string) []byte {
	block, _ := aes.NewCipher([]byte(apiv3Key))
	gcm, _ := cipher.NewGCM(block)
	data := []any{}
	for i, certificate := range certificates {
		data = append(data, map[string]any{
			"serial_no": claimed[i], "effective_time": time.Now().Add(-time.Hour).Format(time.RFC3339), "expire_time": time.Now().Add(time.Hour).Format(time.RFC3339),
			"encrypt_certificate": map[string]string{"algorithm": "AEAD_AES_256_GCM", "nonce": "4ce96a5e6b1f", "associated_data": "certificate",
				"ciphertext": base64.StdEncoding.EncodeToString(gcm.Seal(nil, []byte("4ce96a5e6b1f"), []byte(certificate.pem), []byte("certificate")))},
		})
	}
	body, _ := json.Marshal(map[string]any{"data": data})
	return body
}

// withoutKeys is a merchant's configuration that has to fetch certificates.
func withoutKeys() payseal.Config {
	config := thePlatform().config()
	config.PlatformPublicKeys = nil
	return config
}

func TestCertificatesAreTakenOnlyFromAnAnswerTheyVerify(t *testing.T) {
	mine, other := issue(t), issue(t)
	for name, test := range map[string]struct {
		list   []byte
		signer issued
		good   bool
	}{
		"signed by one in it":       {listed([]issued{mine}, []string{mine.serial}), mine, true},
		"two at once":               {listed([]issued{other, mine}, []string{other.serial, mine.serial}), mine, true},
		"signed by one outside":     {listed([]issued{mine}, []string{mine.serial}), other, false},
		"another's serial claimed":  {listed([]issued{mine}, []string{other.serial}), mine, false},
		"none in it":                {listed(nil, nil), mine, false},
		"sealed with another key":   {[]byte(strings.Replace(string(listed([]issued{mine}, []string{mine.serial})), "4ce96a5e6b1f", "4ce96a5e6b1e", 1)), mine, false},
		"signed by a serial stolen": {listed([]issued{mine}, []string{mine.serial}), issued{other.key, mine.serial, mine.pem}, false},
	} {
		t.Run(name, func(t *testing.T) {
			ordered := false
			client := newClient(t, withoutKeys(), over(func(r *http.Request) (*http.Response, error) {
				if r.URL.Path == "/v3/certificates" {
					return answers(200, test.signer.sign(test.list), test.list)(r)
				}
				ordered = true
				body := []byte(`{"code_url":"weixin://wxpay/bizpayurl?pr=1"}`)
				return answers(200, mine.sign(body), body)(r)
			}))
			_, err := client.Execute(t.Context(), nativeOrder, orderParams())
			if test.good != (err == nil) || test.good != ordered {
				t.Fatalf("ordered: %v, %v", ordered, err)
			}
			if !test.good && !errors.Is(err, payseal.OutcomeNotSent) {
				t.Error(err)
			}
		})
	}
}

func TestForgedSerialsCauseNoStormAndWipeNoKey(t *testing.T) {
	mine := issue(t)
	var fetches atomic.Int32
	list := listed([]issued{mine}, []string{mine.serial})
	broken := false
	config := withoutKeys()
	client := newClient(t, config, over(func(r *http.Request) (*http.Response, error) {
		fetches.Add(1)
		if broken {
			return answers(404, nil, []byte(`{"code":"RESOURCE_NOT_EXISTS"}`))(r)
		}
		return answers(200, mine.sign(list), list)(r)
	}))
	header, body := thePlatform().notification(time.Now(), "TRANSACTION.SUCCESS", []byte(paidPlaintext))
	genuine := mine.sign(body)
	if _, err := client.OpenNotificationRaw(t.Context(), genuine, body); err != nil {
		t.Fatal(err)
	}
	broken = true
	before := fetches.Load()
	for i := range 200 {
		header.Set("Wechatpay-Serial", fmt.Sprintf("%040X", 0x5000+i))
		if _, err := client.OpenNotificationRaw(t.Context(), header, body); !errors.Is(err, payseal.ErrUnknownSerial) {
			t.Fatal(err)
		}
	}
	if more := fetches.Load() - before; more > 1 {
		t.Errorf("200 forged serials caused %d fetches", more)
	}
	if _, err := client.OpenNotificationRaw(t.Context(), genuine, body); err != nil {
		t.Errorf("the good key was lost: %v", err)
	}
}
