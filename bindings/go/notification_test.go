package payseal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

const paidPlaintext = `{"mchid":"1900000001","out_trade_no":"GO20250608001","trade_state":"SUCCESS","transaction_id":"42","amount":{"total":100}}`

func TestANotificationSealedByGoIsOpened(t *testing.T) {
	p := thePlatform()
	for name, transport := range transports() {
		t.Run(name, func(t *testing.T) {
			client := p.client(t, transport...)
			at := time.Now()
			header, body := p.notification(at, "TRANSACTION.SUCCESS", []byte(paidPlaintext))
			event, err := client.OpenNotificationRaw(t.Context(), header, body)
			if err != nil {
				t.Fatal(err)
			}
			if string(event.Plaintext) != paidPlaintext || event.ID != "EV-2018022511223320873" || event.EventType != "TRANSACTION.SUCCESS" ||
				event.OriginalType != "transaction" || event.Serial != platformSerial || event.Merchant != mchid || event.Provider != payseal.WeChat ||
				event.Timestamp != at.Unix() || event.Summary != "支付成功" || event.Replay {
				t.Errorf("%+v %s", event, event.Plaintext)
			}
			var transaction struct {
				Amount struct{ Total int64 }
			}
			if err := event.Decode(&transaction); err != nil || transaction.Amount.Total != 100 {
				t.Errorf("%+v %v", transaction, err)
			}
		})
	}
}

func TestAGenuineNotificationAboutAnotherAmountIsRefused(t *testing.T) {
	p := thePlatform()
	header, body := p.notification(time.Now(), "TRANSACTION.SUCCESS", []byte(paidPlaintext))
	for name, transport := range transports() {
		t.Run(name, func(t *testing.T) {
			client := p.client(t, transport...)
			expected := map[string]any{"out_trade_no": "GO20250608001", "amount.total": 100}
			if _, err := client.OpenNotificationRaw(t.Context(), header, body, payseal.Expecting(expected)); err != nil {
				t.Fatal(err)
			}
			expected["amount.total"] = 200_000
			_, err := client.OpenNotificationRaw(t.Context(), header, body, payseal.Expecting(expected))
			if failed := failure(t, err, payseal.ErrResponseMismatch, payseal.OutcomeMalformed); failed.Details.Field != "amount.total" {
				t.Error(failed.Details.Field)
			}
		})
	}
}

func TestNoChangedByteOfANotificationIsBelieved(t *testing.T) {
	p := thePlatform()
	client := p.client(t)
	header, body := p.notification(time.Now(), "TRANSACTION.SUCCESS", []byte(paidPlaintext))
	if _, err := client.OpenNotificationRaw(t.Context(), header, body); err != nil {
		t.Fatal(err)
	}
	for i := range body {
		changed := bytes.Clone(body)
		changed[i] ^= 1
		if event, err := client.OpenNotificationRaw(t.Context(), header, changed); event != nil || !errors.Is(err, payseal.ErrSignatureInvalid) {
			t.Fatalf("byte %d of the body: %v", i, err)
		}
	}
	for _, name := range []string{"Wechatpay-Serial", "Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Signature"} {
		value := header.Get(name)
		for i := range len(value) {
			changed := header.Clone()
			changed.Set(name, value[:i]+string(value[i]^1)+value[i+1:])
			if event, err := client.OpenNotificationRaw(t.Context(), changed, body); event != nil || err == nil {
				t.Fatalf("byte %d of %s", i, name)
			}
			changed.Set(name, value[:i])
			if event, err := client.OpenNotificationRaw(t.Context(), changed, body); event != nil || err == nil {
				t.Fatalf("%s cut to %d bytes", name, i)
			}
		}
	}
}

func TestAHeaderCannotSmuggleAnother(t *testing.T) {
	p := thePlatform()
	header, body := p.notification(time.Now(), "TRANSACTION.SUCCESS", []byte(paidPlaintext))
	signature := header.Get("Wechatpay-Signature")
	header.Del("Wechatpay-Signature")
	header.Set("User-Agent", "x\nWechatpay-Signature: "+signature)
	_, err := p.client(t).OpenNotificationRaw(t.Context(), header, body)
	failure(t, err, payseal.ErrHeaderInvalid, payseal.OutcomeUnauthentic)
}

func TestAForeignHeaderInAnotherEncodingDoesNoHarm(t *testing.T) {
	p := thePlatform()
	header, body := p.notification(time.Now(), "TRANSACTION.SUCCESS", []byte(paidPlaintext))
	header.Set("X-City", "S\xe3o Paulo")
	if _, err := p.client(t).OpenNotificationRaw(t.Context(), header, body); err != nil {
		t.Error(err)
	}
	header.Set("Wechatpay-Nonce", header.Get("Wechatpay-Nonce")+"\xff")
	if _, err := p.client(t).OpenNotificationRaw(t.Context(), header, body); !errors.Is(err, payseal.KindTrust) {
		t.Error(err)
	}
}

