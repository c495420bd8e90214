package main

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/payseal/payseal/bindings/go/alipay/trade"
	"github.com/payseal/payseal/bindings/go/payments"
)

// tellAgain lets the provider tell of an order once more, and returns what the shop answers.
func tellAgain(t *testing.T, sandbox, id string) string {
	t.Helper()
	var told []struct{ ID string }
	if ask(t, "GET", sandbox+"/sandbox/notifications?out_trade_no="+id, "", &told); len(told) == 0 {
		t.Fatal("nothing is told of the order")
	}
	var delivery struct{ Attempts []struct{ Answer string } }
	ask(t, "POST", sandbox+"/sandbox/notifications/"+told[0].ID+"/resend", "", &delivery)
	return delivery.Attempts[len(delivery.Attempts)-1].Answer
}

func TestANotificationOfAlipayWhoseOrderWasChangedPaysNothing(t *testing.T) {
	shop, sandbox, _ := serveShop(t)
	bought, unpaid := shop.mustOrder(t, "precreate").Order.OrderNo, shop.mustOrder(t, "precreate").Order.OrderNo
	payAt(t, sandbox, bought)
	if answer := tellAgain(t, sandbox, bought); answer != "success" {
		t.Fatal(answer)
	}
	var told []struct{ Body string }
	ask(t, "GET", sandbox+"/sandbox/exchanges?kind=notification&number="+bought, "", &told)
	for _, form := range []string{strings.ReplaceAll(told[0].Body, bought, unpaid), "out_trade_no=" + unpaid, ""} {
		response, err := http.Post(shop.publicURL+"/notify/alipay", "application/x-www-form-urlencoded; charset=utf-8", strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if !bytes.Equal(answer, []byte("fail")) {
			t.Errorf("%.80s: %s", form, answer)
		}
	}
	if state := shop.stateOf(t, unpaid); state != payments.StatePaying {
		t.Error(state)
	}
}

func TestAGenuineNotificationOfAnotherAmountIsForAPersonToResolve(t *testing.T) {
	shop, sandbox, log := serveShop(t)
	id := shop.mustOrder(t, "page").Order.OrderNo // signed, and at Alipay only when the buyer comes
	_, err := trade.Precreate(t.Context(), shop.alipay, &trade.PrecreateRequest{OutTradeNo: id, TotalAmount: "0.02", Subject: "tea"},
		&trade.PrecreateOptions{NotifyURL: shop.publicURL + "/notify/alipay"})
	if err != nil {
		t.Fatal(err)
	}
	payAt(t, sandbox, id)
	shop.until(t, id, payments.StateException)
	if strings.Contains(log.String(), `"msg":"order paid"`) || !strings.Contains(log.String(), `"exception":"amount_mismatch"`) {
		t.Error(log.String())
	}
	exception := shop.openExceptions(t)[0]
	if exception.OrderNo != id || exception.Kind != payments.AmountMismatch {
		t.Fatalf("%+v", exception)
	}
	shop.settle(t, exception.ID, `{"note":"given back by hand","state":"closed"}`)
	if state := shop.stateOf(t, id); state != payments.StateClosed {
		t.Error(state)
	}
}

func TestABuyerWhoComesBackMakesTheShopAsk(t *testing.T) {
	shop, sandbox, _ := serveShop(t)
	order := shop.mustOrder(t, "page")
	id := order.Order.OrderNo
	if order.Client.Kind != payments.ClientRedirect {
		t.Fatalf("%+v", order)
	}
	cashier, err := http.Get(order.Client.URL)
	if err != nil {
		t.Fatal(err)
	}
	cashier.Body.Close()
	ask(t, "POST", sandbox+"/sandbox/faults", `{"fault":"reset_before","target":"notification","times":0}`, nil)
	payAt(t, sandbox, id)
	var page struct {
		ReturnURL string `json:"return_url"`
	}
	ask(t, "GET", cashier.Request.URL.String()+"/state", "", &page)

	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	comeBack := func(address string) *http.Response {
		response, err := stay.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response
	}
	for _, forged := range []string{strings.Replace(page.ReturnURL, "total_amount=0.01", "total_amount=0.02", 1), shop.publicURL + "/return/alipay?out_trade_no=" + id} {
		if response := comeBack(forged); response.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", forged, response.StatusCode)
		}
	}
	if state := shop.stateOf(t, id); state != payments.StatePaying {
		t.Error(state)
	}
	if response := comeBack(page.ReturnURL); response.StatusCode != http.StatusSeeOther || response.Header.Get("Location") != "/?order="+id {
		t.Errorf("%d %v", response.StatusCode, response.Header)
	}
	if state := shop.stateOf(t, id); state != payments.StatePaid {
		t.Error(state)
	}
	history := shop.file(t, id).History
	if last := history[len(history)-1]; last.Source != payments.SourceQuery {
		t.Errorf("%+v", history)
	}
}
