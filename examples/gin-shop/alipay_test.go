package main

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/payseal/payseal/bindings/go/alipay/trade"
)

func (s *shop) mustOrder(t *testing.T, method string) (order view) {
	t.Helper()
	if status, _ := ask(t, "POST", s.publicURL+"/api/orders", `{"method":"`+method+`"}`, &order); status != http.StatusCreated {
		t.Fatalf("%d %+v", status, order)
	}
	return order
}

func (s *shop) stateOf(t *testing.T, id string) string {
	t.Helper()
	var order view
	ask(t, "GET", s.publicURL+"/api/orders/"+id, "", &order)
	return order.State
}

// payAt lets the buyer of an order pay.
func payAt(t *testing.T, sandbox, id string) {
	t.Helper()
	if status, _ := ask(t, "POST", sandbox+"/sandbox/orders/"+id+"/pay", "", nil); status != http.StatusOK {
		t.Fatalf("the cashier answered %d", status)
	}
}

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
	shop, sandbox, _ := openShop(t)
	bought, unpaid := shop.mustOrder(t, "precreate"), shop.mustOrder(t, "precreate")
	payAt(t, sandbox, bought.ID)
	if answer := tellAgain(t, sandbox, bought.ID); answer != "success" {
		t.Fatal(answer)
	}
	var told []struct{ Body string }
	ask(t, "GET", sandbox+"/sandbox/exchanges?kind=notification&number="+bought.ID, "", &told)
	for _, form := range []string{strings.ReplaceAll(told[0].Body, bought.ID, unpaid.ID), "out_trade_no=" + unpaid.ID, ""} {
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
	if state := shop.stateOf(t, unpaid.ID); state != "paying" {
		t.Error(state)
	}
}

func TestAGenuineNotificationOfAnotherAmountPaysNothing(t *testing.T) {
	shop, sandbox, _ := openShop(t)
	order := shop.mustOrder(t, "page") // signed, and at Alipay only when the buyer comes
	_, err := trade.Precreate(t.Context(), shop.alipay, &trade.PrecreateRequest{OutTradeNo: order.ID, TotalAmount: "0.02", Subject: "tea"},
		&trade.PrecreateOptions{NotifyURL: shop.publicURL + "/notify/alipay"})
	if err != nil {
		t.Fatal(err)
	}
	payAt(t, sandbox, order.ID)
	if answer := tellAgain(t, sandbox, order.ID); answer != "fail" {
		t.Error(answer)
	}
	if state := shop.stateOf(t, order.ID); state != "paying" {
		t.Error(state)
	}
}

func TestABuyerWhoComesBackMakesTheShopAsk(t *testing.T) {
	shop, sandbox, _ := openShop(t)
	order := shop.mustOrder(t, "page")
	if order.PayURL == nil || order.CodeURL != nil {
		t.Fatalf("%+v", order)
	}
	cashier, err := http.Get(*order.PayURL)
	if err != nil {
		t.Fatal(err)
	}
	cashier.Body.Close()
	ask(t, "POST", sandbox+"/sandbox/faults", `{"fault":"reset_before","target":"notification","times":0}`, nil)
	payAt(t, sandbox, order.ID)
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
	for _, forged := range []string{strings.Replace(page.ReturnURL, "total_amount=0.01", "total_amount=0.02", 1), shop.publicURL + "/return/alipay?out_trade_no=" + order.ID} {
		if response := comeBack(forged); response.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", forged, response.StatusCode)
		}
	}
	if state := shop.stateOf(t, order.ID); state != "paying" {
		t.Error(state)
	}
	if response := comeBack(page.ReturnURL); response.StatusCode != http.StatusSeeOther || response.Header.Get("Location") != "/?order="+order.ID {
		t.Errorf("%d %v", response.StatusCode, response.Header)
	}
	if state := shop.stateOf(t, order.ID); state != "paid" {
		t.Error(state)
	}
}

func TestAnAmountInYuanIsExact(t *testing.T) {
	for written, amount := range map[string]int64{"0.01": 1, "0.10": 10, "88.88": 8888, "100000000.00": 10000000000} {
		if yuan(amount) != written {
			t.Errorf("%d fen are written %s", amount, yuan(amount))
		}
		if read, err := fen(written); err != nil || read != amount {
			t.Errorf("%s is read as %d fen, %v", written, read, err)
		}
	}
	if read, err := fen("88.8"); err != nil || read != 8880 {
		t.Errorf("%d %v", read, err)
	}
	for _, wrong := range []string{"", "one", "0.001"} {
		if read, err := fen(wrong); err == nil {
			t.Errorf("%q is read as %d fen", wrong, read)
		}
	}
}
