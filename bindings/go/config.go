package payseal

import (
	"fmt"
	"io"
	"log/slog"
)

// WeChat is the [Config.Provider] of WeChat Pay APIv3.
const WeChat = "wechat"

const (
	// SchemeRSA is the [Config.Scheme] of RSA with SHA-256 and AES-256-GCM.
	SchemeRSA = "WECHATPAY2-SHA256-RSA2048"
	// SchemeSM2 is the [Config.Scheme] of 国密: SM2 with SM3, SM2, SM4-GCM.
	SchemeSM2 = "WECHATPAY2-SM2-WITH-SM3"
)

// Config describes a merchant. Fields left zero take the library's defaults; fields whose zero means something are pointers.
// Printing or logging a Config shows no secret; encoding it as JSON does, since that is the library's input.
type Config struct {
	// Provider is required: [WeChat].
	Provider string `json:"provider"`
	// MchID is the merchant id, digits. Required.
	MchID string `json:"mchid,omitempty"`
	// Scheme says which algorithms merchant and platform use: [SchemeRSA], which is the default, or [SchemeSM2].
	Scheme string `json:"scheme,omitempty"`
	// BrandID takes the place of MchID where Scheme is "WECHATPAY-BRAND-SHA256-RSA2048".
	BrandID string `json:"brand_id,omitempty"`
	// MerchantSerial is the serial number of the merchant API certificate, hex. May be left out when MerchantCertificate is given.
	MerchantSerial string `json:"merchant_serial,omitempty"`
	// MerchantCertificate is the merchant API certificate, PEM; it must fit PrivateKey and MerchantSerial.
	MerchantCertificate string `json:"merchant_certificate,omitempty"`
	// PrivateKey is the merchant's private key: PEM (PKCS#8 or PKCS#1) or bare base64. Required unless [WithSigner] is used.
	PrivateKey string `json:"private_key,omitempty"`
	// APIv3Key has 32 bytes. Required.
	APIv3Key string `json:"apiv3_key"`
	// PreviousAPIv3Key is the old key while it is being replaced.
	PreviousAPIv3Key string `json:"previous_apiv3_key,omitempty"`
	// PlatformPublicKeys maps "PUB_KEY_ID_…" to the WeChat Pay public key, PEM.
	PlatformPublicKeys map[string]string `json:"platform_public_keys,omitempty"`
	// PlatformCertificates are platform certificates, PEM, one each.
	PlatformCertificates []string `json:"platform_certificates,omitempty"`
	// PlatformIssuers are certificates, PEM, of the authorities that may issue platform certificates; none accepts any issuer.
	PlatformIssuers []string `json:"platform_issuers,omitempty"`
	// PlatformSerial says which of those keys encrypts and is asked to sign.
	PlatformSerial string `json:"platform_serial,omitempty"`
	// CertificateRefresh governs the download of platform certificates.
	CertificateRefresh *CertificateRefresh `json:"certificate_refresh,omitempty"`
	// Hosts are base URLs, the preferred one first; https only, except loopback addresses.
	Hosts []string `json:"hosts,omitempty"`
	// AppID is filled into bodies whose operation requires one, when the caller gives none.
	AppID string `json:"appid,omitempty"`
	// NotifyURL is filled into bodies whose operation requires one, when the caller gives none.
	NotifyURL string `json:"notify_url,omitempty"`
	// TimestampWindowS is how old or new a signed message may be, 0 to 300 seconds.
	TimestampWindowS *int `json:"timestamp_window_s,omitempty"`
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

// CertificateRefresh governs the download of platform certificates.
type CertificateRefresh struct {
	// Enabled switches the download; by default it is on when no public key is configured.
	Enabled *bool `json:"enabled,omitempty"`
	// IntervalS is the time between downloads in seconds.
	IntervalS int `json:"interval_s,omitempty"`
	// MinIntervalS is the least time between downloads that unknown serials cause, in seconds.
	MinIntervalS *int `json:"min_interval_s,omitempty"`
}

// ReplayGuard remembers notifications.
type ReplayGuard struct {
	// Entries is how many are remembered.
	Entries int `json:"entries,omitempty"`
}

// Timeouts bound the parts of a call.
type Timeouts struct {
	// ResolveMS bounds name resolution, milliseconds.
	ResolveMS int `json:"resolve_ms,omitempty"`
	// ConnectMS bounds connecting with TLS, milliseconds.
	ConnectMS int `json:"connect_ms,omitempty"`
	// ReadMS bounds one read, milliseconds.
	ReadMS int `json:"read_ms,omitempty"`
	// TotalMS bounds the call with all its attempts, milliseconds.
	TotalMS int `json:"total_ms,omitempty"`
}

// Retry governs repeated attempts.
type Retry struct {
	// MaxAttempts counts the first attempt too; 1 means no retry.
	MaxAttempts int `json:"max_attempts,omitempty"`
	// BaseMS is the first pause, milliseconds.
	BaseMS *int `json:"base_ms,omitempty"`
	// CapMS is the longest pause, milliseconds.
	CapMS *int `json:"cap_ms,omitempty"`
}

// CircuitBreaker governs when a failing host is left alone.
type CircuitBreaker struct {
	// Failures in a row open the breaker.
	Failures int `json:"failures,omitempty"`
	// OpenMS is how long it stays open, milliseconds.
	OpenMS int `json:"open_ms,omitempty"`
}

// Format writes the merchant and no secret, whatever the verb.
func (c Config) Format(state fmt.State, _ rune) {
	io.WriteString(state, c.redacted())
}

// LogValue keeps secrets out of log/slog.
func (c Config) LogValue() slog.Value {
	return slog.StringValue(c.redacted())
}

func (c Config) redacted() string {
	return fmt.Sprintf("payseal.Config{Provider:%q, MchID:%q}", c.Provider, c.MchID)
}
