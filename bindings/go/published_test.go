package payseal_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	payseal "github.com/payseal/payseal/bindings/go"
)

// published is a vector of the provider's or of one of its SDKs.
type published struct {
	ID             string
	APIv3Key       string `json:"apiv3_key"`
	Body           string
	PrivateKey     string `json:"private_key_pem"`
	Certificate    string `json:"certificate_pem"`
	Message        string
	Key, Nonce     string
	AssociatedData string `json:"associated_data"`
	Ciphertext     []byte
	Expect         struct {
		Signature []byte
		Plaintext string
		Serial    string
	}
}

var publishedReplayers = map[string]func(published) error{
	"rsa/sign": func(p published) error {
		signature, err := payseal.Sign(payseal.RSASHA256, []byte(p.PrivateKey), []byte(p.Message))
		if err != nil || string(signature) != string(p.Expect.Signature) {
			return fmt.Errorf("signed %x: %w", signature, err)
		}
		certificate, err := parseCertificate([]byte(p.Certificate))
		if err != nil {
			return err
		}
		return payseal.Verify(payseal.RSASHA256, certificate.RawSubjectPublicKeyInfo, []byte(p.Message), p.Expect.Signature)
	},
	"rsa/oaep-decrypt": func(p published) error {
		plaintext, err := payseal.Open(payseal.RSAOAEPSHA1, []byte(p.PrivateKey), nil, nil, p.Ciphertext)
		return is(plaintext, err, p.Expect.Plaintext)
	},
	"aead/aes-256-gcm": func(p published) error {
		plaintext, err := payseal.Open(payseal.AES256GCM, []byte(p.Key), []byte(p.Nonce), []byte(p.AssociatedData), p.Ciphertext)
		return is(plaintext, err, p.Expect.Plaintext)
	},
	"certificates/bootstrap": replayBootstrap,
}

func is(plaintext []byte, err error, want string) error {
	if err != nil || string(plaintext) != want {
		return fmt.Errorf("opened %q, want %q: %w", plaintext, want, err)
	}
	return nil
}

func replayBootstrap(p published) error {
	var answer struct {
		Data []struct {
			Encrypted struct {
				Nonce          string
				AssociatedData string `json:"associated_data"`
				Ciphertext     string
			} `json:"encrypt_certificate"`
		}
	}
	if err := json.Unmarshal([]byte(p.Body), &answer); err != nil || len(answer.Data) == 0 {
		return fmt.Errorf("no certificate in it: %w", err)
	}
	sealed := answer.Data[0].Encrypted
	ciphertext, err := base64.StdEncoding.DecodeString(sealed.Ciphertext)
	if err != nil {
		return err
	}
	text, err := payseal.Open(payseal.AES256GCM, []byte(p.APIv3Key), []byte(sealed.Nonce), []byte(sealed.AssociatedData), ciphertext)
	if err != nil {
		return err
	}
	certificate, err := parseCertificate(text)
	if err != nil {
		return err
	}
	if serial := fmt.Sprintf("%040X", certificate.SerialNumber); serial != p.Expect.Serial {
		return fmt.Errorf("the serial is %s, want %s", serial, p.Expect.Serial)
	}
	return nil
}

func parseCertificate(text []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("this is not PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}

func TestPublishedVectorsHold(t *testing.T) {
	encoded, err := os.ReadFile("../../../shared/vectors/wechat/vectors.json")
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("0 run, %d skipped: ../shared/vectors is not there", len(publishedReplayers))
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(encoded, &raw); err != nil {
		t.Fatal(err)
	}
	run, skipped := 0, []string{}
	for _, encoded := range raw {
		var id struct{ ID string }
		if err := json.Unmarshal(encoded, &id); err != nil {
			t.Fatal(err)
		}
		replay, ours := publishedReplayers[id.ID]
		if !ours {
			skipped = append(skipped, id.ID) // V2 and SM are not in this version
			continue
		}
		run++
		t.Run(id.ID, func(t *testing.T) {
			var vector published
			if err := json.Unmarshal(encoded, &vector); err != nil {
				t.Fatal(err)
			}
			if err := replay(vector); err != nil {
				t.Error(err)
			}
		})
	}
	if run != len(publishedReplayers) {
		t.Errorf("%d run, want %d", run, len(publishedReplayers))
	}
	t.Logf("%d total, %d run, %d skipped (%s): not part of APIv3 with RSA", len(raw), run, len(skipped), strings.Join(skipped, ", "))
}
