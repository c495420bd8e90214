package payseal

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// Weixin is the provider of [ConfigWeixin]: WeChat's platform for mini-programs and official accounts. It signs nothing, so [Info.Verified] is false: an
// answer is as trustworthy as the TLS connection it came over, and never says that money moved.
const Weixin = "weixin"

// Cache keeps tokens for as long as they are good, for all processes of a service: Redis, memcached. The values are secrets. Its methods must be safe
// for concurrent use. A cache that fails costs a request and fails nothing.
type Cache interface {
	// Get returns what was put under key, or nil where there is nothing (any more).
	Get(key string) ([]byte, error)
	// Put keeps value for ttl.
	Put(key string, value []byte, ttl time.Duration) error
}

// ConfigWeixin is one mini-program or official account.
type ConfigWeixin struct {
	// AppID of the mini-program or official account.
	AppID string `json:"appid"`
	// Secret is the app's, 32 characters.
	Secret string `json:"secret"`
	// Hosts, [Timeouts], [Retry] and the rest are as in [Config]; the default host is the platform's.
	Hosts          []string        `json:"hosts,omitempty"`
	Timeouts       *Timeouts       `json:"timeouts,omitempty"`
	Retry          *Retry          `json:"retry,omitempty"`
	CircuitBreaker *CircuitBreaker `json:"circuit_breaker,omitempty"`
	// Proxy is http://[user:password@]host:port; the environment is never read.
	Proxy string `json:"proxy,omitempty"`
	// RootCertificates replaces the built-in web roots, PEM.
	RootCertificates string `json:"root_certificates,omitempty"`
}

// NewClientWeixin makes a client of WeChat's platform; see [NewClient] and [WithCache].
func NewClientWeixin(config ConfigWeixin, options ...Option) (*Client, error) {
	encoded, err := marshal(struct {
		Provider string `json:"provider"`
		ConfigWeixin
	}{Weixin, config})
	if err != nil {
		return nil, err
	}
	defer clear(encoded) // it holds the secret
	return NewClientFromJSON(encoded, options...)
}

func (c ConfigWeixin) redacted() string { return fmt.Sprintf("ConfigWeixin{AppID:%s …}", c.AppID) }

// Format writes the app and no secret, whatever the verb.
func (c ConfigWeixin) Format(state fmt.State, _ rune) {
	io.WriteString(state, c.redacted())
}

// LogValue keeps the secret out of log/slog.
func (c ConfigWeixin) LogValue() slog.Value {
	return slog.StringValue(c.redacted())
}

// Session says who the user of a mini-program is.
type Session struct {
	// OpenID is the user at this app.
	OpenID string `json:"openid"`
	// SessionKey is never for the mini-program.
	SessionKey string `json:"session_key"`
	// UnionID is the user at all apps of the account; empty where there is none.
	UnionID string `json:"unionid"`
}

// String keeps the key out of logs.
func (Session) String() string { return "Session{…}" }

// GoString is String.
func (s Session) GoString() string { return s.String() }

// JSCode2Session exchanges the code of wx.login, which is good once.
func (c *Client) JSCode2Session(ctx context.Context, code string) (*Session, error) {
	result, err := c.Execute(ctx, "GET /sns/jscode2session", Params{Query: map[string]string{"js_code": code}})
	if err != nil {
		return nil, err
	}
	return decodeAs[Session](result.Body)
}

// AccessToken returns the app's access token, from the cache while it is good.
func (c *Client) AccessToken(ctx context.Context) (string, error) {
	return c.accessToken(ctx, FlowParams{})
}

// RenewAccessToken returns another access token in place of invalid, which the platform refused in a call of the caller's own (errcode 40001, 40014,
// 42001). It is dropped from the cache; where another one is there by now, that is it. One that leaked can be ended this way.
func (c *Client) RenewAccessToken(ctx context.Context, invalid string) (string, error) {
	return c.accessToken(ctx, FlowParams{Body: map[string]string{"invalid_token": invalid}})
}

func (c *Client) accessToken(ctx context.Context, params FlowParams) (string, error) {
	result, _, err := c.Run(ctx, "access_token", params)
	if err != nil {
		return "", err
	}
	token, err := decodeAs[struct {
		Text string `json:"access_token"`
	}](result.Body)
	if err != nil {
		return "", err
	}
	return token.Text, nil
}

// JSConfig is what a page gives to wx.config. Its JSON has the names it wants.
type JSConfig struct {
	// AppID of the official account.
	AppID string `json:"appId"`
	// Timestamp is when it was signed, Unix seconds.
	Timestamp int64 `json:"timestamp"`
	// NonceStr is random.
	NonceStr string `json:"nonceStr"`
	// Signature is the SHA-1 over ticket, nonce, time and address, hex.
	Signature string `json:"signature"`
}

// JSConfig signs the page at url, its address as the browser shows it, with the ticket of the app, from the cache while it is good.
func (c *Client) JSConfig(ctx context.Context, url string) (*JSConfig, error) {
	result, _, err := c.Run(ctx, "js_config", FlowParams{Body: map[string]string{"url": url}})
	if err != nil {
		return nil, err
	}
	return decodeAs[JSConfig](result.Body)
}

func decodeAs[T any](body []byte) (*T, error) {
	value := new(T)
	if err := json.Unmarshal(body, value); err != nil {
		return nil, &Error{Code: ErrBodyInvalid, Outcome: OutcomeUnknown, Message: "the platform's answer is not what it documents", cause: err}
	}
	return value, nil
}
