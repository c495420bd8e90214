package payments_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/payments"
)

func TestAnOrderIsPaidByItsNotificationAndRefundedToTheEnd(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store string) {
		for name, transport := range transports() {
			for _, account := range []string{"wechat", "alipay"} {
				t.Run(name+"/"+account, func(t *testing.T) { open(t, store, nil, transport...).payAndRefund(t, account) })
			}
		}
	})
}

func (s *shop) payAndRefund(t *testing.T, account string) {
	request := s.request(account)
	payment := s.create(t, request)
	if payment.Order.State != payments.StatePaying || payment.Order.Amount != 8888 || payment.Order.Subject != "一杯茶" || payment.Order.CreatedAt.IsZero() || !payment.Order.PaidAt.IsZero() {
		t.Fatalf("%+v", payment.Order)
	}
	if payment.Client.Kind != payments.ClientQR || payment.Client.CodeURL == "" {
		t.Fatalf("%+v", payment.Client)
	}
	again := s.create(t, request)
	if again.Client.CodeURL != payment.Client.CodeURL {
		t.Fatal("the same number is another order")
	}

	s.pay(t, request.OrderNo)
	s.told(t)
	s.isIn(t, request.OrderNo, payments.StatePaying) // it takes effect with the acknowledgement
	event := s.claimedFor(t, request.OrderNo)
	if event.Kind != payments.PaymentPaidEvent || event.Account != account || event.OrderNo != request.OrderNo || event.Source != payments.SourceNotification {
		t.Fatalf("%+v", event)
	}
	var told struct {
		OutTradeNo string `json:"out_trade_no"`
	}
	if err := event.Notification.Decode(&told); err != nil || told.OutTradeNo != request.OrderNo || event.Notification.Authenticity != payseal.AuthenticitySigned {
		t.Fatalf("%s %v", event.Notification.Plaintext, err)
	}
	if event.Fact.Of != payments.FactPayment || *event.Fact.Amount != 8888 || event.Fact.State != string(payments.PaymentPaid) {
		t.Fatalf("%+v", event.Fact)
	}
	if event.Exception != "" || event.Order == nil || event.Order.State != payments.StatePaid {
		t.Fatalf("%+v", event)
	}
	must(t, s.Ack(t.Context(), event))
	file := s.order(t, request.OrderNo)
	if file.Order.State != payments.StatePaid || file.Order.PaidAt.IsZero() || file.Order.TransactionID != event.Fact.TransactionID || file.Client != nil {
		t.Fatalf("%+v", file)
	}
	if last := file.History[len(file.History)-1]; last.From != payments.StatePaying || last.To != payments.StatePaid || last.Source != payments.SourceNotification {
		t.Fatalf("%+v", file.History)
	}

	s.resend(t, request.OrderNo)
	s.told(t) // success again
	if event := s.claimedFor(t, request.OrderNo); event != nil {
		t.Fatalf("a repetition is an event: %+v", event)
	}

	refund := &payments.RefundRequest{OrderNo: request.OrderNo, RefundNo: request.OrderNo + "r", Amount: 888, Reason: "茶凉了", NotifyURL: s.notify}
	s.refundToTheEnd(t, refund, payments.StatePartlyRefunded)
	_, err := s.Refund(t.Context(), &payments.RefundRequest{OrderNo: request.OrderNo, RefundNo: "too-much", Amount: 8001})
	failure(t, err, payseal.ErrOrderState, payseal.OutcomeNotSent)
	s.refundToTheEnd(t, &payments.RefundRequest{OrderNo: request.OrderNo, RefundNo: request.OrderNo + "s", Amount: 8000, NotifyURL: s.notify}, payments.StateRefunded)
	if file := s.order(t, request.OrderNo); file.Order.Refunded != 8888 || file.Order.Refunding != 0 || len(file.Refunds) != 2 || len(file.Exceptions) != 0 {
		t.Fatalf("%+v", file)
	}
}

