package payseal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

// An order, its payment, a refund and the notifications of both by APIv2, over the built-in transport and over net/http.
func TestV2FromOrderToRefund(t *testing.T) {
	for name, options := range map[string][]payseal.Option{"native": nil, "net/http": {payseal.WithHTTPClient(http.DefaultClient)}} {
		t.Run(name, func(t *testing.T) {
			sandbox := theSandbox(t)
			client := sandbox.Client(t, "config-v2.json", nil, options...)
			told := make(chan *payseal.Event, 8)
			shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body := readAll(t, r)
				event, err := client.OpenNotificationRaw(r.Context(), r.Header, body)
				code := payseal.OK
				if missing := new(payseal.Error); errors.As(err, &missing) && missing.Code == payseal.ErrSignatureMissing {
					// Nobody signs refunds: it is opened to learn what to ask for.
					if event, err = client.OpenNotificationRaw(r.Context(), r.Header, body, payseal.AcceptUnauthenticated()); err == nil && event.Authenticity != payseal.AuthenticityEncryptedOnly {
						t.Errorf("the refund is %q", event.Authenticity)
					}
				}
				if err != nil {
					t.Error(err)
					code = payseal.ErrInternal
				}
				reply, err := client.NotificationReply(code)
				if err != nil || !strings.HasPrefix(reply.Header.Get("Content-Type"), "text/xml") {
					t.Errorf("reply %v %v", reply, err)
				}
				_ = reply.Write(w)
				told <- event
			}))
			if name == "net/http" {
				// The ready-made handler, told on purpose.
				shop.Config.Handler = client.NotificationHandler(func(_ context.Context, event *payseal.Event) error {
					told <- event
					return nil
				}, payseal.AcceptUnauthenticated())
			}
			defer shop.Close()

			number := fmt.Sprintf("v2%d", time.Now().UnixNano())
			ask := func(operation string, body map[string]any) map[string]string {
				t.Helper()
				result, err := client.Execute(t.Context(), operation, payseal.Params{Body: body})
				if err != nil {
					t.Fatal(err)
				}
				var fields map[string]string
				if err := json.Unmarshal(result.Body, &fields); err != nil || !result.Info.Verified {
					t.Fatal(err, result.Info)
				}
				return fields
			}
			placed := ask("POST /pay/unifiedorder", map[string]any{
				"body": "一件", "out_trade_no": number, "total_fee": 100, "spbill_create_ip": "127.0.0.1", "trade_type": "NATIVE",
				"product_id": "1", "notify_url": shop.URL,
			})
			if placed["code_url"] == "" {
				t.Fatal(placed)
			}
			sandbox.Control(t, "POST", "/sandbox/orders/"+number+"/pay", nil)
			if event := <-told; event.EventType != "TRANSACTION.SUCCESS" || event.Authenticity != payseal.AuthenticitySigned {
				t.Errorf("%+v", event)
			}
			if found := ask("POST /pay/orderquery", map[string]any{"out_trade_no": number}); found["trade_state"] != "SUCCESS" || found["total_fee"] != "100" {
				t.Error(found)
			}
			refund := map[string]any{"out_trade_no": number, "out_refund_no": "r" + number, "total_fee": 100, "refund_fee": 60}
			if begun := ask("POST /secapi/pay/refund", refund); begun["refund_fee"] != "60" {
				t.Error(begun)
			}
			event := <-told
			if event.EventType != "REFUND.SUCCESS" || event.ConfirmWith != "POST /pay/refundquery" {
				t.Fatalf("%+v", event)
			}
			if found := ask(event.ConfirmWith, map[string]any{"out_refund_no": "r" + number}); found["refund_status_0"] != "SUCCESS" {
				t.Error(found)
			}
		})
	}
}

func readAll(t *testing.T, r *http.Request) []byte {
	t.Helper()
	body := new(strings.Builder)
	buffer := make([]byte, 4096)
	for {
		n, err := r.Body.Read(buffer)
		body.Write(buffer[:n])
		if err != nil {
			return []byte(body.String())
		}
	}
}

