package payseal_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/internal/sandboxtest"
)

type sandbox = sandboxtest.Sandbox

// startSandbox runs the one that all tests share.
var startSandbox = sync.OnceValues(func() (*sandbox, error) {
	dir, err := os.MkdirTemp("", "payseal-sandbox-")
	if err != nil {
		return nil, err
	}
	started, stop, err := sandboxtest.Start(dir)
	if err != nil {
		return nil, err
	}
	stopSandbox = func() {
		stop()
		_ = os.RemoveAll(dir)
	}
	return started, nil
})

// stopSandbox does nothing until there is one.
var stopSandbox = func() {}

func TestMain(m *testing.M) {
	code := m.Run()
	stopSandbox()
	os.Exit(code)
}

func theSandbox(t testing.TB) *sandbox {
	t.Helper()
	started, err := startSandbox()
	if err != nil {
		t.Fatal(err)
	}
	return started
}

var orderCount atomic.Int64

func newOrderNumber() string {
	return fmt.Sprintf("GO%d%06d", os.Getpid(), orderCount.Add(1))
}

func order(number, notifyURL string) payseal.Params {
	return payseal.Params{Body: map[string]any{
		"description": "一杯茶", "out_trade_no": number, "notify_url": notifyURL, "amount": map[string]any{"total": 100, "currency": "CNY"},
	}}
}

func query(number string) payseal.Params {
	return payseal.Params{Path: map[string]string{"out_trade_no": number}}
}

const someNotifyURL = "http://127.0.0.1:9/notify"

func TestEveryFaultOfTheProviderHasItsCodeAndOutcome(t *testing.T) {
	s := theSandbox(t)
	for name, transport := range transports() {
		t.Run(name, func(t *testing.T) {
			client := s.Client(t, "config.json", nil, transport...)
			for _, test := range []struct {
				fault   string
				code    payseal.Code
				outcome payseal.Outcome
			}{
				{"reset_before", payseal.ErrConnectionLost, payseal.OutcomeUnknown},
				{"reset_after", payseal.ErrConnectionLost, payseal.OutcomeUnknown},
				{"html_500", payseal.ErrProviderUnavailable, payseal.OutcomeUnknown},
				{"html_502", payseal.ErrProviderUnavailable, payseal.OutcomeUnknown},
				{"system_error", payseal.ErrProviderUnavailable, payseal.OutcomeUnknown},
				{"rate_limit", payseal.ErrProviderRateLimited, payseal.OutcomeUnknown},
				{"redirect", payseal.ErrResponseInvalid, payseal.OutcomeUnknown},
				{"truncated_body", payseal.ErrConnectionLost, payseal.OutcomeUnknown},
				{"wrong_signature", payseal.ErrSignatureInvalid, payseal.OutcomeUnknown},
				{"unknown_serial", payseal.ErrUnknownSerial, payseal.OutcomeUnknown},
				{"stale_time", payseal.ErrClockSkew, payseal.OutcomeUnknown},
				{"signtest", payseal.ErrSignatureProbe, payseal.OutcomeUnknown},
				{"unsigned", payseal.ErrSignatureMissing, payseal.OutcomeUnknown},
				{"duplicate_signature", payseal.ErrHeaderInvalid, payseal.OutcomeUnknown},
			} {
				t.Run(test.fault, func(t *testing.T) {
					number := newOrderNumber()
					s.Fault(t, test.fault, number, nil)
					params := order(number, someNotifyURL)
					params.Options.MaxAttempts = 1
					result, err := client.Execute(t.Context(), nativeOrder, params)
					if result != nil {
						t.Fatal("an answer was handed out")
					}
					failed := failure(t, err, test.code, test.outcome)
					if failed.Details.Operation != nativeOrder || failed.Details.Attempts != 1 || failed.Details.Host != s.Address {
						t.Errorf("%s", failed.Details.Raw)
					}
					// The same request with the same number, signed anew, is safe and now succeeds.
					if _, err := client.Execute(t.Context(), nativeOrder, order(number, someNotifyURL)); err != nil {
						t.Errorf("afterwards: %v", err)
					}
				})
			}
		})
	}
}

