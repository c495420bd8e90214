package payseal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

// vector is a case of tests/vectors/README.md.
type vector struct {
	ID, Kind string
	Input    struct {
		Config        json.RawMessage
		NowMS         int64  `json:"now_ms"`
		RandomHex     string `json:"random_hex"`
		Operation     string
		Params        json.RawMessage
		PayloadBase64 []byte `json:"payload_base64"`
		Status        int
		Headers       string
		AnswerBase64  []byte `json:"answer_base64"`
		BodyBase64    []byte `json:"body_base64"`
		Invoke        string

		Algorithm        payseal.Algorithm
		KeyBase64        []byte `json:"key_base64"`
		MessageBase64    []byte `json:"message_base64"`
		SignatureBase64  []byte `json:"signature_base64"`
		NonceBase64      []byte `json:"nonce_base64"`
		AADBase64        []byte `json:"aad_base64"`
		PlaintextBase64  []byte `json:"plaintext_base64"`
		CiphertextBase64 []byte `json:"ciphertext_base64"`
	}
	Expect struct {
		Code    payseal.Code
		Outcome payseal.Outcome
		Field   string
		Message string

		Method, URL, Authorization string
		WechatpaySerial            string  `json:"wechatpay_serial"`
		BodyBase64                 *string `json:"body_base64"`
		Plaintext                  string
		Event, Result              map[string]any
		SignatureBase64            []byte `json:"signature_base64"`
		CiphertextBase64           []byte `json:"ciphertext_base64"`
		PlaintextBase64            []byte `json:"plaintext_base64"`
		DigestBase64               []byte `json:"digest_base64"`
	}
}

var replayers = map[string]func(vector, *testing.T) error{
	"client": vector.replayClient, "request": vector.replayRequest, "answer": vector.replayAnswer, "notification": vector.replayNotification,
	"invoke": vector.replayInvoke, "sign": vector.replaySign, "verify": vector.replayVerify, "seal": vector.replaySeal, "open": vector.replayOpen,
	"digest": vector.replayDigest,
}

func TestEveryVectorReplays(t *testing.T) {
	encoded, err := os.ReadFile("../../target/vectors/vectors.json")
	if err != nil {
		t.Fatalf("run make vectors: %v", err)
	}
	var vectors []vector
	if err := json.Unmarshal(encoded, &vectors); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, v := range vectors {
		counts[v.Kind]++
		t.Run(v.ID, func(t *testing.T) {
			replay, known := replayers[v.Kind]
			if !known {
				t.Fatalf("there is no replayer for %s", v.Kind)
			}
			v.judge(t, replay(v, t))
		})
	}
	for kind := range replayers {
		if counts[kind] == 0 {
			t.Errorf("there is no vector of kind %s", kind)
		}
	}
	t.Logf("%d vectors replayed: %v", len(vectors), counts)
}

func (v vector) judge(t *testing.T, err error) {
	want := v.Expect
	switch {
	case want.Code == payseal.OK && err != nil:
		t.Fatalf("%v\nexpected to be signed: %q", err, want.Message)
	case want.Code == payseal.OK:
	case err == nil:
		t.Fatalf("succeeded, want %s", want.Code.String())
	default:
		failed, isOurs := err.(*payseal.Error)
		if !isOurs || failed.Code != want.Code || want.Outcome != 0 && failed.Outcome != want.Outcome || want.Field != "" && failed.Details.Field != want.Field {
			t.Fatalf("got %v, want %s (%s) at %q", err, want.Code.String(), want.Outcome.String(), want.Field)
		}
	}
}

func (v vector) client(t *testing.T, transport roundTrip) (*payseal.Client, error) {
	options := []payseal.Option{over(transport)}
	if v.Input.NowMS != 0 {
		options = append(options, payseal.WithClock(func() time.Time { return time.UnixMilli(v.Input.NowMS) }))
	}
	if random, err := hex.DecodeString(v.Input.RandomHex); err != nil {
		t.Fatal(err)
	} else if len(random) > 0 {
		options = append(options, payseal.WithRandom(repeating(random)))
	}
	client, err := payseal.NewClientFromJSON(v.Input.Config, options...)
	if err == nil {
		t.Cleanup(func() { client.Close() })
	}
	return client, err
}

// repeating answers every read from its beginning, starting over when it ends.
type repeating []byte

func (r repeating) Read(out []byte) (int, error) {
	for i := range out {
		out[i] = r[i%len(r)]
	}
	return len(out), nil
}

func (v vector) replayClient(t *testing.T) error {
	_, err := v.client(t, nil)
	return err
}

