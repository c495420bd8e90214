package main

import (
	"context"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/wechat/pay"
)

// prepayNative asks for the order's QR code. mchid and appid come from the client's configuration.
func (s *shop) prepayNative(ctx context.Context, o order) (codeURL string, err error) {
	answer, err := pay.Native(ctx, s.client, &pay.NativeRequest{
		Description: productName,
		OutTradeNo:  o.ID,
		NotifyURL:   s.notifyURL,
		Amount:      pay.OrderAmount{Total: o.AmountFen, Currency: "CNY"},
	})
	if err != nil {
		return "", err
	}
	s.orders.setCodeURL(o.ID, answer.CodeURL)
	return s.client.NativePayment(answer.CodeURL)
}

// prepayJSAPI asks for what wx.requestPayment needs.
func (s *shop) prepayJSAPI(ctx context.Context, o order) (*payseal.JSAPIPayment, error) {
	answer, err := pay.Jsapi(ctx, s.client, &pay.JsapiRequest{
		Description: productName,
		OutTradeNo:  o.ID,
		NotifyURL:   s.notifyURL,
		Amount:      pay.OrderAmount{Total: o.AmountFen, Currency: "CNY"},
		Payer:       pay.Payer{OpenID: demoOpenID},
	})
	if err != nil {
		return nil, err
	}
	return s.client.JSAPIPayment("", answer.PrepayID)
}
