package payseal_test

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

const (
	weixinAppID = "wxd678efh567hg6787"
	appSecret   = "5eCreT0fTheApp5eCreT0fTheApp5eCr"
	sessionKey  = "HyVFkGl5F5OQWJZZaNzBBg=="
	jsapiTicket = "sM4AOVdWfPE4DxkXGEs8VMCPGGVy4wWdAL"
)

// shared is a cache as several processes would share it.
type shared struct {
	mutex  sync.Mutex
	values map[string][]byte
	broken bool
}

func (s *shared) Get(key string) ([]byte, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.broken {
		return nil, errors.New("not there")
	}
	return s.values[key], nil
}

func (s *shared) Put(key string, value []byte, ttl time.Duration) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.broken || ttl <= 0 {
		return errors.New("not there")
	}
	s.values[key] = value
	return nil
}

// weixinPlatform knows its app's secret and which of its tokens is good now, and notes what it is asked.
type weixinPlatform struct {
	server *httptest.Server
	mutex  sync.Mutex
	number int
	asked  []string
	// arrived gets something for every request; answers wait for hold to be closed, where it is there.
	arrived chan string
	hold    chan struct{}
}

func newWeixinPlatform(t *testing.T) *weixinPlatform {
	platform := &weixinPlatform{number: 1, arrived: make(chan string, 100)}
	platform.server = httptest.NewServer(platform)
	t.Cleanup(platform.server.Close)
	return platform
}

// holdAnswers lets answers wait until hold is closed.
func (p *weixinPlatform) holdAnswers() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.hold = make(chan struct{})
}

func (p *weixinPlatform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mutex.Lock()
	p.asked = append(p.asked, r.URL.Path)
	token, hold := fmt.Sprintf("72_token-%d", p.number), p.hold
	p.mutex.Unlock()
	p.arrived <- r.URL.Path
	if hold != nil {
		<-hold
	}
	var sent struct {
		Secret string `json:"secret"`
	}
	if r.Method == http.MethodPost {
		json.Unmarshal(body, &sent)
	} else {
		sent.Secret = r.URL.Query().Get("secret")
	}
	answer := map[string]any{"errcode": 40001, "errmsg": "not latest"}
	switch {
	case r.URL.Path == "/cgi-bin/ticket/getticket" && r.URL.Query().Get("access_token") == token:
		answer = map[string]any{"errcode": 0, "errmsg": "ok", "ticket": jsapiTicket, "expires_in": 7200}
	case r.URL.Path == "/cgi-bin/ticket/getticket":
	case sent.Secret != appSecret:
		answer = map[string]any{"errcode": 40125, "errmsg": "invalid appsecret " + sent.Secret}
	case r.URL.Path == "/sns/jscode2session":
		answer = map[string]any{"openid": "oUpF8uMuAJO", "session_key": sessionKey}
	case r.URL.Path == "/cgi-bin/stable_token":
		answer = map[string]any{"access_token": token, "expires_in": 7200}
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(answer)
}

func (p *weixinPlatform) paths() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return strings.Join(p.asked, " ")
}

// end is somebody else who has a new token made.
func (p *weixinPlatform) end() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.number++
}

