package payseal

import (
	"fmt"
	"io"
	"log/slog"
)

// Alipay is the provider of [ConfigAlipay]: Alipay's gateway and its REST v3.
const Alipay = "alipay"

const (
	// SignTypeRSA2 is what Alipay signs with by default: RSA with SHA-256.
	SignTypeRSA2 SignType = "RSA2"
	// SignTypeRSA is RSA with SHA-1, of old apps.
	SignTypeRSA SignType = "RSA"
)

// ConfigAlipay describes an app at Alipay, for [NewClientAlipay]. Either AlipayPublicKey is given (key mode) or the three certificates
// (certificate mode). Printing or logging it shows no secret; encoding it as JSON does, since that is the library's input.
type ConfigAlipay struct {
	// AppID is the app id, digits. Required.
	AppID string `json:"app_id"`
	// PrivateKey is the app's private key, PEM or the bare base64 of Alipay's key tool. Required, unless [WithSigner] is given.
	PrivateKey string `json:"private_key,omitempty"`
	// AlipayPublicKey is Alipay's public key, not the app's own, PEM or bare base64.
	AlipayPublicKey string `json:"alipay_public_key,omitempty"`
	// AppCertificate is the app's certificate, PEM: appCertPublicKey_….crt.
	AppCertificate string `json:"app_certificate,omitempty"`
	// AlipayCertificate is Alipay's certificate with its chain, PEM: the whole alipayCertPublicKey_RSA2.crt.
	AlipayCertificate string `json:"alipay_certificate,omitempty"`
	// AlipayRootCertificate is the bundle of roots, PEM: alipayRootCert.crt.
	AlipayRootCertificate string `json:"alipay_root_certificate,omitempty"`
	// SignType is [SignTypeRSA2] by default.
	SignType SignType `json:"sign_type,omitempty"`
	// EncryptKey is the AES key of the app, base64: business parameters and answers are then encrypted.
	EncryptKey string `json:"encrypt_key,omitempty"`
	// Charset is "utf-8" by default, or "GBK".
	Charset string `json:"charset,omitempty"`
	// SellerID is the seller that notifications must name, 2088….
	SellerID string `json:"seller_id,omitempty"`
	// NotifyURL is sent where an operation takes one and the caller gives none.
	NotifyURL string `json:"notify_url,omitempty"`
	// ReturnURL is sent with pages where the caller gives none.
	ReturnURL string `json:"return_url,omitempty"`
	// AppAuthToken acts for a merchant who has authorized the app.
	AppAuthToken string `json:"app_auth_token,omitempty"`
	// TimestampWindow is how far an answer of REST v3 may be from our clock, seconds, 0 to 300.
	TimestampWindow *int `json:"timestamp_window_s,omitempty"`
	// NotificationAge is how long ago a notification may have been sent, seconds; 26 hours by default.
	NotificationAge int `json:"notification_age_s,omitempty"`
	// Hosts are base URLs, the preferred one first; https only, except loopback addresses. Alipay's sandbox is
	// "https://openapi-sandbox.dl.alipaydev.com".
	Hosts []string `json:"hosts,omitempty"`
	// ReplayGuard remembers notifications, so that a repeated one is marked [Event.Replay].
	ReplayGuard *ReplayGuard `json:"replay_guard,omitempty"`
	// Timeouts bound the parts of a call, milliseconds.
	Timeouts *Timeouts `json:"timeouts,omitempty"`
	// Retry governs repeated attempts, which are made only where repeating is safe.
	Retry *Retry `json:"retry,omitempty"`
	// CircuitBreaker governs when a failing host is left alone.
	CircuitBreaker *CircuitBreaker `json:"circuit_breaker,omitempty"`
	// MaxResponseBytes bounds an answer.
	MaxResponseBytes int64 `json:"max_response_bytes,omitempty"`
	// Proxy is "http://[user:password@]host:port". The environment is never read.
	Proxy string `json:"proxy,omitempty"`
	// RootCertificates is a PEM bundle that replaces the built-in web roots.
	RootCertificates string `json:"root_certificates,omitempty"`
}

// NewClientAlipay makes a client of an app at Alipay. Operations are named as Alipay names them: "alipay.trade.precreate" of the gateway, whose
// business parameters are [Params.Body], and "POST /v3/alipay/trade/pay" of REST v3. See [NewClient].
func NewClientAlipay(config ConfigAlipay, options ...Option) (*Client, error) {
	encoded, err := marshal(struct {
		Provider string `json:"provider"`
		ConfigAlipay
	}{Alipay, config})
	if err != nil {
		return nil, err
	}
	defer clear(encoded) // it holds the key
	return NewClientFromJSON(encoded, options...)
}

// Format writes the app and no secret, whatever the verb.
func (c ConfigAlipay) Format(state fmt.State, _ rune) {
	io.WriteString(state, c.redacted())
}

// LogValue keeps secrets out of log/slog.
func (c ConfigAlipay) LogValue() slog.Value {
	return slog.StringValue(c.redacted())
}

func (c ConfigAlipay) redacted() string {
	return fmt.Sprintf("payseal.ConfigAlipay{AppID:%q}", c.AppID)
}
