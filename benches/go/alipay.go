package main

import (
	"encoding/json"
	"log"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/smartwalle/alipay/v3"
)

// alipaySubject does what an app's backend does at Alipay: it signs an order for the app, and opens a notification.
type alipaySubject interface {
	sign()
	openNotification()
}

// alipayFixture is what benches/fixture.py wrote.
type alipayFixture struct {
	config       []byte
	settings     alipaySettings
	notification []byte
}

type alipaySettings struct {
	AppID           string `json:"app_id"`
	PrivateKey      string `json:"private_key"`
	AlipayPublicKey string `json:"alipay_public_key"`
}

func alipayLoad(folder string) alipayFixture {
	f := alipayFixture{config: must(os.ReadFile(filepath.Join(folder, "alipay.json")))}
	check(json.Unmarshal(f.config, &f.settings))
	f.notification = must(os.ReadFile(filepath.Join(folder, "alipay-notification.txt")))
	return f
}

func alipayReport(folder string) {
	f := alipayLoad(folder)
	ours, peer := newAlipayOurs(f), newAlipayPeer(f)
	report("alipay_sign", "orders/s", inTurns(ours.sign, peer.sign))
	report("alipay_notification", "notifications/s", inTurns(ours.openNotification, peer.openNotification))
}

type alipayOurs struct {
	client       *payseal.Client
	notification []byte
}

func newAlipayOurs(f alipayFixture) alipaySubject {
	return &alipayOurs{client: must(payseal.NewClientFromJSON(f.config)), notification: f.notification}
}

func (o *alipayOurs) sign() {
	must(o.client.Invoke("order_string", map[string]any{
		"operation": "alipay.trade.app.pay",
		"query":     map[string]string{"notify_url": "https://shop.example/notify"},
		"body": map[string]string{
			"out_trade_no": "1217752501201407033233368018", "total_amount": "88.88", "subject": "Image形象店-深圳腾大-QQ公仔",
			"product_code": "QUICK_MSECURITY_PAY",
		},
	}))
}

func (o *alipayOurs) openNotification() {
	event := must(o.client.OpenNotificationRaw(background, http.Header{}, o.notification))
	var trade struct {
		TradeStatus string `json:"trade_status"`
	}
	check(event.Decode(&trade))
	if trade.TradeStatus != "TRADE_SUCCESS" {
		log.Fatal("another trade")
	}
}

type alipayPeer struct {
	client       *alipay.Client
	notification []byte
}

func newAlipayPeer(f alipayFixture) alipaySubject {
	client := must(alipay.New(f.settings.AppID, f.settings.PrivateKey, true))
	check(client.LoadAliPayPublicKey(f.settings.AlipayPublicKey))
	return &alipayPeer{client: client, notification: f.notification}
}

func (p *alipayPeer) sign() {
	order := alipay.TradeAppPay{}
	order.NotifyURL = "https://shop.example/notify"
	order.OutTradeNo = "1217752501201407033233368018"
	order.TotalAmount = "88.88"
	order.Subject = "Image形象店-深圳腾大-QQ公仔"
	order.ProductCode = "QUICK_MSECURITY_PAY"
	must(p.client.TradeAppPay(order))
}

func (p *alipayPeer) openNotification() {
	form := must(url.ParseQuery(string(p.notification)))
	if must(p.client.DecodeNotification(form)).TradeStatus != alipay.TradeStatusSuccess {
		log.Fatal("another trade")
	}
}
