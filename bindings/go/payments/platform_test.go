package payments_test

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

// platform tells merchants what it is told to, sealed and signed by the standard library's crypto.
type platform struct {
	key, merchant   *rsa.PrivateKey
	public, private string
}

const (
	platformSerial = "PUB_KEY_ID_0114232134912410000000000000"
	apiv3Key       = "an-apiv3-key-that-has-32-bytes-."
	mchid          = "1900000001"
)

var thePlatform = sync.OnceValue(func() *platform {
	newKey := func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		return key
	}
	p := &platform{key: newKey(), merchant: newKey()}
	private, _ := x509.MarshalPKCS8PrivateKey(p.merchant)
	public, _ := x509.MarshalPKIXPublicKey(&p.key.PublicKey)
	p.private = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	p.public = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
	return p
})

func (p *platform) client(t testing.TB, options ...payseal.Option) *payseal.Client {
	t.Helper()
	client, err := payseal.NewClient(payseal.Config{
		Provider: payseal.WeChat, MchID: mchid, MerchantSerial: "0C4AEF3425D5B0E1B7E9AA6F4A86D5C8B2D66E10", PrivateKey: p.private,
		APIv3Key: apiv3Key, PlatformPublicKeys: map[string]string{platformSerial: p.public},
	}, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// paid is the notification that an order was paid.
func (p *platform) paid(orderNo string) (http.Header, []byte) {
	plaintext := fmt.Appendf(nil, `{"mchid":%q,"appid":"wxd678efh567hg6787","out_trade_no":%q,"transaction_id":%q,"trade_type":"NATIVE","trade_state":"SUCCESS","bank_type":"CMC","success_time":"2025-06-08T10:34:56+08:00","payer":{"openid":"o"},"amount":{"total":100,"payer_total":100,"currency":"CNY","payer_currency":"CNY"}}`,
		mchid, orderNo, "42000"+orderNo)
	block, _ := aes.NewCipher([]byte(apiv3Key))
	gcm, _ := cipher.NewGCM(block)
	nonce := []byte("4ce96a5e6b1f")
	body, _ := json.Marshal(map[string]any{
		"id": "EV-" + orderNo, "create_time": "2025-06-08T10:34:56+08:00", "event_type": "TRANSACTION.SUCCESS", "resource_type": "encrypt-resource", "summary": "支付成功",
		"resource": map[string]string{"original_type": "transaction", "algorithm": "AEAD_AES_256_GCM", "nonce": string(nonce), "associated_data": "transaction",
			"ciphertext": base64.StdEncoding.EncodeToString(gcm.Seal(nil, nonce, plaintext, []byte("transaction")))},
	})
	now := fmt.Sprint(time.Now().Unix())
	digest := sha256.Sum256(bytes.Join([][]byte{[]byte(now), []byte("n"), body, nil}, []byte("\n")))
	signature, _ := rsa.SignPKCS1v15(nil, p.key, crypto.SHA256, digest[:])
	return http.Header{
		"Content-Type": {"application/json"}, "Wechatpay-Serial": {platformSerial}, "Wechatpay-Timestamp": {now}, "Wechatpay-Nonce": {"n"},
		"Wechatpay-Signature": {base64.StdEncoding.EncodeToString(signature)},
	}, body
}
