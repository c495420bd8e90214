package payseal_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

const appSecret = "5eCreT0fTheApp5eCreT0fTheApp5eCr"

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

// platformOf answers for WeChat's platform and notes what it was asked.
func platformOf(asked *[]string) payseal.Option {
	return over(func(r *http.Request) (*http.Response, error) {
		*asked = append(*asked, r.URL.Path)
		body := map[string]string{
			"/sns/jscode2session":       `{"openid":"oUpF8uMuAJO","session_key":"HyVFkGl5F5OQWJZZaNzBBg=="}`,
			"/cgi-bin/stable_token":     `{"access_token":"72_token","expires_in":7200}`,
			"/cgi-bin/ticket/getticket": `{"errcode":0,"errmsg":"ok","ticket":"a-ticket","expires_in":7200}`,
		}[r.URL.Path]
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	})
}

func weixin(t *testing.T, asked *[]string, options ...payseal.Option) *payseal.Client {
	t.Helper()
	config := payseal.ConfigWeixin{AppID: "wxd678efh567hg6787", Secret: appSecret}
	if printed := fmt.Sprintf("%v %+v %#v %s", config, config, config, config.LogValue()); strings.Contains(printed, appSecret) {
		t.Error("the secret was printed")
	}
	client, err := payseal.NewClientWeixin(config, append(options, platformOf(asked))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func TestTwoClientsWithOneCacheFetchATokenOnce(t *testing.T) {
	var asked []string
	cache := &shared{values: map[string][]byte{}}
	for range 2 {
		token, err := weixin(t, &asked, payseal.WithCache(cache)).AccessToken(context.Background())
		if err != nil || token != "72_token" {
			t.Fatal(token, err)
		}
	}
	if len(asked) != 1 || len(cache.values) != 1 {
		t.Error(asked, len(cache.values))
	}
}

func TestACacheThatFailsFailsNothing(t *testing.T) {
	var asked []string
	if _, err := weixin(t, &asked, payseal.WithCache(&shared{broken: true})).AccessToken(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestAPageIsSigned(t *testing.T) {
	var asked []string
	config, err := weixin(t, &asked).JSConfig(context.Background(), "https://shop.example.com/cart#top")
	if err != nil || config.AppID != "wxd678efh567hg6787" || len(config.Signature) != 40 {
		t.Fatal(config, err)
	}
	if strings.Join(asked, " ") != "/cgi-bin/stable_token /cgi-bin/ticket/getticket" {
		t.Error(asked)
	}
}

func TestACodeIsExchangedForTheUser(t *testing.T) {
	var asked []string
	session, err := weixin(t, &asked).JSCode2Session(context.Background(), "033abc")
	if err != nil || session.OpenID != "oUpF8uMuAJO" {
		t.Fatal(session, err)
	}
	if printed := fmt.Sprintf("%v %+v %#v", session, *session, *session); strings.Contains(printed, "HyVF") {
		t.Error("the session key was printed")
	}
}
