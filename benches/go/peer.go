package main

import (
	"crypto/rsa"
	"crypto/x509"
	"log"
	"net/http"
	"net/url"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth/verifiers"
	"github.com/wechatpay-apiv3/wechatpay-go/core/notify"
	"github.com/wechatpay-apiv3/wechatpay-go/core/option"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments/jsapi"
)

type peer struct {
	orders, signing jsapi.JsapiApiService
	handler         *notify.Handler
	notification    notification
}

// newPeerClient goes from the same texts of keys to a client that can sign and verify.
func newPeerClient(f fixture) {
	keys := readKeys(f.settings)
	must(core.NewClient(background, keys.option(f.settings)))
	must(notify.NewRSANotifyHandler(f.settings.APIv3Key, verifiers.NewSHA256WithRSAPubkeyVerifier(keys.id, *keys.public)))
}

type keys struct {
	private *rsa.PrivateKey
	id      string
	public  *rsa.PublicKey
}

func (k keys) option(s settings) core.ClientOption {
	return option.WithWechatPayPublicKeyAuthCipher(s.MchID, s.Serial, k.private, k.id, k.public)
}

func readKeys(s settings) keys {
	k := keys{private: must(x509.ParsePKCS8PrivateKey(decodePEM(s.PrivateKey))).(*rsa.PrivateKey)}
	for id, text := range s.PlatformKeys {
		k.id, k.public = id, must(x509.ParsePKIXPublicKey(decodePEM(text))).(*rsa.PublicKey)
	}
	return k
}

func newPeer(f fixture) *peer {
	s := f.settings
	keys := readKeys(s)
	client := func(transport http.RoundTripper) *core.Client {
		return must(core.NewClient(background,
			keys.option(s),
			option.WithHTTPClient(&http.Client{Transport: transport})))
	}
	return &peer{
		orders:       jsapi.JsapiApiService{Client: client(detour{must(url.Parse(s.Hosts[0]))})},
		signing:      jsapi.JsapiApiService{Client: client(door{})},
		handler:      must(notify.NewRSANotifyHandler(s.APIv3Key, verifiers.NewSHA256WithRSAPubkeyVerifier(keys.id, *keys.public))),
		notification: f.notification,
	}
}

func (p *peer) order() jsapi.PrepayRequest {
	return jsapi.PrepayRequest{
		Appid:       core.String("wxd678efh567hg6787"),
		Mchid:       core.String("1900007291"),
		Description: core.String("Image形象店-深圳腾大-QQ公仔"),
		OutTradeNo:  core.String("1217752501201407033233368018"),
		NotifyUrl:   core.String("https://www.weixin.qq.com/wxpay/pay.php"),
		Amount:      &jsapi.Amount{Total: core.Int64(100), Currency: core.String("CNY")},
		Payer:       &jsapi.Payer{Openid: core.String("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o")},
	}
}

func (p *peer) signRequest() {
	_, _, err := p.signing.Prepay(background, p.order())
	if !core.IsAPIError(err, "") {
		log.Fatalf("the door let something through: %v", err)
	}
}

func (p *peer) openNotification() {
	var transaction payments.Transaction
	must(p.handler.ParseNotifyRequest(background, p.notification.request(), &transaction))
	if *transaction.TradeState != "SUCCESS" {
		log.Fatal("another transaction")
	}
}

func (p *peer) roundTrip() {
	answer, _, err := p.orders.Prepay(background, p.order())
	check(err)
	if *answer.PrepayId == "" {
		log.Fatal("no prepay id")
	}
}
