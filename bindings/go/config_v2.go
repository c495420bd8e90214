package payseal

import (
	"fmt"
	"io"
	"log/slog"
)

// WeChatV2 is the provider of [ConfigV2]: WeChat Pay APIv2.
const WeChatV2 = "wechat-v2"

// SignType is what APIv2 signs with.
type SignType string

const (
	// SignTypeHMACSHA256 is the default.
	SignTypeHMACSHA256 SignType = "HMAC-SHA256"
	// SignTypeMD5 is what the provider takes where a request says nothing.
	SignTypeMD5 SignType = "MD5"
)

// ConfigV2 describes a merchant at WeChat Pay APIv2, for [NewClientV2]. A merchant who also uses APIv3 makes a second client for that.
// Printing or logging a ConfigV2 shows no secret; encoding it as JSON does, since that is the library's input.
type ConfigV2 struct {
	// MchID is the merchant id, digits. Required.
	MchID string `json:"mchid"`
	// APIv2Key has 32 bytes. Required.
	APIv2Key string `json:"apiv2_key"`
	// PreviousAPIv2Key is the old key while it is being replaced.
	PreviousAPIv2Key string `json:"previous_apiv2_key,omitempty"`
	// SignType is what requests are signed with where the operation leaves the choice, and so what answers must be.
	SignType SignType `json:"sign_type,omitempty"`
	// NotificationSignTypes are what notifications may be signed with; left out, SignType alone.
	NotificationSignTypes []SignType `json:"notification_sign_types,omitempty"`
	// ClientCertificate is the merchant API certificate, PEM: presented to the host for the operations that ask for it, such as refunds.
	// With [WithHTTPClient] the client's own Transport must present it (TLSClientConfig.Certificates).
	ClientCertificate string `json:"client_certificate,omitempty"`
	// ClientKey is the key of ClientCertificate, PEM; one is not given without the other.
	ClientKey string `json:"client_key,omitempty"`
	// AppID is filled in where the caller gives none, under whatever name the operation has for it.
	AppID string `json:"appid,omitempty"`
	// NotifyURL is filled into bodies whose operation requires one, when the caller gives none.
	NotifyURL string `json:"notify_url,omitempty"`
	// RiskPublicKey is the pub_key of "POST /risk/getpublickey", PEM: encrypts bank card numbers and names.
	RiskPublicKey string `json:"risk_public_key,omitempty"`
	// PlatformCertificate, PEM, encrypts the fields of operations that name its serial number.
	PlatformCertificate string `json:"platform_certificate,omitempty"`
	// Sandbox turns to the provider's own sandbox, whose key is fetched with APIv2Key.
	Sandbox bool `json:"sandbox,omitempty"`
	// SpecialHosts replace the hosts of single operations, by name: "fraud.mch.weixin.qq.com".
	SpecialHosts map[string]string `json:"special_hosts,omitempty"`
	// Hosts are base URLs, the preferred one first; https only, except loopback addresses.
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

// NewClientV2 makes a client of WeChat Pay APIv2. Operations are named by method and path, "POST /pay/unifiedorder"; parameters go as
// [Params.Body] and results come as JSON objects of texts, for the XML is made and read by the library. See [NewClient].
func NewClientV2(config ConfigV2, options ...Option) (*Client, error) {
	encoded, err := marshal(struct {
		Provider string `json:"provider"`
		ConfigV2
	}{WeChatV2, config})
	if err != nil {
		return nil, err
	}
	defer clear(encoded) // it holds the keys
	return NewClientFromJSON(encoded, options...)
}

// Format writes the merchant and no secret, whatever the verb.
func (c ConfigV2) Format(state fmt.State, _ rune) {
	io.WriteString(state, c.redacted())
}

// LogValue keeps secrets out of log/slog.
func (c ConfigV2) LogValue() slog.Value {
	return slog.StringValue(c.redacted())
}

func (c ConfigV2) redacted() string {
	return fmt.Sprintf("payseal.ConfigV2{MchID:%q}", c.MchID)
}
