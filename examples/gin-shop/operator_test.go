package main

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/payseal/payseal/bindings/go/payments"
)

func (s *shop) openExceptions(t *testing.T) []payments.Exception {
	t.Helper()
	var found struct{ Exceptions []payments.Exception }
	if ask(t, "GET", s.publicURL+"/api/operator/exceptions", "", &found); len(found.Exceptions) == 0 {
		t.Fatal("no exception is open")
	}
	return found.Exceptions
}

func (s *shop) settle(t *testing.T, id int64, said string) {
	t.Helper()
	if status, _ := ask(t, "POST", s.publicURL+"/api/operator/exceptions/"+strconv.FormatInt(id, 10)+"/resolve", said, nil); status != http.StatusOK {
		t.Fatal(status)
	}
}

// payTwice tells the shop of a second payment of an order, as WeChat Pay would.
func (s *shop) payTwice(t *testing.T, sandbox string, order payments.Order) {
	t.Helper()
	event, _ := json.Marshal(map[string]any{
		"event_type": "TRANSACTION.SUCCESS", "original_type": "transaction", "notify_url": s.publicURL + "/notify/wechat",
		"resource": map[string]any{
			"mchid": order.Merchant, "appid": order.Application, "out_trade_no": order.OrderNo, "transaction_id": "4200000000000000000000000002",
			"trade_type": "NATIVE", "trade_state": "SUCCESS", "trade_state_desc": "支付成功", "bank_type": "OTHERS", "attach": "",
			"success_time": "2025-06-08T10:34:56+08:00", "payer": map[string]any{"openid": demoOpenID},
			"amount": map[string]any{"total": order.Amount, "payer_total": order.Amount, "currency": "CNY", "payer_currency": "CNY"},
		},
	})
	if status, _ := ask(t, "POST", sandbox+"/sandbox/notifications", string(event), nil); status >= 300 {
		t.Fatal(status)
	}
}

func TestTheOperatorGivesMoneyBack(t *testing.T) {
	for _, method := range []string{"native", "precreate"} {
		shop, sandbox, _ := serveShop(t)
		id := shop.mustOrder(t, method).Order.OrderNo
		refund := shop.publicURL + "/api/operator/orders/" + id + "/refund"
		var answer view
		if status, _ := ask(t, "POST", refund, `{}`, &answer); status != http.StatusConflict || answer.Error == "" {
			t.Errorf("%d %+v", status, answer)
		}
		payAt(t, sandbox, id)
		shop.until(t, id, payments.StatePaid)
		for _, body := range []string{``, `{"amount":"all"}`, `{"amount":0.5}`, `{"amount":0}`, `{"amount":-1}`} {
			if status, _ := ask(t, "POST", refund, body, &answer); status != http.StatusBadRequest || answer.Error == "" {
				t.Errorf("%s: %d %+v", body, status, answer)
			}
		}
		if status, _ := ask(t, "POST", refund, `{"amount":2}`, &answer); status != http.StatusConflict {
			t.Errorf("%d %+v", status, answer)
		}
		if status, _ := ask(t, "POST", refund, `{}`, &answer); status != http.StatusOK {
			t.Fatalf("%d %+v", status, answer)
		}
		shop.until(t, id, payments.StateRefunded)
		if file := shop.file(t, id); len(file.Refunds) != 1 || file.Refunds[0].State != payments.RefundSucceeded || file.Order.Refunded != priceFen {
			t.Errorf("%+v", file)
		}
		if status, _ := ask(t, "POST", refund, `{}`, &answer); status < 400 {
			t.Error("all was given back twice")
		}
	}
}

func TestASecondPaymentWaitsForTheOperator(t *testing.T) {
	shop, sandbox, _ := serveShop(t)
	id := shop.mustOrder(t, "native").Order.OrderNo
	payAt(t, sandbox, id)
	order := shop.until(t, id, payments.StatePaid).Order
	shop.payTwice(t, sandbox, order)
	shop.until(t, id, payments.StateException)
	exception := shop.openExceptions(t)[0]
	if exception.Kind != payments.SecondTransaction || exception.OrderNo != id {
		t.Errorf("%+v", exception)
	}
	address := shop.publicURL + "/api/operator/exceptions/" + strconv.FormatInt(exception.ID, 10) + "/resolve"
	for _, said := range []string{``, `{}`, `{"note":"x","state":"rich"}`} {
		var answer view
		if status, _ := ask(t, "POST", address, said, &answer); status != http.StatusBadRequest || answer.Error == "" {
			t.Errorf("%s: %d %+v", said, status, answer)
		}
	}
	shop.settle(t, exception.ID, `{"note":"the second one was given back"}`)
	if file := shop.file(t, id); file.Order.State != payments.StatePaid || file.Order.TransactionID != order.TransactionID || file.Exceptions[0].Resolution == "" {
		t.Errorf("%+v", file)
	}
	var stats payments.Stats
	if ask(t, "GET", shop.publicURL+"/api/operator/stats", "", &stats); stats.Exceptions != 0 || stats.Orders["paid"] != 1 {
		t.Errorf("%+v", stats)
	}
}

func TestTheOperatorFindsOrders(t *testing.T) {
	shop, _, _ := serveShop(t)
	older, newer := shop.mustOrder(t, "native").Order, shop.mustOrder(t, "jsapi").Order
	for query, want := range map[string][]string{
		"":              {newer.OrderNo, older.OrderNo},
		"?state=paying": {newer.OrderNo, older.OrderNo},
		"?state=paid":   {},
		"?before_ms=" + strconv.FormatInt(newer.CreatedAt.UnixMilli(), 10): {older.OrderNo},
	} {
		var found struct{ Orders []payments.Order }
		ask(t, "GET", shop.publicURL+"/api/operator/orders"+query, "", &found)
		var numbers []string
		for _, order := range found.Orders {
			numbers = append(numbers, order.OrderNo)
		}
		if len(numbers) != len(want) || len(want) > 0 && numbers[0] != want[0] {
			t.Errorf("%s: %v", query, numbers)
		}
	}
	for path, status := range map[string]int{
		"GET orders?before_ms=x": 400, "GET orders?state=lost": 400, "GET orders/nobody": 404,
		"POST exceptions/x/resolve": 400, "POST exceptions/7/resolve": 404, "POST dead-letters/x/redrive": 400,
	} {
		var answer view
		method, path, _ := strings.Cut(path, " ")
		if got, _ := ask(t, method, shop.publicURL+"/api/operator/"+path, `{"note":"x"}`, &answer); got != status || answer.Error == "" {
			t.Errorf("%s: %d %+v", path, got, answer)
		}
	}
}