func (p *weixinPlatform) client(t *testing.T, secret string, options ...payseal.Option) *payseal.Client {
	t.Helper()
	config := payseal.ConfigWeixin{AppID: weixinAppID, Secret: secret, Hosts: []string{p.server.URL}}
	if printed := fmt.Sprintf("%v %+v %#v %s", config, config, config, config.LogValue()); strings.Contains(printed, secret) {
		t.Error("the secret was printed")
	}
	client, err := payseal.NewClientWeixin(config, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// bothWays runs a test with the built-in transport and with net/http.
func bothWays(t *testing.T, test func(t *testing.T, option ...payseal.Option)) {
	t.Run("built-in", func(t *testing.T) { test(t) })
	t.Run("net/http", func(t *testing.T) { test(t, payseal.WithHTTPClient(&http.Client{})) })
}

// sha1Of is crypto/sha1 over the text that the platform's documentation describes.
func sha1Of(ticket, nonce string, timestamp int64, url string) string {
	sum := sha1.Sum(fmt.Appendf(nil, "jsapi_ticket=%s&noncestr=%s&timestamp=%d&url=%s", ticket, nonce, timestamp, url))
	return hex.EncodeToString(sum[:])
}

func TestCryptoSHA1SignsThePublishedExampleAsThePlatformSays(t *testing.T) {
	ticket := "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
	signature := sha1Of(ticket, "Wm3WZYTPz0wzccnW", 1414587457, "http://mp.weixin.qq.com?params=value")
	if signature != "0f9de62fce790f9a083d5c99e95740ceb90c27ed" {
		t.Error(signature)
	}
}

func TestAPageIsSignedAsCryptoSHA1Says(t *testing.T) {
	bothWays(t, func(t *testing.T, options ...payseal.Option) {
		platform := newWeixinPlatform(t)
		config, err := platform.client(t, appSecret, options...).JSConfig(context.Background(), "https://shop.example.com/cart?a=1#top")
		if err != nil {
			t.Fatal(err)
		}
		want := sha1Of(jsapiTicket, config.NonceStr, config.Timestamp, "https://shop.example.com/cart?a=1")
		if config.AppID != weixinAppID || config.Signature != want {
			t.Error(config, want)
		}
		if platform.paths() != "/cgi-bin/stable_token /cgi-bin/ticket/getticket" {
			t.Error(platform.paths())
		}
	})
}

func TestTwoClientsWithOneCacheFetchATokenOnce(t *testing.T) {
	bothWays(t, func(t *testing.T, options ...payseal.Option) {
		platform, cache := newWeixinPlatform(t), &shared{values: map[string][]byte{}}
		for range 2 {
			client := platform.client(t, appSecret, append(options, payseal.WithCache(cache))...)
			if token, err := client.AccessToken(context.Background()); err != nil || token != "72_token-1" {
				t.Fatal(token, err)
			}
		}
		if platform.paths() != "/cgi-bin/stable_token" || len(cache.values) != 1 {
			t.Error(platform.paths(), len(cache.values))
		}
	})
}

func TestGoroutinesThatMissATokenTogetherAskOnce(t *testing.T) {
	bothWays(t, func(t *testing.T, options ...payseal.Option) {
		platform := newWeixinPlatform(t)
		platform.holdAnswers()
		client := platform.client(t, appSecret, options...)
		var group sync.WaitGroup
		for range 16 {
			group.Add(1)
			go func() {
				defer group.Done()
				if token, err := client.AccessToken(context.Background()); err != nil || token != "72_token-1" {
					t.Error(token, err)
				}
			}()
		}
		<-platform.arrived
		close(platform.hold)
		group.Wait()
		if platform.paths() != "/cgi-bin/stable_token" {
			t.Error(platform.paths())
		}
	})
}

func TestWhoWaitsForATokenCanGiveUp(t *testing.T) {
	bothWays(t, func(t *testing.T, options ...payseal.Option) {
		platform := newWeixinPlatform(t)
		platform.holdAnswers()
		client := platform.client(t, appSecret, options...)
		asking := make(chan error)
		go func() {
			_, err := client.AccessToken(context.Background())
			asking <- err
		}()
		<-platform.arrived
		ctx, cancel := context.WithCancel(context.Background())
		waiting := make(chan error)
		go func() {
			_, err := client.AccessToken(ctx)
			waiting <- err
		}()
		cancel()
		var failure *payseal.Error
		if err := <-waiting; !errors.Is(err, context.Canceled) || !errors.As(err, &failure) || failure.Outcome != payseal.OutcomeNotSent {
			t.Error(err)
		}
		close(platform.hold)
		if err := <-asking; err != nil {
			t.Error(err)
		}
	})
}

func TestATokenThatWasRefusedElsewhereIsReplaced(t *testing.T) {
	bothWays(t, func(t *testing.T, options ...payseal.Option) {
		platform, cache := newWeixinPlatform(t), &shared{values: map[string][]byte{}}
		client := platform.client(t, appSecret, append(options, payseal.WithCache(cache))...)
		is := func(want string) func(string, error) {
			return func(token string, err error) {
				t.Helper()
				if err != nil || token != want {
					t.Error(token, want, err)
				}
			}
		}
		ctx := context.Background()
		is("72_token-1")(client.AccessToken(ctx))
		platform.end()
		is("72_token-1")(client.AccessToken(ctx)) // nobody has said that it was ended
		is("72_token-2")(client.RenewAccessToken(ctx, "72_token-1"))
		is("72_token-2")(client.AccessToken(ctx))
		is("72_token-2")(client.RenewAccessToken(ctx, "72_token-1")) // late
		if platform.paths() != "/cgi-bin/stable_token /cgi-bin/stable_token" {
			t.Error(platform.paths())
		}
		var failure *payseal.Error
		if _, err := client.RenewAccessToken(ctx, ""); !errors.As(err, &failure) || failure.Details.Field != "body.invalid_token" {
			t.Error(err)
		}
	})
}

func TestACacheThatFailsFailsNothing(t *testing.T) {
	client := newWeixinPlatform(t).client(t, appSecret, payseal.WithCache(&shared{broken: true}))
	if _, err := client.AccessToken(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestACodeIsExchangedForTheUser(t *testing.T) {
	bothWays(t, func(t *testing.T, options ...payseal.Option) {
		client := newWeixinPlatform(t).client(t, appSecret, options...)
		session, err := client.JSCode2Session(context.Background(), "033abc")
		if err != nil || session.OpenID != "oUpF8uMuAJO" || session.SessionKey != sessionKey {
			t.Fatal(session, err)
		}
		if printed := fmt.Sprintf("%v %+v %#v", session, *session, *session); strings.Contains(printed, sessionKey) {
			t.Error("the session key was printed")
		}
	})
}

func TestWhatIsPrintedAboutAnAppSaysNoSecret(t *testing.T) {
	bothWays(t, func(t *testing.T, options ...payseal.Option) {
		const other = "0therSecret0therSecret0therSecre"
		platform := newWeixinPlatform(t)
		var seen strings.Builder
		logger := payseal.WithLogger(slog.New(slog.NewTextHandler(&seen, &slog.HandlerOptions{Level: slog.LevelDebug})))
		options = append(options, logger)
		ctx := context.Background()
		result, _, err := platform.client(t, appSecret, options...).Run(ctx, "access_token", payseal.FlowParams{})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&seen, "%v %+v %#v %s", result, result, *result, *result)
		client := platform.client(t, other, options...)
		var failure *payseal.Error
		if _, err = client.AccessToken(ctx); !errors.As(err, &failure) || failure.Details.ProviderCode != "40125" {
			t.Fatal(err)
		}
		fmt.Fprintf(&seen, "%v %+v %#v", failure, failure, *failure)
		if _, err = client.JSCode2Session(ctx, "033abc"); err == nil {
			t.Error("a wrong secret was accepted")
		}
		fmt.Fprintf(&seen, "%v", err)
		for _, secret := range []string{appSecret, other, "72_token"} {
			if strings.Contains(seen.String(), secret) {
				t.Errorf("%s stands in %s", secret, seen.String())
			}
		}
	})
}