func TestV2ConfigHidesItsSecretsAndIsChecked(t *testing.T) {
	config := payseal.ConfigV2{MchID: "1900000109", APIv2Key: strings.Repeat("k", 32), ClientKey: "secret"}
	for _, text := range []string{fmt.Sprint(config), fmt.Sprintf("%+v %#v %s", config, config, config)} {
		if strings.Contains(text, "kkk") || strings.Contains(text, "secret") {
			t.Error(text)
		}
	}
	_, err := payseal.NewClientV2(config)
	var failure *payseal.Error
	if !errors.As(err, &failure) || failure.Code != payseal.ErrConfigInvalid || !strings.Contains(failure.Message, "client_certificate") {
		t.Fatal(err)
	}
	config.ClientKey = ""
	client, err := payseal.NewClientV2(config)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_, err = client.Execute(context.Background(), "POST /secapi/pay/refund", payseal.Params{Body: map[string]any{
		"appid": "wx1", "out_trade_no": "order0001", "out_refund_no": "r1", "total_fee": 1, "refund_fee": 1,
	}})
	if !errors.As(err, &failure) || failure.Code != payseal.ErrConfigInvalid || failure.Outcome != payseal.OutcomeNotSent {
		t.Error(err)
	}
}

// A bill is the answer itself, streamed and unpacked; nobody but TLS vouches for it, so the caller has to take it so.
func TestV2BillsAreStreamedAndNotVerified(t *testing.T) {
	for name, options := range map[string][]payseal.Option{"native": nil, "net/http": {payseal.WithHTTPClient(http.DefaultClient)}} {
		t.Run(name, func(t *testing.T) {
			client := theSandbox(t).Client(t, "config-v2.json", nil, options...)
			number := fmt.Sprintf("bill%d", time.Now().UnixNano())
			paid, err := client.Execute(t.Context(), "POST /pay/micropay", payseal.Params{Body: map[string]any{
				"body": "一件", "out_trade_no": number, "total_fee": 100, "spbill_create_ip": "127.0.0.1", "auth_code": "120061098828009406",
			}})
			if err != nil {
				t.Fatal(err)
			}
			var fields struct {
				TimeEnd string `json:"time_end"`
			}
			if err := paid.Decode(&fields); err != nil {
				t.Fatal(err)
			}
			day := fields.TimeEnd[:8]
			for _, params := range []payseal.DownloadParams{
				{Operation: "POST /pay/downloadbill", Body: map[string]any{"bill_date": day, "tar_type": "GZIP"}},
				{Operation: "POST /pay/downloadfundflow", Body: map[string]any{"bill_date": day, "account_type": "Basic", "tar_type": "GZIP"}},
			} {
				var failure *payseal.Error
				if _, err := client.Download(t.Context(), params); !errors.As(err, &failure) || failure.Code != payseal.ErrHashMismatch || failure.Outcome != payseal.OutcomeNotSent {
					t.Fatal(err)
				}
				params.AllowUnverified = true
				bill := download(t, client, params)
				content, err := io.ReadAll(bill)
				if err != nil || !strings.Contains(string(content), "`"+number) {
					t.Fatalf("%v %q", err, content)
				}
				if info, err := bill.Info(); err != nil || !info.Complete || info.Verified || info.Bytes != int64(len(content)) {
					t.Errorf("%+v %v", info, err)
				}
				path := filepath.Join(t.TempDir(), "bill.csv")
				if _, err := download(t, client, params).SaveTo(path); err != nil {
					t.Fatal(err)
				}
				if saved, err := os.ReadFile(path); err != nil || string(saved) != string(content) {
					t.Errorf("%v %q", err, saved)
				}

				params.Body.(map[string]any)["bill_date"] = "20010101"
				_, err = io.ReadAll(download(t, client, params))
				if !errors.As(err, &failure) || failure.Code != payseal.ErrProviderRejected || failure.Outcome != payseal.OutcomeUnknown {
					t.Errorf("%v", err)
				}
			}
		})
	}
}

func download(t *testing.T, client *payseal.Client, params payseal.DownloadParams) *payseal.Download {
	t.Helper()
	file, err := client.Download(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}
