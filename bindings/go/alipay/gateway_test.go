package alipay_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/alipay/merchant"
	"github.com/payseal/payseal/bindings/go/alipay/trade"
	"github.com/payseal/payseal/bindings/go/alipay/user"
)

const appID = "2021000000000001"

// gateway is Alipay's, by the standard library's crypto: it checks what an app has signed, and answers with what it is given.
type gateway struct {
	t        *testing.T
	app      *rsa.PrivateKey
	alipay   *rsa.PrivateKey
	answer   map[string]any
	requests int
	fields   url.Values
	body     []byte
}

func newGateway(t *testing.T, answer map[string]any) *gateway {
	t.Helper()
	return &gateway{t: t, app: newKey(t), alipay: newKey(t), answer: answer}
}

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// encoded is a key as Alipay's key tool gives it: the bare base64 of its DER.
func encoded(t *testing.T, marshal func(any) ([]byte, error), key any) string {
	t.Helper()
	der, err := marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

func (g *gateway) client(change func(*payseal.ConfigAlipay)) *payseal.Client {
	g.t.Helper()
	config := payseal.ConfigAlipay{AppID: appID, PrivateKey: encoded(g.t, x509.MarshalPKCS8PrivateKey, g.app), AlipayPublicKey: encoded(g.t, x509.MarshalPKIXPublicKey, &g.alipay.PublicKey)}
	if change != nil {
		change(&config)
	}
	client, err := payseal.NewClientAlipay(config, payseal.WithHTTPClient(&http.Client{Transport: g}))
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { client.Close() })
	return client
}

// RoundTrip answers.
func (g *gateway) RoundTrip(r *http.Request) (*http.Response, error) {
	g.requests++
	g.body, _ = io.ReadAll(r.Body)
	form := ""
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form = string(g.body)
	}
	g.fields = g.check(r.URL.RawQuery, form)
	content, err := json.Marshal(g.answer)
	if err != nil {
		g.t.Error(err)
	}
	node := strings.ReplaceAll(g.fields.Get("method"), ".", "_") + "_response"
	answer := `{"` + node + `":` + string(content) + `,"sign":"` + g.sign(content) + `"}`
	header := http.Header{"Content-Type": {"text/html;charset=utf-8"}}
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
}

func (g *gateway) sign(message []byte) string {
	digest := sha256.Sum256(message)
	signature, err := rsa.SignPKCS1v15(rand.Reader, g.alipay, crypto.SHA256, digest[:])
	if err != nil {
		g.t.Error(err)
	}
	return base64.StdEncoding.EncodeToString(signature)
}

// check returns the fields of what the app has signed; a file is not among them.
func (g *gateway) check(parts ...string) url.Values {
	g.t.Helper()
	fields, err := url.ParseQuery(strings.Trim(strings.Join(parts, "&"), "&"))
	if err != nil {
		g.t.Fatal(err)
	}
	signature, err := base64.StdEncoding.DecodeString(fields.Get("sign"))
	fields.Del("sign")
	digest := sha256.Sum256([]byte(canonical(fields)))
	if !strings.Contains(fields.Get("method"), "file") {
		err = errors.Join(err, rsa.VerifyPKCS1v15(&g.app.PublicKey, crypto.SHA256, digest[:], signature))
	}
	if err != nil {
		g.t.Error(err)
	}
	return fields
}

