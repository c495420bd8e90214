package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/payseal/payseal/bindings/go/payments"
)

const (
	sold      = 2_000
	customers = 32
	keyID     = "PUB_KEY_ID_0119000072912024111300111600002187"
)

// endToEnd is how many orders a second a shop takes from the order to paid: placed at the provider, told by a callback over HTTP, worked off, and stored
// durably at each step. The callbacks are signed beforehand, the provider answers on this machine and costs next to nothing.
func endToEnd(folder, host string) {
	database := must(os.MkdirTemp("", "payseal-bench"))
	defer os.RemoveAll(database)
	p := open(folder, "sqlite:"+filepath.Join(database, "pay.db"))
	defer p.Close()
	shop := httptest.NewServer(payments.Handler(p, ""))
	defer shop.Close()

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	paid, all := &atomic.Int64{}, make(chan struct{})
	runner := &payments.Runner{Payments: p, Handle: func(context.Context, *payments.Event) error {
		if paid.Add(1) == sold {
			close(all)
		}
		return nil
	}}
	go func() { _ = runner.Run(ctx) }()

	callbacks := make([]*http.Request, sold)
	till := newTill(folder)
	for number := range callbacks {
		callbacks[number] = till.callback(shop.URL, orderNo(number))
	}
	browser := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: customers}}
	var next atomic.Int64
	start := time.Now()
	concurrently(customers, func() {
		for {
			number := int(next.Add(1)) - 1
			if number >= sold {
				return
			}
			must(p.Create(ctx, &payments.PayRequest{
				OrderNo: orderNo(number), Method: payments.MethodJSAPI, Amount: 100, Subject: "tea",
				NotifyURL: "https://shop.example.com/notify", Payer: payments.Payer{ID: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
				Extra: map[string]any{"appid": "wxd678efh567hg6787"},
			}))
			answer := must(browser.Do(callbacks[number]))
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				log.Fatalf("the shop answers a callback with %s", answer.Status)
			}
		}
	})
	<-all
	report("end_to_end", "orders/s", sold/time.Since(start).Seconds(), 0)
}

func orderNo(number int) string { return fmt.Sprintf("bench%08d", number) }

// till is the provider's side of a callback.
type till struct {
	settings struct {
		MchID    string `json:"mchid"`
		APIv3Key string `json:"apiv3_key"`
	}
	key *rsa.PrivateKey
}

func newTill(folder string) *till {
	t := &till{}
	check(json.Unmarshal(must(os.ReadFile(filepath.Join(folder, "config.json"))), &t.settings))
	block, _ := pem.Decode(must(os.ReadFile(filepath.Join(folder, "platform.pem"))))
	t.key = must(x509.ParsePKCS8PrivateKey(block.Bytes)).(*rsa.PrivateKey)
	return t
}

func (t *till) callback(address, orderNo string) *http.Request {
	said := must(json.Marshal(map[string]any{
		"mchid": t.settings.MchID, "appid": "wxd678efh567hg6787", "out_trade_no": orderNo, "transaction_id": "4200" + orderNo,
		"trade_type": "JSAPI", "trade_state": "SUCCESS", "success_time": "2024-11-13T10:34:56+08:00",
		"amount": map[string]any{"total": 100, "payer_total": 100, "currency": "CNY", "payer_currency": "CNY"},
	}))
	aead := must(cipher.NewGCM(must(aes.NewCipher([]byte(t.settings.APIv3Key)))))
	nonce := "uluk4a9R25RW"
	body := must(json.Marshal(map[string]any{
		"id": "EV-" + orderNo, "create_time": "2024-11-13T10:34:56+08:00", "resource_type": "encrypt-resource",
		"event_type": "TRANSACTION.SUCCESS", "summary": "支付成功",
		"resource": map[string]any{
			"original_type": "transaction", "algorithm": "AEAD_AES_256_GCM", "associated_data": "transaction", "nonce": nonce,
			"ciphertext": base64.StdEncoding.EncodeToString(aead.Seal(nil, []byte(nonce), said, []byte("transaction"))),
		},
	}))
	timestamp := fmt.Sprint(time.Now().Unix())
	digest := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n", timestamp, nonce, body))
	signature := must(rsa.SignPKCS1v15(nil, t.key, crypto.SHA256, digest[:]))
	request := must(http.NewRequest(http.MethodPost, address, bytes.NewReader(body)))
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Wechatpay-Timestamp": timestamp, "Wechatpay-Nonce": nonce, "Wechatpay-Serial": keyID,
		"Wechatpay-Signature": base64.StdEncoding.EncodeToString(signature), "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
	} {
		request.Header.Set(name, value)
	}
	return request
}
