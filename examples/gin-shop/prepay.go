package main

import (
	"context"

	payseal "github.com/payseal/payseal/bindings/go"
)

// prepayNative asks for the order's QR code. mchid and appid come from the client's configuration.
func (s *shop) prepayNative(ctx context.Context, o order) (codeURL string, err error) {
	result, err := s.client.Execute(ctx, "POST /v3/pay/transactions/native", payseal.Params{Body: s.body(o)})
	if err != nil {
		return "", err
	}
	var answer struct {
		CodeURL string `json:"code_url"`
	}
	if err := result.Decode(&answer); err != nil {
		return "", err
	}
	s.orders.setCodeURL(o.ID, answer.CodeURL)
	return s.client.NativePayment(answer.CodeURL)
}

// prepayJSAPI asks for what wx.requestPayment needs.
func (s *shop) prepayJSAPI(ctx context.Context, o order) (*payseal.JSAPIPayment, error) {
	body := s.body(o)
	body["payer"] = map[string]string{"openid": demoOpenID}
	result, err := s.client.Execute(ctx, "POST /v3/pay/transactions/jsapi", payseal.Params{Body: body})
	if err != nil {
		return nil, err
	}
	var answer struct {
		PrepayID string `json:"prepay_id"`
	}
	if err := result.Decode(&answer); err != nil {
		return nil, err
	}
	return s.client.JSAPIPayment("", answer.PrepayID)
}

func (s *shop) body(o order) map[string]any {
	return map[string]any{
		"description":  productName,
		"out_trade_no": o.ID,
		"notify_url":   s.notifyURL,
		"amount":       map[string]any{"total": o.AmountFen, "currency": "CNY"},
	}
}