func TestWhatMayBeRepeatedIsRepeatedAndSignedAnew(t *testing.T) {
	s := theSandbox(t)
	for name, transport := range transports() {
		t.Run(name, func(t *testing.T) {
			quick := func(config map[string]any) {
				config["retry"] = map[string]any{"max_attempts": 3, "base_ms": 1, "cap_ms": 2}
			}
			client := s.Client(t, "config.json", quick, transport...)
			for _, fault := range []string{"reset_after", "html_502", "rate_limit", "signtest"} {
				number := newOrderNumber()
				s.Fault(t, fault, number, map[string]any{"times": 2})
				result, err := client.Execute(t.Context(), nativeOrder, order(number, someNotifyURL))
				if err != nil {
					t.Fatalf("%s: %v", fault, err)
				}
				if result.Info.Attempts != 3 {
					t.Errorf("%s: %d attempts", fault, result.Info.Attempts)
				}
			}
		})
	}
}

func TestAnAnswerAboutAnotherOrderIsNoAnswer(t *testing.T) {
	s := theSandbox(t)
	client := s.Client(t, "config.json", nil)
	number := newOrderNumber()
	if _, err := client.Execute(t.Context(), nativeOrder, order(number, someNotifyURL)); err != nil {
		t.Fatal(err)
	}
	params := query(number)
	params.Options.Expect = map[string]any{"out_trade_no": number, "amount.total": 100}
	if _, err := client.Execute(t.Context(), queryOrder, params); err != nil {
		t.Fatal(err)
	}
	s.Fault(t, "wrong_answer", number, nil)
	_, err := client.Execute(t.Context(), queryOrder, params)
	failure(t, err, payseal.ErrResponseMismatch, payseal.OutcomeUnknown)
	params.Options.Expect = map[string]any{"amount.total": 101}
	_, err = client.Execute(t.Context(), queryOrder, params)
	failure(t, err, payseal.ErrResponseMismatch, payseal.OutcomeUnknown)
}