func canonical(fields url.Values) string {
	var pairs []string
	for name := range fields {
		if value := fields.Get(name); value != "" {
			pairs = append(pairs, name+"="+value)
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func anOrder() *trade.PrecreateRequest {
	return &trade.PrecreateRequest{OutTradeNo: "T1", TotalAmount: "88.88", Subject: "一杯茶 & 🧸"}
}

func TestAnOrderIsSignedAndItsAnswerRead(t *testing.T) {
	gateway := newGateway(t, map[string]any{"code": "10000", "msg": "Success", "out_trade_no": "T1", "qr_code": "https://qr.alipay.com/bax"})
	client := gateway.client(func(config *payseal.ConfigAlipay) { config.NotifyURL = "https://shop.example/notify" })
	ordered, err := trade.Precreate(t.Context(), client, anOrder(), nil)
	if err != nil || *ordered != (trade.PrecreateResponse{OutTradeNo: "T1", QRCode: "https://qr.alipay.com/bax"}) {
		t.Fatalf("%+v %v", ordered, err)
	}
	if content := gateway.fields.Get("biz_content"); content != `{"out_trade_no":"T1","total_amount":"88.88","subject":"一杯茶 & 🧸"}` {
		t.Error(content)
	}
	if gateway.fields.Get("method") != "alipay.trade.precreate" || gateway.fields.Get("notify_url") != "https://shop.example/notify" || gateway.fields.Has("app_auth_token") {
		t.Error(gateway.fields)
	}
	options := &trade.PrecreateOptions{NotifyURL: "https://shop.example/other", AppAuthToken: "another's"}
	if _, err := trade.Precreate(t.Context(), client, anOrder(), options); err != nil {
		t.Fatal(err)
	}
	if gateway.fields.Get("notify_url") != "https://shop.example/other" || gateway.fields.Get("app_auth_token") != "another's" {
		t.Error(gateway.fields)
	}
}

func TestAnAmountThatIsNoneNeverLeaves(t *testing.T) {
	gateway := newGateway(t, nil)
	client := gateway.client(nil)
	for _, wrong := range []string{"0", "1.234", "1e2", "88,88", ""} {
		order := anOrder()
		order.TotalAmount = wrong
		_, err := trade.Precreate(t.Context(), client, order, nil)
		if refused := new(payseal.Error); !errors.As(err, &refused) || refused.Details.Field != "body.total_amount" {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if gateway.requests != 0 {
		t.Error(gateway.requests)
	}
}

func TestParametersThatAreNotInBizContentAndFilesHaveTheirPlace(t *testing.T) {
	gateway := newGateway(t, map[string]any{"access_token": "a", "expires_in": 3600, "user_id": "2088"})
	client := gateway.client(nil)
	token, err := user.OAuthToken(t.Context(), client, &user.OAuthTokenOptions{GrantType: user.GrantTypeAuthorizationCode, Code: "c"})
	if err != nil || token.AccessToken != "a" || token.ExpiresIn != 3600 {
		t.Fatalf("%+v %v", token, err)
	}
	if gateway.fields.Get("code") != "c" || gateway.fields.Has("biz_content") {
		t.Error(gateway.fields)
	}
	gateway.answer = map[string]any{"code": "10000", "msg": "Success", "material_id": "M1"}
	uploaded, err := merchant.UploadFile(t.Context(), client, "tea.png", []byte("\x89PNG"), &merchant.UploadFileOptions{Scene: "SYNC_ORDER"})
	if err != nil || uploaded.MaterialID != "M1" || !bytes.Contains(gateway.body, []byte(`name="file_content"; filename="tea.png"`)) {
		t.Fatalf("%+v %v %q", uploaded, err, gateway.body)
	}
}

func TestPagesAndOrderStringsAreSignedAndNothingIsSent(t *testing.T) {
	gateway := newGateway(t, nil)
	client := gateway.client(nil)
	page := &trade.PagePayRequest{OutTradeNo: "T1", TotalAmount: "1", Subject: "茶", ProductCode: "FAST_INSTANT_TRADE_PAY"}
	address, err := trade.PagePayURL(client, page, &trade.PagePayOptions{ReturnURL: "https://shop.example/back"})
	if err != nil {
		t.Fatal(err)
	}
	_, query, _ := strings.Cut(address, "?")
	if fields := gateway.check(query); fields.Get("method") != "alipay.trade.page.pay" || fields.Get("return_url") != "https://shop.example/back" {
		t.Error(fields)
	}
	if form, err := trade.PagePayForm(client, page, nil); err != nil || !strings.HasPrefix(form, "<form") {
		t.Error(form, err)
	}
	order, err := trade.AppPayOrderString(client, &trade.AppPayRequest{OutTradeNo: "T1", TotalAmount: "1", Subject: "茶"}, nil)
	if err != nil || gateway.check(order).Get("method") != "alipay.trade.app.pay" || gateway.requests != 0 {
		t.Error(order, err, gateway.requests)
	}
}
