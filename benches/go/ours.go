package main

import (
	"errors"
	"log"
	"net/http"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/wechat/pay"
)

type ours struct {
	client, signing *payseal.Client
	notification    notification
}

func newOurs(f fixture) *ours {
	return &ours{
		client:       must(payseal.NewClientFromJSON(f.config)),
		signing:      must(payseal.NewClientFromJSON(f.config, payseal.WithHTTPClient(&http.Client{Transport: door{}}))),
		notification: f.notification,
	}
}

// newOursClient goes from the text of a configuration to a client that can sign and verify, and ends it.
func newOursClient(f fixture) {
	check(must(payseal.NewClientFromJSON(f.config)).Close())
}

func order() *pay.JsapiRequest {
	return &pay.JsapiRequest{
		AppID:       "wxd678efh567hg6787",
		MchID:       "1900007291",
		Description: "Image形象店-深圳腾大-QQ公仔",
		OutTradeNo:  "1217752501201407033233368018",
		NotifyURL:   "https://www.weixin.qq.com/wxpay/pay.php",
		Amount:      pay.OrderAmount{Total: 100, Currency: "CNY"},
		Payer:       pay.Payer{OpenID: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
	}
}

func (o *ours) signRequest() {
	if _, err := pay.Jsapi(background, o.signing, order()); !errors.Is(err, payseal.ErrProviderRejected) {
		log.Fatalf("the door let something through: %v", err)
	}
}

func (o *ours) openNotification() {
	event := must(o.client.OpenNotification(background, o.notification.request()))
	var transaction pay.Transaction
	check(event.Decode(&transaction))
	if transaction.TradeState != "SUCCESS" {
		log.Fatal("another transaction")
	}
}

func (o *ours) roundTrip() {
	if must(pay.Jsapi(background, o.client, order())).PrepayID == "" {
		log.Fatal("no prepay id")
	}
}
