package payseal_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/alipay/fund"
	"github.com/payseal/payseal/bindings/go/alipay/trade"
	"github.com/payseal/payseal/bindings/go/alipay/user"
)

// By key, with AES, by certificate.
var alipayConfigs = []string{"config-alipay.json", "config-alipay-aes.json", "config-alipay-certificate.json"}

func TestTheFamiliesOfAlipayThatTheSandboxPlaysAreTyped(t *testing.T) {
	for _, config := range alipayConfigs {
		t.Run(config, func(t *testing.T) {
			client := theSandbox(t).Client(t, config, nil)
			t.Run("a trade is paid, told, and refunded once", func(t *testing.T) { alipayTrade(t, client) })
			t.Run("a transfer is made once", func(t *testing.T) { alipayTransfer(t, client) })
			t.Run("an app's order is taken by the wallet", func(t *testing.T) { alipayAppOrder(t, client) })
			t.Run("frozen money is set free once", func(t *testing.T) { alipayFreeze(t, client) })
			t.Run("an agreement is signed, deducted under and ended", func(t *testing.T) { alipayAgreement(t, client) })
			t.Run("a buyer says who he is", func(t *testing.T) { alipayUser(t, client) })
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
	theSandbox(t).Control(t, "POST", "/sandbox/orders/"+number+"/pay", nil)
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
	opened := theSandbox(t).Control(t, "POST", "/sandbox/alipay/app/pay", map[string]string{"order_string": order})
	if !strings.Contains(string(opened), "cashier_url") {
		t.Fatalf("%s", opened)
	}
}

func alipayFreeze(t *testing.T, client *payseal.Client) {
	number := newOrderNumber()
	var buyer struct {
		AuthCode string `json:"auth_code"`
	}
	decode(t, theSandbox(t).Control(t, "POST", "/sandbox/buyer/codes", map[string]string{"provider": "alipay"}), &buyer)
	frozen, err := fund.Freeze(t.Context(), client, &fund.FreezeRequest{
		AuthCode: buyer.AuthCode, AuthCodeType: fund.AuthCodeTypeBarCode, OutOrderNo: number, OutRequestNo: number, OrderTitle: "一杯茶",
		Amount: "100.00", ProductCode: "PREAUTH_PAY",
	}, nil)
	if err != nil || frozen.Amount != "100.00" || frozen.Status != fund.FreezeResponseStatusSuccess {
		t.Fatalf("%+v %v", frozen, err)
	}
	release := &fund.UnfreezeRequest{AuthNo: frozen.AuthNo, OutRequestNo: number + "u", Amount: "20.00", Remark: "茶"}
	for range 2 {
		if released, err := fund.Unfreeze(t.Context(), client, release, nil); err != nil || released.Amount != "20.00" {
			t.Fatalf("%+v %v", released, err)
		}
	}
	found, err := fund.QueryOperation(t.Context(), client, &fund.QueryOperationRequest{AuthNo: frozen.AuthNo, OperationType: "FREEZE"}, nil)
	if err != nil || found.RestAmount != "80.00" {
		t.Fatalf("the same number is released once: %+v %v", found, err)
	}
}

func alipayAgreement(t *testing.T, client *payseal.Client) {
	number := newOrderNumber()
	address, err := user.SignAgreementURL(client, &user.SignAgreementRequest{
		PersonalProductCode: "CYCLE_PAY_AUTH_P", ProductCode: "GENERAL_WITHHOLDING", SignScene: "INDUSTRY|DEFAULT", ExternalAgreementNo: number,
		AccessParams:     user.AccessParams{Channel: user.ChannelQRCode},
		PeriodRuleParams: &user.PeriodRule{PeriodType: user.PeriodTypeMonth, Period: pointer[int64](1), ExecuteTime: "2026-12-01", SingleAmount: "30.00"},
	}, &user.SignAgreementOptions{ReturnURL: "http://127.0.0.1:9/signed"})
	if err != nil {
		t.Fatal(err)
	}
	page, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	page.Body.Close()
	signed, err := http.Post(page.Request.URL.String()+"/pay", "", nil)
	if err != nil || signed.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", signed, err)
	}
	signed.Body.Close()
	agreement, err := user.QueryAgreement(t.Context(), client, &user.QueryAgreementRequest{ExternalAgreementNo: number}, nil)
	if err != nil || agreement.Status != user.StatusNormal || agreement.AgreementNo == "" {
		t.Fatalf("%+v %v", agreement, err)
	}
	paid, err := trade.Pay(t.Context(), client, &trade.PayRequest{
		OutTradeNo: number, TotalAmount: "30.00", Subject: "一杯茶", ProductCode: "CYCLE_PAY_AUTH",
		AgreementParams: &trade.AgreementParams{AgreementNo: agreement.AgreementNo},
	}, nil)
	if err != nil || paid.TotalAmount != "30.00" {
		t.Fatalf("%+v %v", paid, err)
	}
	later := &user.ModifyExecutionPlanRequest{AgreementNo: agreement.AgreementNo, DeductTime: "2026-12-03"}
	if put, err := user.ModifyExecutionPlan(t.Context(), client, later, nil); err != nil || put.DeductTime != "2026-12-03" {
		t.Fatalf("%+v %v", put, err)
	}
	if err := user.UnsignAgreement(t.Context(), client, &user.UnsignAgreementRequest{AgreementNo: agreement.AgreementNo}, nil); err != nil {
		t.Fatal(err)
	}
}

func alipayUser(t *testing.T, client *payseal.Client) {
	var buyer struct {
		AuthCode string `json:"auth_code"`
	}
	decode(t, theSandbox(t).Control(t, "POST", "/sandbox/alipay/auth-codes", map[string]string{"scope": "auth_user"}), &buyer)
	token, err := user.OAuthToken(t.Context(), client, &user.OAuthTokenOptions{GrantType: user.GrantTypeAuthorizationCode, Code: buyer.AuthCode})
	if err != nil || token.ExpiresIn <= 0 {
		t.Fatalf("%+v %v", token, err)
	}
	who, err := user.InfoShare(t.Context(), client, &user.InfoShareOptions{AuthToken: token.AccessToken})
	if err != nil || who.UserID != token.UserID {
		t.Fatalf("%+v %v", who, err)
	}
}

func decode(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func TestEveryFaultOfAlipayHasItsCodeAndLeavesTheOutcomeOpen(t *testing.T) {
	s := theSandbox(t)
	for name, transport := range transports() {
		t.Run(name, func(t *testing.T) {
			client := s.Client(t, "config-alipay.json", nil, transport...)
			for fault, code := range map[string]payseal.Code{
				"reset_before":        payseal.ErrConnectionLost,
				"reset_after":         payseal.ErrConnectionLost,
				"html_500":            payseal.ErrProviderUnavailable,
				"html_502":            payseal.ErrProviderUnavailable,
				"system_error":        payseal.ErrProviderUnavailable,
				"rate_limit":          payseal.ErrProviderRateLimited,
				"redirect":            payseal.ErrResponseInvalid,
				"truncated_body":      payseal.ErrConnectionLost,
				"wrong_signature":     payseal.ErrSignatureInvalid,
				"signtest":            payseal.ErrSignatureInvalid,
				"unsigned":            payseal.ErrSignatureMissing,
				"duplicate_signature": payseal.ErrBodyInvalid,
			} {
				t.Run(fault, func(t *testing.T) {
					number := newOrderNumber()
					s.Fault(t, fault, number, map[string]any{"target": "alipay.trade.precreate"})
					request := &trade.PrecreateRequest{OutTradeNo: number, TotalAmount: "0.01", Subject: "一杯茶"}
					answer, err := trade.Precreate(t.Context(), client, request, nil)
					if answer != nil {
						t.Fatal("an answer was handed out")
					}
					failure(t, err, code, payseal.OutcomeUnknown)
				})
			}
		})
	}
}

func TestInGBKATradeOfAlipayIsOrderedPaidAndTold(t *testing.T) {
	gbk := func(config map[string]any) { config["charset"] = "GBK" }
	client := theSandbox(t).Client(t, "config-alipay.json", gbk)
	alipayTrade(t, client)
	request := &trade.PrecreateRequest{OutTradeNo: newOrderNumber(), TotalAmount: "0.01", Subject: "🧾"}
	_, err := trade.Precreate(t.Context(), client, request, nil)
	failure(t, err, payseal.ErrParamsInvalid, payseal.OutcomeNotSent)
}
