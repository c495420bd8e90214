package payseal_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/wechat/certificates"
	"github.com/payseal/payseal/bindings/go/wechat/pay"
	"github.com/payseal/payseal/bindings/go/wechat/refund"
)

func TestTypedOperationsGoAllTheWay(t *testing.T) {
	s := theSandbox(t)
	client := s.Client(t, "config.json", nil)
	ctx := t.Context()

	number := newOrderNumber()
	ordered, err := pay.Native(ctx, client, &pay.NativeRequest{
		Description: "一杯茶", OutTradeNo: number, NotifyURL: someNotifyURL, Amount: pay.OrderAmount{Total: 100},
		Detail: &pay.OrderDetail{GoodsDetail: []pay.GoodsDetail{{MerchantGoodsID: "tea-1", Quantity: 1, UnitPrice: 100}}},
	})
	if err != nil || !strings.HasPrefix(ordered.CodeURL, "http") {
		t.Fatalf("%+v %v", ordered, err)
	}
	s.Control(t, "POST", "/sandbox/orders/"+number+"/pay", nil)
	paid, err := pay.QueryByOutTradeNo(ctx, client, number)
	if err != nil || paid.TradeState != pay.TradeStateSuccess || paid.Amount.Total != 100 {
		t.Fatalf("%+v %v", paid, err)
	}
	again, err := pay.QueryByTransactionID(ctx, client, paid.TransactionID)
	if err != nil || again.OutTradeNo != number {
		t.Fatalf("%+v %v", again, err)
	}

	made, err := refund.Create(ctx, client, &refund.CreateRequest{
		OutTradeNo: number, OutRefundNo: "R" + number, Amount: refund.CreateAmount{Refund: 40, Total: 100, Currency: refund.CurrencyCNY},
	})
	if err != nil || made.Amount.Refund != 40 {
		t.Fatalf("%+v %v", made, err)
	}
	if same, err := refund.Query(ctx, client, "R"+number, nil); err != nil || same.RefundID != made.RefundID {
		t.Fatalf("%+v %v", same, err)
	}
	if err := pay.Close(ctx, client, number); !errors.Is(err, payseal.OutcomeRejected) {
		t.Fatalf("a paid order was closed: %v", err)
	}
	if _, err := certificates.Download(ctx, client, &certificates.DownloadOptions{AlgorithmType: certificates.AlgorithmTypeRSA}); err != nil {
		t.Fatal(err)
	}
}

func TestEveryWayToOrderIsTyped(t *testing.T) {
	client := theSandbox(t).Client(t, "config.json", nil)
	ctx := t.Context()
	amount := pay.OrderAmount{Total: 1, Currency: pay.CurrencyCNY}
	jsapi, err := pay.Jsapi(ctx, client, &pay.JsapiRequest{
		Description: "茶", OutTradeNo: newOrderNumber(), NotifyURL: someNotifyURL, Amount: amount, LimitPay: []string{pay.LimitPayNoCredit},
		Payer: pay.Payer{OpenID: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", Identity: &pay.PayerIdentity{
			Type: pay.PayerIdentityTypeIdcard, Number: "11010519491231002X", Name: "张三",
		}},
	})
	if err != nil || jsapi.PrepayID == "" {
		t.Fatalf("%+v %v", jsapi, err)
	}
	app, err := pay.App(ctx, client, &pay.AppRequest{Description: "茶", OutTradeNo: newOrderNumber(), NotifyURL: someNotifyURL, Amount: amount})
	if err != nil || app.PrepayID == "" {
		t.Fatalf("%+v %v", app, err)
	}
	h5, err := pay.H5(ctx, client, &pay.H5Request{
		Description: "茶", OutTradeNo: newOrderNumber(), NotifyURL: someNotifyURL, Amount: amount,
		SceneInfo: pay.H5SceneInfo{PayerClientIP: "127.0.0.1", H5Info: pay.H5Info{Type: "Wap"}},
	})
	if err != nil || h5.H5URL == "" {
		t.Fatalf("%+v %v", h5, err)
	}
	if err := pay.Close(ctx, client, "short"); !errors.Is(err, payseal.ErrParamsInvalid) {
		t.Fatalf("%v", err)
	}
}

func TestWhatIsSentEncryptedIsNotPrinted(t *testing.T) {
	payer := pay.Payer{OpenID: "o", Identity: &pay.PayerIdentity{Type: "IDCARD", Number: "11010519491231002X", Name: "张三"}}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, value := range []any{*payer.Identity, payer.Identity} {
			if text := fmt.Sprintf(format, value); strings.Contains(text, "1101") || strings.Contains(text, "张三") {
				t.Errorf("%s: %s", format, text)
			}
		}
	}
	encoded, err := json.Marshal(payer)
	if err != nil || !strings.Contains(string(encoded), `"name":"张三"`) {
		t.Errorf("%s %v", encoded, err)
	}
}
