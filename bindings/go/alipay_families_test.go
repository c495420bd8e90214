package payseal_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/alipay/fund"
	"github.com/payseal/payseal/bindings/go/alipay/trade"
)

// By key, with AES, by certificate.
var alipayConfigs = []string{"config-alipay.json", "config-alipay-aes.json", "config-alipay-certificate.json"}

func TestTheFamiliesOfAlipayThatTheSandboxPlaysAreTyped(t *testing.T) {
	for _, config := range alipayConfigs {
		t.Run(config, func(t *testing.T) {
			client := theSandbox(t).client(t, config, nil)
			t.Run("a trade is paid, told, and refunded once", func(t *testing.T) { alipayTrade(t, client) })
			t.Run("a transfer is made once", func(t *testing.T) { alipayTransfer(t, client) })
			t.Run("an app's order is taken by the wallet", func(t *testing.T) { alipayAppOrder(t, client) })
		})
	}
}

func alipayTrade(t *testing.T, client *payseal.Client) {
	number := newOrderNumber()
	told := make(chan trade.TradeNotification, 8)
	shop := httptest.NewServer(client.NotificationHandler(func(_ context.Context, event *payseal.Event) error {
		var notification trade.TradeNotification
		if err := event.Decode(&notification); err != nil {
			return err
		}
		told <- notification
		return nil
	}))
	defer shop.Close()

	request := &trade.PrecreateRequest{OutTradeNo: number, TotalAmount: "88.88", Subject: "一杯茶"}
	code, err := trade.Precreate(t.Context(), client, request, &trade.PrecreateOptions{NotifyURL: shop.URL})
	if err != nil || code.OutTradeNo != number || !strings.HasPrefix(code.QRCode, "http") {
		t.Fatalf("%+v %v", code, err)
	}
	theSandbox(t).control(t, "POST", "/sandbox/orders/"+number+"/pay", nil)
	if paid := <-told; paid.OutTradeNo != number || paid.TotalAmount != "88.88" || paid.TradeStatus != trade.TradeStatusTradeSuccess {
		t.Fatalf("%+v", paid)
	}
	found, err := trade.Query(t.Context(), client, &trade.QueryRequest{OutTradeNo: number}, nil)
	if err != nil || found.TradeStatus != trade.TradeStatusTradeSuccess || found.TotalAmount != "88.88" {
		t.Fatalf("%+v %v", found, err)
	}

	refund := &trade.RefundRequest{OutTradeNo: number, RefundAmount: "8.88", OutRequestNo: number + "r"}
	for _, change := range []string{trade.FundChangeY, trade.FundChangeN} {
		refunded, err := trade.Refund(t.Context(), client, refund, nil)
		if err != nil || refunded.FundChange != change || refunded.RefundFee != "8.88" {
			t.Fatalf("%+v %v", refunded, err)
		}
	}
	state, err := trade.QueryRefund(t.Context(), client, &trade.QueryRefundRequest{OutTradeNo: number, OutRequestNo: number + "r"}, nil)
	if err != nil || state.RefundStatus != trade.RefundStatusRefundSuccess || state.RefundAmount != "8.88" {
		t.Fatalf("%+v %v", state, err)
	}
	_, err = trade.Query(t.Context(), client, &trade.QueryRequest{OutTradeNo: number + "x"}, nil)
	if !errors.Is(err, payseal.OutcomeRejected) {
		t.Fatal(err)
	}
}

func alipayTransfer(t *testing.T, client *payseal.Client) {
	number := newOrderNumber()
	request := &fund.TransferRequest{
		OutBizNo: number, TransAmount: "1.00", ProductCode: "TRANS_ACCOUNT_NO_PWD", BizScene: "DIRECT_TRANSFER", OrderTitle: "一杯茶",
		PayeeInfo: fund.Participant{IdentityType: "ALIPAY_USER_ID", Identity: "2088102146225135"},
	}
	made, err := fund.Transfer(t.Context(), client, request, nil)
	if err != nil || made.Status != fund.TransferResponseStatusSuccess {
		t.Fatalf("%+v %v", made, err)
	}
	again, err := fund.Transfer(t.Context(), client, request, nil)
	if err != nil || *again != *made {
		t.Fatalf("the same number is one transfer: %+v %v", again, err)
	}
	wanted := &fund.QueryTransferRequest{OutBizNo: number, ProductCode: request.ProductCode, BizScene: request.BizScene}
	found, err := fund.QueryTransfer(t.Context(), client, wanted, nil)
	if err != nil || found.TransAmount != "1.00" || found.OrderID != made.OrderID {
		t.Fatalf("%+v %v", found, err)
	}
}

func alipayAppOrder(t *testing.T, client *payseal.Client) {
	order, err := trade.AppPayOrderString(client, &trade.AppPayRequest{OutTradeNo: newOrderNumber(), TotalAmount: "88.88", Subject: "一杯茶"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	opened := theSandbox(t).control(t, "POST", "/sandbox/alipay/app/pay", map[string]string{"order_string": order})
	if !strings.Contains(string(opened), "cashier_url") {
		t.Fatalf("%s", opened)
	}
}
