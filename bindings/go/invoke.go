package payseal

/*
#include "payseal.h"
*/
import "C"

import (
	"encoding/json"
	"runtime"
)

// JSAPIPayment is what a mini-program hands to wx.requestPayment, and a page to WeixinJSBridge. Its JSON has the names they want.
type JSAPIPayment struct {
	// AppID is the app id the order was made for.
	AppID string `json:"appId"`
	// TimeStamp is when it was signed, Unix seconds.
	TimeStamp string `json:"timeStamp"`
	// NonceStr is random.
	NonceStr string `json:"nonceStr"`
	// Package is "prepay_id=…".
	Package string `json:"package"`
	// SignType is "RSA".
	SignType string `json:"signType"`
	// PaySign is the merchant's signature, base64.
	PaySign string `json:"paySign"`
}

// AppPayment is what an app hands to the WeChat SDK. Its JSON has the names the SDK wants.
type AppPayment struct {
	// AppID is the app id the order was made for.
	AppID string `json:"appid"`
	// PartnerID is the merchant id.
	PartnerID string `json:"partnerid"`
	// PrepayID names the order.
	PrepayID string `json:"prepayid"`
	// Package is "Sign=WXPay".
	Package string `json:"package"`
	// NonceStr is random.
	NonceStr string `json:"noncestr"`
	// Timestamp is when it was signed, Unix seconds.
	Timestamp string `json:"timestamp"`
	// Sign is the merchant's signature, base64.
	Sign string `json:"sign"`
}

// JSAPIPayment signs what the mini-program or page of an order needs. appID may be empty where the configuration has one.
func (c *Client) JSAPIPayment(appID, prepayID string) (*JSAPIPayment, error) {
	return invokeAs[JSAPIPayment](c, "jsapi", map[string]string{"appid": appID, "prepay_id": prepayID})
}

// AppPayment signs what the app of an order needs. appID may be empty where the configuration has one.
func (c *Client) AppPayment(appID, prepayID string) (*AppPayment, error) {
	return invokeAs[AppPayment](c, "app", map[string]string{"appid": appID, "prepay_id": prepayID})
}

// H5Payment returns the address of the cashier page that comes back to redirectURL, which may be empty.
func (c *Client) H5Payment(h5URL, redirectURL string) (string, error) {
	payment, err := invokeAs[struct {
		URL string `json:"h5_url"`
	}](c, "h5", map[string]string{"h5_url": h5URL, "redirect_url": redirectURL})
	if err != nil {
		return "", err
	}
	return payment.URL, nil
}

// NativePayment checks codeURL and returns the text to show as a QR code.
func (c *Client) NativePayment(codeURL string) (string, error) {
	payment, err := invokeAs[struct {
		URL string `json:"code_url"`
	}](c, "native", map[string]string{"code_url": codeURL})
	if err != nil {
		return "", err
	}
	return payment.URL, nil
}

// Invoker is what the typed functions that send nothing need of a client; a test may put its own in place of [*Client].
type Invoker interface {
	// Invoke makes client-side parameters; see [Client.Invoke].
	Invoke(kind string, params any) (json.RawMessage, error)
}

// InvokeParams are the params of [Client.Invoke] for the kinds that sign an operation: "url", "form", "order_string", "page".
type InvokeParams struct {
	// Operation is the provider's name for it.
	Operation string `json:"operation"`
	// Query are its query parameters, unescaped.
	Query map[string]string `json:"query,omitempty"`
	// Body is its body, as in [Params].
	Body any `json:"body,omitempty"`
}

// Invoke makes client-side parameters of any kind that the library knows, for example "jsapi", "app", "h5" or "native"; params become JSON, the
// result is a JSON object. The methods above are typed.
func (c *Client) Invoke(kind string, params any) (json.RawMessage, error) {
	encoded, err := marshal(params)
	if err != nil {
		return nil, err
	}
	kindData, kindLen := textOf(kind)
	paramsData, paramsLen := bytesOf(encoded)
	var out C.payseal_buffer
	var failure *C.payseal_error
	code := C.payseal_client_invoke(c.handle, kindData, kindLen, paramsData, paramsLen, &out, &failure)
	runtime.KeepAlive(c)
	if err := takeError(code, failure); err != nil {
		return nil, err
	}
	return take(&out), nil
}

func invokeAs[T any](c *Client, kind string, params map[string]string) (*T, error) {
	for name, value := range params {
		if value == "" {
			delete(params, name)
		}
	}
	encoded, err := c.Invoke(kind, params)
	if err != nil {
		return nil, err
	}
	payment := new(T)
	if err := json.Unmarshal(encoded, payment); err != nil {
		return nil, &Error{Code: ErrInternal, Outcome: OutcomeNotSent, Message: "the library's parameters cannot be read", cause: err}
	}
	return payment, nil
}