func TestAContextEndsACallThatTheProviderDelays(t *testing.T) {
	s := theSandbox(t)
	for name, transport := range transports() {
		t.Run(name, func(t *testing.T) {
			client := s.Client(t, "config.json", nil, transport...)
			number := newOrderNumber()
			s.Fault(t, "delay", number, map[string]any{"ms": 600_000})
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			_, err := client.Execute(ctx, nativeOrder, order(number, someNotifyURL))
			failure(t, err, payseal.ErrTimeout, payseal.OutcomeUnknown)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Error("errors.Is(err, context.DeadlineExceeded) does not hold")
			}

			number = newOrderNumber()
			s.Fault(t, "delay", number, map[string]any{"ms": 600_000})
			ctx, cancel = context.WithCancel(t.Context())
			time.AfterFunc(100*time.Millisecond, cancel) // whenever it strikes, the call ends
			_, err = client.Execute(ctx, nativeOrder, order(number, someNotifyURL))
			if !errors.Is(err, payseal.ErrCancelled) || !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestACancellationEndsThePauseBeforeARepetition(t *testing.T) {
	s := theSandbox(t)
	for name, transport := range transports() {
		t.Run(name, func(t *testing.T) {
			retried := make(chan struct{}, 10)
			slow := func(config map[string]any) {
				config["retry"] = map[string]any{"max_attempts": 10, "base_ms": 60_000, "cap_ms": 60_000}
				config["timeouts"] = map[string]any{"total_ms": 600_000}
			}
			logger := payseal.WithLogger(watch("call.retry", retried))
			client := s.Client(t, "config.json", slow, append(transport, logger)...)
			number := newOrderNumber()
			s.Fault(t, "html_502", number, map[string]any{"times": 0})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				<-retried
				cancel()
			}()
			_, err := client.Execute(ctx, nativeOrder, order(number, someNotifyURL))
			failed := failure(t, err, payseal.ErrCancelled, payseal.OutcomeUnknown)
			if !errors.Is(err, context.Canceled) || failed.Details.Attempts != 1 {
				t.Errorf("%+v", failed.Details)
			}
		})
	}
}

func TestCertificatesAreFetchedAndFollowedThroughARotation(t *testing.T) {
	s := theSandbox(t)
	for name, transport := range transports() {
		t.Run(name, func(t *testing.T) {
			// Without any key: fetched before the first order.
			first, err := s.Client(t, "config-certificate.json", nil, transport...).Execute(t.Context(), nativeOrder, order(newOrderNumber(), someNotifyURL))
			if err != nil {
				t.Fatal(err)
			}
			if !first.Info.Verified || strings.HasPrefix(first.Info.Serial, "PUB_KEY_ID_") {
				t.Errorf("%+v", first.Info)
			}
			// With certificates that are replaced between a request and its answer: followed as soon as a fetch is allowed again.
			eager := func(config map[string]any) {
				delete(config, "platform_public_keys")
				config["certificate_refresh"] = map[string]any{"min_interval_s": 1}
			}
			client := s.Client(t, "config.json", eager, transport...)
			number := newOrderNumber()
			s.Fault(t, "rotate_certificate", number, nil)
			second, err := client.Execute(t.Context(), nativeOrder, order(number, someNotifyURL))
			for until := time.Now().Add(20 * time.Second); errors.Is(err, payseal.ErrUnknownSerial) && time.Now().Before(until); {
				second, err = client.Execute(t.Context(), nativeOrder, order(number, someNotifyURL))
			}
			if err != nil {
				t.Fatal(err)
			}
			if !second.Info.Verified || second.Info.Serial == first.Info.Serial {
				t.Errorf("%+v", second.Info)
			}
		})
	}
}

func TestAPaymentComesBackThroughTheNotificationHandler(t *testing.T) {
	s := theSandbox(t)
	for name, transport := range transports() {
		t.Run(name, func(t *testing.T) {
			client := s.Client(t, "config.json", nil, transport...)
			events := make(chan *payseal.Event, 10)
			var refusals atomic.Int32
			shop := httptest.NewServer(client.NotificationHandler(func(_ context.Context, event *payseal.Event) error {
				if refusals.Add(-1) >= 0 {
					return errors.New("not this time")
				}
				events <- event
				return nil
			}))
			defer shop.Close()

			for _, fault := range []string{"", "wrong_signature", "unknown_serial", "stale_time", "signtest", "unsigned", "duplicate_signature", "wrong_key", "truncated_body", "handler"} {
				t.Run("after "+fault, func(t *testing.T) {
					number := newOrderNumber()
					switch fault {
					case "":
					case "handler":
						refusals.Store(2)
					default:
						s.Fault(t, fault, number, map[string]any{"target": "notification"})
					}
					result, err := client.Execute(t.Context(), nativeOrder, order(number, shop.URL))
					if err != nil {
						t.Fatal(err)
					}
					var answer struct {
						CodeURL string `json:"code_url"`
					}
					if err := result.Decode(&answer); err != nil || answer.CodeURL == "" {
						t.Fatalf("%s %v", result.Body, err)
					}
					s.Control(t, "POST", "/sandbox/orders/"+number+"/pay", map[string]any{})
					select {
					case event := <-events:
						var paid struct {
							OutTradeNo string `json:"out_trade_no"`
							TradeState string `json:"trade_state"`
							Amount     struct{ Total int64 }
						}
						if err := event.Decode(&paid); err != nil || paid.OutTradeNo != number || paid.TradeState != "SUCCESS" || paid.Amount.Total != 100 {
							t.Errorf("%s %v", event.Plaintext, err)
						}
					case <-time.After(30 * time.Second):
						t.Fatal("no notification arrived")
					}
				})
			}
		})
	}
}

func TestAFaultyNotificationNeverReachesTheHandler(t *testing.T) {
	s := theSandbox(t)
	client := s.Client(t, "config.json", nil)
	codes := make(chan payseal.Code, 100)
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := client.OpenNotification(r.Context(), r)
		codes <- payseal.CodeOf(err)
		reply, err := client.NotificationReply(payseal.CodeOf(err))
		if err != nil {
			t.Error(err)
			return
		}
		_ = reply.Write(w)
	}))
	defer shop.Close()
	for fault, want := range map[string]payseal.Code{
		"wrong_signature": payseal.ErrSignatureInvalid, "unknown_serial": payseal.ErrUnknownSerial, "stale_time": payseal.ErrClockSkew,
		"signtest": payseal.ErrSignatureProbe, "unsigned": payseal.ErrSignatureMissing, "duplicate_signature": payseal.ErrHeaderInvalid,
		"wrong_key": payseal.ErrDecryptionFailed,
	} {
		number := newOrderNumber()
		s.Fault(t, fault, number, map[string]any{"target": "notification"})
		if _, err := client.Execute(t.Context(), nativeOrder, order(number, shop.URL)); err != nil {
			t.Fatal(err)
		}
		s.Control(t, "POST", "/sandbox/orders/"+number+"/pay", map[string]any{})
		if first := <-codes; first != want {
			t.Errorf("%s was answered with %v, want %v", fault, first, want)
		}
		if second := <-codes; second != payseal.OK {
			t.Errorf("the repetition after %s: %v", fault, second)
		}
	}
}