// refundToTheEnd follows a refund by asking, whether or not the provider told of it meanwhile.
func (s *shop) refundToTheEnd(t *testing.T, request *payments.RefundRequest, state payments.State) {
	t.Helper()
	refunded, err := s.Refund(t.Context(), request)
	for until := time.Now().Add(30 * time.Second); err == nil && refunded.Refund.State == payments.RefundProcessing && time.Now().Before(until); {
		refunded, err = s.QueryRefund(t.Context(), request.RefundNo)
	}
	must(t, err)
	if refunded.Refund.State != payments.RefundSucceeded || refunded.Refund.Amount != request.Amount {
		t.Fatalf("%+v", refunded.Refund)
	}
	for _, event := range s.claimedAll(t) {
		must(t, s.Ack(t.Context(), event)) // takes none twice
	}
	s.isIn(t, request.OrderNo, state)
}

func TestANumberIsOneOrder(t *testing.T) {
	s := open(t, sqlite(t), nil)
	request := s.request("wechat")
	s.create(t, request)
	request.Amount++
	_, err := s.Create(t.Context(), request)
	if failed := failure(t, err, payseal.ErrOrderConflict, payseal.OutcomeNotSent); failed.Details.Field != "amount" {
		t.Errorf("%+v", failed.Details)
	}
	_, err = s.Query(t.Context(), "nobody's")
	failure(t, err, payseal.ErrOrderUnknown, payseal.OutcomeNotSent)
	request = s.request("wechat")
	request.Method = payments.MethodPrecreate
	_, err = s.Create(t.Context(), request)
	if failed := failure(t, err, payseal.ErrParamsInvalid, payseal.OutcomeNotSent); failed.Details.Field != "method" {
		t.Errorf("%+v", failed.Details)
	}
}

func TestWhatTheClientNeedsIsByTheMethod(t *testing.T) {
	s := open(t, sqlite(t), nil)
	h5 := s.request("wechat")
	h5.Method, h5.Payer.ClientIP = payments.MethodH5, "203.0.113.1"
	jsapi := s.request("wechat")
	jsapi.Method, jsapi.Payer.ID = payments.MethodJSAPI, "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
	page := s.request("alipay")
	page.Method = payments.MethodPage
	app := s.request("alipay")
	app.Method = payments.MethodApp
	for _, test := range []struct {
		request *payments.PayRequest
		kind    payments.ClientKind
		has     func(*payments.ClientAction) bool
	}{
		{h5, payments.ClientRedirect, func(c *payments.ClientAction) bool { return strings.HasPrefix(c.URL, "http") }},
		{jsapi, payments.ClientInvoke, func(c *payments.ClientAction) bool { return strings.Contains(string(c.Params), `"paySign"`) }},
		{page, payments.ClientRedirect, func(c *payments.ClientAction) bool { return strings.HasPrefix(c.URL, "http") }},
		{app, payments.ClientOrderString, func(c *payments.ClientAction) bool { return strings.Contains(c.OrderString, "sign=") }},
	} {
		if client := s.create(t, test.request).Client; client.Kind != test.kind || !test.has(client) {
			t.Errorf("%s: %+v", test.request.Method, client)
		}
	}
}

func TestATickClosesWhatExpiredAndFindsWhatNobodyTold(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store string) {
		for name, transport := range transports() {
			t.Run(name, func(t *testing.T) {
				s := open(t, store, nil, transport...)
				for _, account := range []string{"wechat", "alipay"} {
					untold := s.request(account)
					untold.NotifyURL = "http://127.0.0.1:9/nobody"
					s.create(t, untold)
					s.pay(t, untold.OrderNo)
					expired := s.request(account)
					s.create(t, expired)

					s.clock.turn(31 * time.Minute)
					ticked, err := s.Tick(t.Context(), 0)
					must(t, err)
					if ticked.Orders != 2 || ticked.Failed != 0 {
						t.Errorf("%+v", ticked)
					}
					s.isIn(t, untold.OrderNo, payments.StatePaid)
					if account == "alipay" { // a code that was not scanned yet might still be, for a moment
						s.isIn(t, expired.OrderNo, payments.StateClosing)
						s.clock.turn(time.Hour)
						_, err := s.Tick(t.Context(), 0)
						must(t, err)
					}
					s.isIn(t, expired.OrderNo, payments.StateClosed)
					for _, event := range s.claimedAll(t) {
						if event.Notification != nil || event.Source == payments.SourceNotification {
							t.Errorf("%+v", event)
						}
						must(t, s.Ack(t.Context(), event))
					}
					_, err = s.Create(t.Context(), expired)
					failure(t, err, payseal.ErrOrderState, payseal.OutcomeNotSent)
				}
			})
		}
	})
}

