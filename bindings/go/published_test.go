package payseal_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
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
	Signature      []byte
	Params         map[string]string
	Expect         struct {
		Signature []byte
		Plaintext string
		Serial    string
		Sign      string
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
	"v2/sign-md5":            func(p published) error { return replayV2(payseal.SignTypeMD5, p) },
	"v2/sign-hmac-sha256":    func(p published) error { return replayV2(payseal.SignTypeHMACSHA256, p) },
	"sm2/verify": func(p published) error {
		key, err := sm2KeyOf([]byte(p.Certificate))
		if err != nil {
			return err
		}
		if err := payseal.Verify(payseal.SM2SM3, key, []byte("another message"), p.Signature); !errors.Is(err, payseal.ErrSignatureInvalid) {
			return fmt.Errorf("another message: %w", err)
		}
		return payseal.Verify(payseal.SM2SM3, key, []byte(p.Message), p.Signature)
	},
	"sm2/decrypt": func(p published) error {
		plaintext, err := payseal.Open(payseal.SM2, []byte(p.PrivateKey), nil, nil, p.Ciphertext)
		return is(plaintext, err, p.Expect.Plaintext)
	},
	"sm4/gcm": func(p published) error {
		hash, err := payseal.Digest(payseal.SM3, nil, []byte(p.Key))
		if err != nil {
			return err
		}
		plaintext, err := payseal.Open(payseal.SM4GCM, hash[:16], []byte(p.Nonce), []byte(p.AssociatedData), p.Ciphertext)
		return is(plaintext, err, p.Expect.Plaintext)
	},
}

// sm2KeyOf finds SubjectPublicKeyInfo, which crypto/x509 does not read for this curve: 91 bytes with the algorithm at their start.
func sm2KeyOf(certificate []byte) ([]byte, error) {
	block, _ := pem.Decode(certificate)
	if block == nil {
		return nil, errors.New("this is not PEM")
	}
	at := bytes.Index(block.Bytes, []byte("\x30\x13\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01\x06\x08\x2A\x81\x1C\xCF\x55\x01\x82\x2D")) - 2
	if at < 0 || at+91 > len(block.Bytes) {
		return nil, errors.New("there is no SM2 key in it")
	}
	return block.Bytes[at : at+91], nil
}

// replayV2 opens a message that has the published signature, and none that has another.
func replayV2(signType payseal.SignType, p published) error {
	client, err := payseal.NewClientV2(payseal.ConfigV2{MchID: p.Params["mch_id"], APIv2Key: p.Key, SignType: signType})
	if err != nil {
		return err
	}
	defer client.Close()
	var elements strings.Builder
	for name, value := range p.Params {
		fmt.Fprintf(&elements, "<%s>%s</%s>", name, value, name)
	}
	open := func(sign string) (*payseal.Event, error) {
		body := fmt.Sprintf("<xml>%s<sign>%s</sign></xml>", &elements, sign)
		return client.OpenNotificationRaw(context.Background(), nil, []byte(body))
	}
	if _, err := open(strings.ReplaceAll(p.Expect.Sign, "A", "B")); !errors.Is(err, payseal.ErrSignatureInvalid) {
		return fmt.Errorf("another signature: %w", err)
	}
	event, err := open(p.Expect.Sign)
	if err != nil {
		return err
	}
	var fields map[string]string
	if err := event.Decode(&fields); err != nil || !maps.Equal(fields, p.Params) {
		return fmt.Errorf("read %v: %w", fields, err)
	}
	return nil
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
			skipped = append(skipped, id.ID)
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
	t.Logf("%d total, %d run, %d skipped (%s)", len(raw), run, len(skipped), strings.Join(skipped, ", "))
}
