package ginpay_test

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
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gin-gonic/gin/binding"

	payseal "github.com/payseal/payseal/bindings/go"
	ginpay "github.com/payseal/payseal/bindings/go/gin"
	"github.com/payseal/payseal/bindings/go/payments"
)

const (
	serial    = "PUB_KEY_ID_0119000000012025010100000000001001"
	apiv3Key  = "an-apiv3-key-that-has-32-bytes-."
	plaintext = `{"out_trade_no":"GIN1","trade_state":"SUCCESS"}`
)

func newKey(t *testing.T) (key *rsa.PrivateKey, private, public string) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	privateDER, _ := x509.MarshalPKCS8PrivateKey(key)
	publicDER, _ := x509.MarshalPKIXPublicKey(&key.PublicKey)
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: privateDER})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER}))
}

// setUp returns a client and a notification that Go sealed and signed for it.
func setUp(t *testing.T) (*payseal.Client, http.Header, []byte) {
	gin.SetMode(gin.TestMode)
	_, merchant, _ := newKey(t)
	platform, _, platformPublic := newKey(t)
	client, err := payseal.NewClient(payseal.Config{
		Provider: payseal.WeChat, MchID: "1900000001", MerchantSerial: "0C4AEF3425D5B0E1B7E9AA6F4A86D5C8B2D66E10", PrivateKey: merchant,
		APIv3Key: apiv3Key, PlatformPublicKeys: map[string]string{serial: platformPublic},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })

	block, _ := aes.NewCipher([]byte(apiv3Key))
	gcm, _ := cipher.NewGCM(block)
	nonce := []byte("4ce96a5e6b1f")
	body, _ := json.Marshal(map[string]any{
		"id": "EV-1", "create_time": "2025-06-08T10:34:56+08:00", "event_type": "TRANSACTION.SUCCESS", "resource_type": "encrypt-resource", "summary": "s",
		"resource": map[string]string{"original_type": "transaction", "algorithm": "AEAD_AES_256_GCM", "nonce": string(nonce), "associated_data": "",
			"ciphertext": base64.StdEncoding.EncodeToString(gcm.Seal(nil, nonce, []byte(plaintext), nil))},
	})
	now := fmt.Sprint(time.Now().Unix())
	digest := sha256.Sum256(fmt.Appendf(nil, "%s\nn\n%s\n", now, body))
	signature, _ := rsa.SignPKCS1v15(nil, platform, crypto.SHA256, digest[:])
	return client, http.Header{
		"Content-Type": {"application/json"}, "Wechatpay-Serial": {serial}, "Wechatpay-Timestamp": {now}, "Wechatpay-Nonce": {"n"},
		"Wechatpay-Signature": {base64.StdEncoding.EncodeToString(signature)},
	}, body
}

func post(engine *gin.Engine, header http.Header, body []byte) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodPost, "/notify", bytes.NewReader(body))
	request.Header = header
	recorder := httptest.NewRecorder()
	engine.ServeHTTP(recorder, request)
	return recorder
}

func TestAVerifiedEventReachesTheHandlerAndIsAcknowledged(t *testing.T) {
	client, header, body := setUp(t)
	var got string
	after := false
	engine := gin.New()
	engine.POST("/notify", ginpay.NotificationHandler(client, func(c *gin.Context, event *payseal.Event) error {
		got = string(event.Plaintext)
		return nil
	}), func(*gin.Context) { after = true })
	if reply := post(engine, header, body); reply.Code/100 != 2 || got != plaintext {
		t.Errorf("%d %s %q", reply.Code, reply.Body, got)
	}
	if after {
		t.Error("a handler ran after the reply was written")
	}
}

func TestAFailureIsAnsweredAndRecorded(t *testing.T) {
	client, header, body := setUp(t)
	away := errors.New("the database is away")
	var recorded []error
	engine := gin.New()
	engine.Use(func(c *gin.Context) {
		c.Next()
		for _, err := range c.Errors {
			recorded = append(recorded, err.Err)
		}
	})
	calls := 0
	engine.POST("/notify", ginpay.NotificationHandler(client, func(*gin.Context, *payseal.Event) error {
		calls++
		return away
	}))
	if reply := post(engine, header, body); reply.Code < 400 || !strings.Contains(reply.Body.String(), "FAIL") {
		t.Errorf("%d %s", reply.Code, reply.Body)
	}
	if reply := post(engine, header, append(body, ' ')); reply.Code < 400 || calls != 1 {
		t.Errorf("%d %s, %d calls", reply.Code, reply.Body, calls)
	}
	if len(recorded) != 2 || !errors.Is(recorded[0], away) || !errors.Is(recorded[1], payseal.ErrSignatureInvalid) {
		t.Errorf("%v", recorded)
	}
}

