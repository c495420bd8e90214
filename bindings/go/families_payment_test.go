package payseal_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/payseal/payseal/bindings/go/wechat/bill"
	"github.com/payseal/payseal/bindings/go/wechat/certificates"
	"github.com/payseal/payseal/bindings/go/wechat/combine"
	"github.com/payseal/payseal/bindings/go/wechat/files"
	"github.com/payseal/payseal/bindings/go/wechat/partnerpay"
	"github.com/payseal/payseal/bindings/go/wechat/pay"
	"github.com/payseal/payseal/bindings/go/wechat/refund"
	"github.com/payseal/payseal/bindings/go/wechat/security"
)

// paid is the number of an order of 100 fen that has been paid.
func (m *merchant) paid(t *testing.T) string {
	t.Helper()
	number := newOrderNumber()
	must(pay.Native(t.Context(), m, &pay.NativeRequest{
		Description: "茶", OutTradeNo: number, NotifyURL: someNotifyURL, Amount: pay.OrderAmount{Total: 100},
	}))(t)
	m.sandbox.Control(t, "POST", "/sandbox/orders/"+number+"/pay", map[string]any{})
	return number
}

// today is the day in Beijing.
func today() string {
	return time.Now().In(time.FixedZone("CST", 8*60*60)).Format(time.DateOnly)
}

func usePay(t *testing.T, m *merchant) {
	ctx, number := t.Context(), newOrderNumber()
	ordered := must(pay.Jsapi(ctx, m, &pay.JsapiRequest{
		Description: "茶", OutTradeNo: number, NotifyURL: someNotifyURL,
		Amount: pay.OrderAmount{Total: 100, Currency: pay.CurrencyCNY}, Payer: pay.Payer{OpenID: someOpenID},
	}))(t)
	if ordered.PrepayID == "" {
		t.Error("no prepay_id")
	}
	equal(t, "trade_state", must(pay.QueryByOutTradeNo(ctx, m, number))(t).TradeState, pay.TradeStateNotpay)
	m.sandbox.Control(t, "POST", "/sandbox/orders/"+number+"/pay", map[string]any{})
	found := must(pay.QueryByOutTradeNo(ctx, m, number))(t)
	equal(t, "trade_state", found.TradeState, pay.TradeStateSuccess)
	equal(t, "mchid", found.MchID, m.id)
	equal(t, "amount.total", found.Amount.Total, 100)
	equal(t, "payer.openid", found.Payer.OpenID, someOpenID)
	equal(t, "out_trade_no", must(pay.QueryByTransactionID(ctx, m, found.TransactionID))(t).OutTradeNo, number)
}

func usePartnerpay(t *testing.T, m *merchant) {
	ctx, number := t.Context(), newOrderNumber()
	ordered := must(partnerpay.Native(ctx, m, &partnerpay.NativeRequest{
		SubMchID: someSubMerchant, Description: "茶", OutTradeNo: number, NotifyURL: someNotifyURL,
		Amount: partnerpay.OrderAmount{Total: 100, Currency: "CNY"},
	}))(t)
	if !strings.HasPrefix(ordered.CodeURL, "http") {
		t.Errorf("code_url is %q", ordered.CodeURL)
	}
	found := must(partnerpay.QueryByOutTradeNo(ctx, m, number, &partnerpay.QueryByOutTradeNoOptions{SubMchID: someSubMerchant}))(t)
	equal(t, "trade_state", found.TradeState, partnerpay.TradeStateNotpay)
	equal(t, "sp_mchid", found.SpMchID, m.id)
	equal(t, "sub_mchid", found.SubMchID, someSubMerchant)
	if err := partnerpay.Close(ctx, m, number, &partnerpay.CloseRequest{SubMchID: someSubMerchant}); err != nil {
		t.Error(err)
	}
}