func TestAWindowOfZeroSecondsIsZeroAndNotOff(t *testing.T) {
	p := thePlatform()
	config := p.config()
	config.TimestampWindowS = new(int)
	header, body := p.notification(time.Now().Add(-2*time.Second), "TRANSACTION.SUCCESS", []byte(paidPlaintext))
	_, err := newClient(t, config).OpenNotificationRaw(t.Context(), header, body)
	failed := failure(t, err, payseal.ErrClockSkew, payseal.OutcomeUnauthentic)
	if failed.Details.SkewS == nil || *failed.Details.SkewS > -1 {
		t.Errorf("skew %v", failed.Details.SkewS)
	}
}

func TestTheReplayGuardMarksARepetition(t *testing.T) {
	p := thePlatform()
	config := p.config()
	config.ReplayGuard = &payseal.ReplayGuard{Entries: 10}
	client := newClient(t, config)
	header, body := p.notification(time.Now(), "TRANSACTION.SUCCESS", []byte(paidPlaintext))
	for _, want := range []bool{false, true, true} {
		event, err := client.OpenNotificationRaw(t.Context(), header, body)
		if err != nil || event.Replay != want {
			t.Fatalf("replay %v, want %v, %v", event.Replay, want, err)
		}
	}
}

func TestTheHandlerAnswersAsTheProviderExpects(t *testing.T) {
	p := thePlatform()
	header, body := p.notification(time.Now(), "TRANSACTION.SUCCESS", []byte(paidPlaintext))
	forged := header.Clone()
	forged.Set("Wechatpay-Nonce", "another")
	unsigned := header.Clone()
	unsigned.Del("Wechatpay-Signature")
	probe := header.Clone()
	probe.Set("Wechatpay-Signature", "WECHATPAY/SIGNTEST/"+header.Get("Wechatpay-Signature"))
	for name, test := range map[string]struct {
		header  http.Header
		body    []byte
		handled error
		calls   int
		success bool
	}{
		"taken care of":     {header, body, nil, 1, true},
		"handler failed":    {header, body, errors.New("the database is away"), 1, false},
		"handler's payseal": {header, body, &payseal.Error{Code: payseal.OK}, 1, false},
		"forged":            {forged, body, nil, 0, false},
		"unsigned":          {unsigned, body, nil, 0, false},
		"probe":             {probe, body, nil, 0, false},
		"empty":             {header, nil, nil, 0, false},
		"too long":          {header, bytes.Repeat([]byte(" "), payseal.MaxNotificationBytes+1), nil, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			handler := p.client(t).NotificationHandler(func(_ context.Context, event *payseal.Event) error {
				calls++
				if string(event.Plaintext) != paidPlaintext {
					t.Errorf("%s", event.Plaintext)
				}
				return test.handled
			})
			request := httptest.NewRequest(http.MethodPost, "/notify", bytes.NewReader(test.body))
			request.Header = test.header
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, request)
			if calls != test.calls {
				t.Errorf("the handler was called %d times", calls)
			}
			if success := recorder.Code == 200 || recorder.Code == 204; success != test.success {
				t.Errorf("status %d", recorder.Code)
			}
			if !test.success {
				var answer struct{ Code string }
				if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil || answer.Code != "FAIL" || recorder.Code < 400 {
					t.Errorf("%d %s", recorder.Code, recorder.Body)
				}
			}
		})
	}
}

func TestABodyThatBreaksOffIsAFailure(t *testing.T) {
	p := thePlatform()
	header, body := p.notification(time.Now(), "TRANSACTION.SUCCESS", []byte(paidPlaintext))
	request := httptest.NewRequest(http.MethodPost, "/notify", &breakingReader{strings.NewReader(string(body[:100]))})
	request.Header = header
	_, err := p.client(t).OpenNotification(t.Context(), request)
	failure(t, err, payseal.ErrBodyInvalid, payseal.OutcomeUnauthentic)
	if !errors.Is(err, errBroken) {
		t.Error("the reader's error is not found")
	}
}

var errBroken = errors.New("the connection broke")

type breakingReader struct{ *strings.Reader }

func (r *breakingReader) Read(out []byte) (int, error) {
	if r.Len() == 0 {
		return 0, errBroken
	}
	return r.Reader.Read(out)
}

func TestEveryCodeHasAReply(t *testing.T) {
	client := thePlatform().client(t)
	for code := range payseal.CodeNames() {
		reply, err := client.NotificationReply(code)
		if err != nil {
			t.Fatalf("%s: %v", code, err)
		}
		if success := reply.Status/100 == 2; success != (code == payseal.OK) || reply.Status < 200 || reply.Status > 599 {
			t.Errorf("%s is answered with %d", code, reply.Status)
		}
	}
	if _, err := client.NotificationReply(-1); err == nil {
		t.Log("a code that does not exist has a reply, too")
	}
}

func ExampleClient_NotificationHandler() {
	client, err := payseal.NewClient(payseal.Config{Provider: payseal.WeChat, MchID: "1900000001"})
	if err != nil {
		fmt.Println(err.(*payseal.Error).Details.CodeName) // the keys are missing
		return
	}
	defer client.Close()
	http.Handle("POST /notify/wechat", client.NotificationHandler(func(ctx context.Context, event *payseal.Event) error {
		return nil // mark the order paid, once
	}))
	// Output: CONFIG_INVALID
}