func TestABodyThatGinHasKeptIsUsed(t *testing.T) {
	client, header, body := setUp(t)
	calls := 0
	engine := gin.New()
	engine.Use(func(c *gin.Context) {
		var seen map[string]any
		if err := c.ShouldBindBodyWith(&seen, binding.JSON); err != nil {
			t.Error(err)
		}
	})
	engine.POST("/notify", ginpay.NotificationHandler(client, func(*gin.Context, *payseal.Event) error { calls++; return nil }))
	if reply := post(engine, header, body); reply.Code/100 != 2 || calls != 1 {
		t.Errorf("%d %s", reply.Code, reply.Body)
	}
}

func TestAClosedClientAnswersWithAFailure(t *testing.T) {
	client, header, body := setUp(t)
	client.Close()
	engine := gin.New()
	engine.POST("/notify", ginpay.NotificationHandler(client, func(*gin.Context, *payseal.Event) error { t.Error("called"); return nil }))
	engine.GET("/metrics", ginpay.MetricsHandler(client))
	if reply := post(engine, header, body); reply.Code != 500 {
		t.Errorf("%d", reply.Code)
	}
	recorder := httptest.NewRecorder()
	engine.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if recorder.Code != 503 {
		t.Errorf("%d", recorder.Code)
	}
}

func TestMetricsAreServed(t *testing.T) {
	client, header, body := setUp(t)
	engine := gin.New()
	engine.POST("/notify", ginpay.NotificationHandler(client, func(*gin.Context, *payseal.Event) error { return nil }))
	engine.GET("/metrics", ginpay.MetricsHandler(client))
	post(engine, header, body)
	recorder := httptest.NewRecorder()
	engine.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if recorder.Code != 200 || !strings.HasPrefix(recorder.Header().Get("Content-Type"), "text/plain; version=0.0.4") || !strings.Contains(recorder.Body.String(), "payseal_") {
		t.Errorf("%d %v %s", recorder.Code, recorder.Header(), recorder.Body)
	}
}

func TestANotificationOfPaymentsIsStoredAndAnswered(t *testing.T) {
	client, header, body := setUp(t)
	p, err := payments.Open(payments.Config{
		Store:    "sqlite:" + filepath.Join(t.TempDir(), "payments.db"),
		Accounts: []payments.Account{{Name: "wechat", Client: client}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var recorded []error
	engine := gin.New()
	engine.Use(func(c *gin.Context) {
		c.Next()
		for _, err := range c.Errors {
			recorded = append(recorded, err.Err)
		}
	})
	engine.POST("/notify", ginpay.AcceptHandler(p, "wechat"))
	for range 2 {
		if reply := post(engine, header, body); reply.Code/100 != 2 {
			t.Errorf("%d %s", reply.Code, reply.Body)
		}
	}
	events, err := p.ClaimEvents(t.Context(), payments.Claim{Most: 10})
	if err != nil || len(events) != 1 || string(events[0].Notification.Plaintext) != plaintext {
		t.Errorf("%+v %v", events, err)
	}
	if reply := post(engine, header, append(body, ' ')); reply.Code < 400 || !strings.Contains(reply.Body.String(), "FAIL") {
		t.Errorf("%d %s", reply.Code, reply.Body)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if reply := post(engine, header, body); reply.Code != http.StatusInternalServerError {
		t.Errorf("%d", reply.Code)
	}
	if len(recorded) != 2 || !errors.Is(recorded[0], payseal.ErrSignatureInvalid) || !errors.Is(recorded[1], payseal.ErrInvalidHandle) {
		t.Errorf("%v", recorded)
	}
}

func TestABodyThatGinHasKeptIsStored(t *testing.T) {
	client, header, body := setUp(t)
	p, err := payments.Open(payments.Config{
		Store:    "sqlite:" + filepath.Join(t.TempDir(), "payments.db"),
		Accounts: []payments.Account{{Name: "wechat", Client: client}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	engine := gin.New()
	engine.Use(func(c *gin.Context) {
		var seen map[string]any
		if err := c.ShouldBindBodyWith(&seen, binding.JSON); err != nil {
			t.Error(err)
		}
	})
	engine.POST("/notify", ginpay.AcceptHandler(p, ""))
	if reply := post(engine, header, body); reply.Code/100 != 2 {
		t.Errorf("%d %s", reply.Code, reply.Body)
	}
}