func useCombine(t *testing.T, m *merchant) {
	ctx, number := t.Context(), newOrderNumber()
	part := func(number string, fen int64) combine.SubOrder {
		return combine.SubOrder{
			MchID: m.id, SubMchID: someSubMerchant, OutTradeNo: number, Attach: "tea", Description: "茶",
			Amount: combine.Amount{TotalAmount: fen, Currency: "CNY"},
		}
	}
	ordered := must(combine.Native(ctx, m, &combine.NativeRequest{
		CombineOutTradeNo: number, NotifyURL: someNotifyURL, SubOrders: []combine.SubOrder{part(number+"p", 60), part(number+"q", 40)},
	}))(t)
	if !strings.HasPrefix(ordered.CodeURL, "http") {
		t.Errorf("code_url is %q", ordered.CodeURL)
	}
	found := must(combine.QueryByOutTradeNo(ctx, m, number))(t)
	if len(found.SubOrders) != 2 {
		t.Fatalf("%+v", found)
	}
	equal(t, "sub_orders[1].out_trade_no", found.SubOrders[1].OutTradeNo, number+"q")
	equal(t, "sub_orders[1].amount.total_amount", found.SubOrders[1].Amount.TotalAmount, 40)
}

func useRefund(t *testing.T, m *merchant) {
	ctx, number := t.Context(), m.paid(t)
	begun := must(refund.Create(ctx, m, &refund.CreateRequest{
		OutTradeNo: number, OutRefundNo: "r" + number, Reason: "冷了", Amount: refund.CreateAmount{Refund: 60, Total: 100, Currency: refund.CurrencyCNY},
	}))(t)
	equal(t, "status", begun.Status, refund.StatusProcessing)
	found := must(refund.Query(ctx, m, "r"+number, nil))(t)
	equal(t, "refund_id", found.RefundID, begun.RefundID)
	equal(t, "out_trade_no", found.OutTradeNo, number)
	equal(t, "amount.refund", found.Amount.Refund, 60)
	equal(t, "amount.payer_refund", found.Amount.PayerRefund, 60)
}

func useBill(t *testing.T, m *merchant) {
	m.paid(t)
	found := must(bill.TradeBill(t.Context(), m, &bill.TradeBillOptions{BillDate: today(), BillType: bill.BillTypeAll}))(t)
	equal(t, "hash_type", found.HashType, "SHA1")
	equal(t, "length of hash_value", len(found.HashValue), 40)
	if !strings.HasPrefix(found.DownloadURL, m.sandbox.Address) {
		t.Errorf("download_url is %q", found.DownloadURL)
	}
}

func useFiles(t *testing.T, m *merchant) {
	ctx, number := t.Context(), m.paid(t)
	download := must(m.Download(ctx, files.TradeBill(today(), "ALL")))(t)
	defer download.Close()
	if csv := must(io.ReadAll(download))(t); !bytes.Contains(csv, []byte(number)) {
		t.Errorf("%s is not in the bill", number)
	}
	if media := must(files.UploadComplaintImage(ctx, m, "tea.png", strings.NewReader("a picture of tea")))(t); media == "" {
		t.Error("no media_id")
	}
}

func useCertificates(t *testing.T, m *merchant) {
	algorithm := certificates.AlgorithmTypeAll
	found := must(certificates.Download(t.Context(), m, &certificates.DownloadOptions{AlgorithmType: algorithm}))(t)
	if len(found.Data) == 0 {
		t.Fatal("no certificates")
	}
	first := found.Data[0]
	must(time.Parse(time.RFC3339, first.ExpireTime))(t)
	if first.SerialNo == "" || first.EncryptCertificate == nil || first.EncryptCertificate.Ciphertext == "" {
		t.Errorf("%+v", first)
	}
}

func useSecurity(t *testing.T, m *merchant) {
	request := &security.EchoRequest{EchoMessage: "一杯茶", EncryptedEchoMessage: "两杯茶"}
	answer := must(security.Echo(t.Context(), m, request))(t)
	equal(t, "echo_message", answer.EchoMessage, "一杯茶")
	equal(t, "encrypted_echo_message", answer.EncryptedEchoMessage, "两杯茶")
	places := map[string]string{"encrypted_echo_message": "两杯茶"}
	m.requestSealed(t, "POST /v3/security/echo", places)
	m.answerSealed(t, "POST /v3/security/echo", places)
}