func (v vector) replayRequest(t *testing.T) error {
	var sent *http.Request
	var body []byte
	client, err := v.client(t, func(r *http.Request) (*http.Response, error) {
		sent = r
		body, _ = io.ReadAll(r.Body)
		return nil, fmt.Errorf("seen enough")
	})
	if err != nil {
		return err
	}
	_, err = client.ExecuteJSON(t.Context(), v.Input.Operation, once(v.Input.Params), v.Input.PayloadBase64)
	if sent == nil {
		return err
	}
	want := v.Expect
	equal(t, "method", sent.Method, want.Method)
	equal(t, "url", sent.URL.String(), want.URL)
	equal(t, "authorization", sent.Header.Get("Authorization"), want.Authorization)
	equal(t, "wechatpay_serial", sent.Header.Get("Wechatpay-Serial"), want.WechatpaySerial)
	if want.BodyBase64 != nil {
		equal(t, "body", base64.StdEncoding.EncodeToString(body), *want.BodyBase64)
	}
	return nil
}

// once forbids a second attempt, which a vector's injected randomness would make for ever the same.
func once(params json.RawMessage) []byte {
	var parts map[string]json.RawMessage
	var options map[string]any
	if json.Unmarshal(params, &parts) != nil {
		return params
	}
	if json.Unmarshal(parts["$"], &options) != nil {
		options = map[string]any{}
	}
	options["max_attempts"] = 1
	parts["$"], _ = json.Marshal(options)
	limited, _ := json.Marshal(parts)
	return limited
}

func (v vector) replayAnswer(t *testing.T) error {
	client, err := v.client(t, answers(v.Input.Status, v.header(), v.Input.AnswerBase64))
	if err != nil {
		return err
	}
	result, err := client.ExecuteJSON(t.Context(), v.Input.Operation, v.Input.Params, v.Input.PayloadBase64)
	if err == nil && v.Expect.BodyBase64 != nil {
		equal(t, "body", base64.StdEncoding.EncodeToString(result.Body), *v.Expect.BodyBase64)
	}
	return err
}

func (v vector) replayNotification(t *testing.T) error {
	client, err := v.client(t, nil)
	if err != nil {
		return err
	}
	event, err := client.OpenNotificationRaw(t.Context(), v.header(), v.Input.BodyBase64)
	if err != nil {
		return err
	}
	equal(t, "plaintext", string(event.Plaintext), v.Expect.Plaintext)
	encoded, _ := json.Marshal(event)
	var got map[string]any
	if err := json.Unmarshal(encoded, &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range v.Expect.Event {
		if !reflect.DeepEqual(got[name], want) {
			t.Errorf("event %s is %v, want %v", name, got[name], want)
		}
	}
	return nil
}

// header reads the lines as a server does.
func (v vector) header() http.Header {
	header := http.Header{}
	for line := range strings.Lines(v.Input.Headers) {
		name, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		header.Add(textproto.CanonicalMIMEHeaderKey(name), strings.TrimSpace(value))
	}
	return header
}

func (v vector) replayInvoke(t *testing.T) error {
	client, err := v.client(t, nil)
	if err != nil {
		return err
	}
	encoded, err := client.Invoke(v.Input.Invoke, v.Input.Params)
	if err != nil {
		return err
	}
	var got map[string]any
	if err := json.Unmarshal(encoded, &got); err != nil || !reflect.DeepEqual(got, v.Expect.Result) {
		t.Errorf("got %s, want %v", encoded, v.Expect.Result)
	}
	return nil
}

func (v vector) replaySign(t *testing.T) error {
	in := v.Input
	signature, err := payseal.Sign(in.Algorithm, in.KeyBase64, in.MessageBase64)
	same(t, signature, v.Expect.SignatureBase64)
	return err
}

func (v vector) replayVerify(*testing.T) error {
	in := v.Input
	return payseal.Verify(in.Algorithm, in.KeyBase64, in.MessageBase64, in.SignatureBase64)
}

func (v vector) replaySeal(t *testing.T) error {
	in := v.Input
	ciphertext, err := payseal.Seal(in.Algorithm, in.KeyBase64, in.NonceBase64, in.AADBase64, in.PlaintextBase64)
	same(t, ciphertext, v.Expect.CiphertextBase64)
	return err
}

func (v vector) replayOpen(t *testing.T) error {
	in := v.Input
	plaintext, err := payseal.Open(in.Algorithm, in.KeyBase64, in.NonceBase64, in.AADBase64, in.CiphertextBase64)
	same(t, plaintext, v.Expect.PlaintextBase64)
	return err
}

func (v vector) replayDigest(t *testing.T) error {
	digest, err := payseal.Digest(v.Input.Algorithm, v.Input.KeyBase64, v.Input.MessageBase64)
	same(t, digest, v.Expect.DigestBase64)
	return err
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is\n%v\nwant\n%v", what, got, want)
	}
}

func same(t *testing.T, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}