func TestAnOrderIsClosedOnlyAfterAsking(t *testing.T) {
	s := open(t, sqlite(t), nil)
	unpaid := s.request("wechat")
	s.create(t, unpaid)
	closed, err := s.CloseOrder(t.Context(), unpaid.OrderNo)
	must(t, err)
	if closed.Order.State != payments.StateClosed {
		t.Errorf("%+v", closed)
	}
	paid := s.request("wechat")
	paid.NotifyURL = "http://127.0.0.1:9/nobody"
	s.create(t, paid)
	s.pay(t, paid.OrderNo)
	closed, err = s.CloseOrder(t.Context(), paid.OrderNo)
	must(t, err)
	if closed.Order.State != payments.StatePaid || closed.PaymentState != payments.PaymentPaid || closed.ProviderState != "SUCCESS" {
		t.Errorf("%+v", closed)
	}
}

func TestAContextEndsWhatAProviderDelaysAndNothingIsLost(t *testing.T) {
	for name, transport := range transports() {
		t.Run(name, func(t *testing.T) {
			s := open(t, sqlite(t), nil, transport...)
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			request := s.request("wechat")
			_, err := s.Create(ended, request)
			failure(t, err, payseal.ErrCancelled, payseal.OutcomeNotSent)
			_, err = s.Order(t.Context(), request.OrderNo)
			failure(t, err, payseal.ErrOrderUnknown, payseal.OutcomeNotSent)

			s.sandbox.Fault(t, "delay", request.OrderNo, map[string]any{"ms": 600_000})
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			_, err = s.Create(ctx, request)
			if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, payseal.OutcomeUnknown) {
				t.Fatal(err)
			}
			s.isIn(t, request.OrderNo, payments.StatePaying)
			if payment := s.create(t, request); payment.Client == nil {
				t.Errorf("%+v", payment)
			}

			s.clock.turn(time.Minute)
			s.sandbox.Fault(t, "delay", request.OrderNo, map[string]any{"ms": 600_000})
			other := s.request("wechat")
			s.create(t, other)
			s.clock.turn(time.Minute)
			ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if _, err := s.Tick(ctx, 0); err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			if ctx.Err() == nil {
				t.Error("the tick did not wait for the provider")
			}
		})
	}
}

// counting is a transport that counts.
type counting struct{ requests atomic.Int64 }

func (c *counting) RoundTrip(request *http.Request) (*http.Response, error) {
	c.requests.Add(1)
	return http.DefaultTransport.RoundTrip(request)
}

func TestEveryAccountSendsThroughItsOwnHTTPClient(t *testing.T) {
	sandbox := theSandbox(t)
	wechat, alipay := new(counting), new(counting)
	over := func(transport http.RoundTripper) payseal.Option {
		return payseal.WithHTTPClient(&http.Client{Transport: transport})
	}
	accounts := []payments.Account{
		{Name: "wechat", Client: sandbox.Client(t, "config.json", nil, over(wechat))},
		{Name: "alipay", Client: sandbox.Client(t, "config-alipay.json", nil, over(alipay))},
	}
	s := &shop{sandbox: sandbox, clock: new(clock), notify: "http://127.0.0.1:9/nobody"}
	s.Payments = openWith(t, payments.Config{Store: sqlite(t), Accounts: accounts}, payseal.WithClock(s.clock.now))
	s.create(t, s.request("wechat"))
	s.create(t, s.request("alipay"))
	s.create(t, s.request("alipay"))
	if wechat.requests.Load() != 1 || alipay.requests.Load() != 2 {
		t.Errorf("%d %d", wechat.requests.Load(), alipay.requests.Load())
	}
	s.clock.turn(time.Minute)
	_, err := s.Tick(t.Context(), 0)
	must(t, err)
	if wechat.requests.Load() != 2 || alipay.requests.Load() != 4 {
		t.Errorf("after a tick %d %d", wechat.requests.Load(), alipay.requests.Load())
	}

	accounts[1].Client = sandbox.Client(t, "config-alipay.json", nil)
	_, err = payments.Open(payments.Config{Store: sqlite(t), Accounts: accounts})
	failure(t, err, payseal.ErrInvalidArgument, payseal.OutcomeNotSent)
}
