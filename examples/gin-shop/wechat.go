package main

import (
	"context"
	"fmt"

	"github.com/gin-gonic/gin"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/wechat/pay"
)

// A mini-program learns its buyer's openid when the buyer logs in; this shop has one buyer.
const demoOpenID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"

// native asks WeChat Pay for the order's QR code. mchid and appid come from the client's configuration.
func (s *shop) native(ctx context.Context, o order) (codeURL string, err error) {
	answer, err := pay.Native(ctx, s.wechat, &pay.NativeRequest{
		Description: productName,
		OutTradeNo:  o.ID,
		NotifyURL:   s.publicURL + "/notify/wechat",
		Amount:      pay.OrderAmount{Total: o.AmountFen, Currency: "CNY"},
	})
	if err != nil {
		return "", err
	}
	s.orders.setCodeURL(o.ID, answer.CodeURL)
	return s.wechat.NativePayment(answer.CodeURL)
}

// jsapi asks WeChat Pay for what wx.requestPayment needs.
func (s *shop) jsapi(ctx context.Context, o order) (*payseal.JSAPIPayment, error) {
	answer, err := pay.Jsapi(ctx, s.wechat, &pay.JsapiRequest{
		Description: productName,
		OutTradeNo:  o.ID,
		NotifyURL:   s.publicURL + "/notify/wechat",
		Amount:      pay.OrderAmount{Total: o.AmountFen, Currency: "CNY"},
		Payer:       pay.Payer{OpenID: demoOpenID},
	})
	if err != nil {
		return nil, err
	}
	return s.wechat.JSAPIPayment("", answer.PrepayID)
}

// notifiedByWeChat is called with verified events only. WeChat Pay repeats an event until this returns nil, so it must be idempotent.
func (s *shop) notifiedByWeChat(c *gin.Context, event *payseal.Event) error {
	if event.EventType != "TRANSACTION.SUCCESS" {
		return nil // a refund, say: acknowledged, this shop has no use for it
	}
	var transaction pay.Transaction
	if err := event.Decode(&transaction); err != nil {
		return err
	}
	if transaction.TradeState != "SUCCESS" || transaction.Amount == nil {
		return fmt.Errorf("order %s is %q in an event of success", transaction.OutTradeNo, transaction.TradeState)
	}
	return s.settle(c, transaction.OutTradeNo, transaction.TransactionID, transaction.SuccessTime, transaction.Amount.Total)
}
