package payseal_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

// module plays an HSM.
type module struct {
	public crypto.PublicKey
	sign   func(digest []byte, opts crypto.SignerOpts) ([]byte, error)
}

func (m module) Public() crypto.PublicKey { return m.public }
func (m module) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return m.sign(digest, opts)
}

func TestAnExternalSignerSignsWhatCryptoRSAWould(t *testing.T) {
	p := thePlatform()
	config := p.config()
	config.PrivateKey = ""
	hsm := module{p.merchant.Public(), func(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
		return p.merchant.Sign(rand.Reader, digest, opts)
	}}
	fixed := []payseal.Option{
		payseal.WithClock(func() time.Time { return time.Unix(1_700_000_000, 0) }), payseal.WithRandom(repeating{1, 2, 3}),
	}
	signedBy := func(config payseal.Config, options ...payseal.Option) (authorization string) {
		client := newClient(t, config, append(append(options, fixed...), over(func(r *http.Request) (*http.Response, error) {
			authorization = r.Header.Get("Authorization")
			return nil, errors.New("seen enough")
		}))...)
		_, _ = client.Execute(t.Context(), nativeOrder, orderParams())
		return authorization
	}
	inside, outside := signedBy(p.config()), signedBy(config, payseal.WithSigner(hsm))
	if inside == "" || inside != outside {
		t.Errorf("the key inside gives\n%s\nthe signer\n%s", inside, outside)
	}
	if !strings.Contains(inside, `timestamp="1700000000"`) || !strings.Contains(inside, `nonce_str="01020301020301020301020301020301"`) {
		t.Error("clock and random source were not asked", inside)
	}

	client := newClient(t, config, append(fixed, payseal.WithSigner(hsm))...)
	outsidePayment, err := client.JSAPIPayment("", "wx201410272009395522657a690389285100")
	if err != nil {
		t.Fatal(err)
	}
	insidePayment, err := newClient(t, p.config(), fixed...).JSAPIPayment("", "wx201410272009395522657a690389285100")
	if err != nil || *insidePayment != *outsidePayment {
		t.Errorf("%+v %+v %v", insidePayment, outsidePayment, err)
	}
}

func TestACallbackThatFailsSendsNothing(t *testing.T) {
	p := thePlatform()
	withoutKey := p.config()
	withoutKey.PrivateKey = ""
	signer := func(sign func([]byte, crypto.SignerOpts) ([]byte, error)) payseal.Option {
		return payseal.WithSigner(module{p.merchant.Public(), sign})
	}
	for name, test := range map[string]struct {
		config payseal.Config
		option payseal.Option
		code   payseal.Code
	}{
		"signer errs":     {withoutKey, signer(func([]byte, crypto.SignerOpts) ([]byte, error) { return nil, errors.New("the HSM is away") }), payseal.ErrSignerFailed},
		"signer panics":   {withoutKey, signer(func([]byte, crypto.SignerOpts) ([]byte, error) { panic("no") }), payseal.ErrSignerFailed},
		"signer is empty": {withoutKey, signer(func([]byte, crypto.SignerOpts) ([]byte, error) { return nil, nil }), payseal.ErrSignerFailed},
		"signer is long":  {withoutKey, signer(func([]byte, crypto.SignerOpts) ([]byte, error) { return make([]byte, 2000), nil }), payseal.ErrSignerFailed},
		"clock panics":    {p.config(), payseal.WithClock(func() time.Time { panic("no") }), payseal.ErrCallbackFailed},
		"clock before 0":  {p.config(), payseal.WithClock(func() time.Time { return time.Unix(-1, 0) }), payseal.ErrCallbackFailed},
		"random errs":     {p.config(), payseal.WithRandom(strings.NewReader("")), payseal.ErrCallbackFailed},
		"random panics":   {p.config(), payseal.WithRandom(panickingReader{}), payseal.ErrCallbackFailed},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := payseal.NewClient(test.config, test.option, over(func(*http.Request) (*http.Response, error) {
				t.Error("something was sent")
				return nil, errors.New("no")
			}))
			if err == nil { // a clock is asked before
				defer client.Close()
				_, err = client.Execute(t.Context(), nativeOrder, orderParams())
			}
			failure(t, err, test.code, payseal.OutcomeNotSent)
		})
	}
}

type panickingReader struct{}

func (panickingReader) Read([]byte) (int, error) { panic("no") }

func TestWhyTheSignerFailedIsLogged(t *testing.T) {
	p := thePlatform()
	config := p.config()
	config.PrivateKey = ""
	var lines strings.Builder
	client := newClient(t, config, payseal.WithLogger(slog.New(slog.NewTextHandler(&lines, nil))),
		payseal.WithSigner(module{p.merchant.Public(), func([]byte, crypto.SignerOpts) ([]byte, error) { return nil, errors.New("the HSM is away") }}))
	if _, err := client.JSAPIPayment("", "wx1"); !errors.Is(err, payseal.ErrSignerFailed) {
		t.Fatal(err)
	}
	if !strings.Contains(lines.String(), "the HSM is away") {
		t.Error(lines.String())
	}
}

func TestASignerWithAnotherKindOfKeyIsRefused(t *testing.T) {
	elliptic, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	config := thePlatform().config()
	config.PrivateKey = ""
	if _, err := payseal.NewClient(config, payseal.WithSigner(elliptic)); !errors.Is(err, payseal.ErrKeyUnsupported) {
		t.Error(err)
	}
}

func TestCallbacksSurviveACollectorThatNeverRests(t *testing.T) {
	p := thePlatform()
	config := p.config()
	config.PrivateKey = ""
	var mu sync.Mutex
	signatures := 0
	options := []payseal.Option{
		payseal.WithClock(func() time.Time { runtime.GC(); return time.Now() }),
		payseal.WithRandom(rand.Reader),
		payseal.WithLogger(slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug}))),
		payseal.WithSigner(module{p.merchant.Public(), func(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
			mu.Lock()
			signatures++
			mu.Unlock()
			grow(64) // moves this goroutine's stack while C frames are below it
			return rsa.SignPKCS1v15(nil, p.merchant, opts.HashFunc(), digest)
		}}),
	}
	body := []byte(`{"code_url":"weixin://wxpay/bizpayurl?pr=1"}`)
	provider := func(r *http.Request) (*http.Response, error) {
		return answers(200, p.signed(time.Now(), body), body)(r)
	}
	client := newClient(t, config, append(options, over(provider))...)
	silent := newSilentServer(t)
	blocking := config
	blocking.Hosts = []string{silent.URL}
	native := newClient(t, blocking, options...)

	var users sync.WaitGroup
	for range 8 {
		users.Add(1)
		go func() {
			defer users.Done()
			for range 5 {
				if result, err := client.Execute(context.Background(), nativeOrder, orderParams()); err != nil || string(result.Body) != string(body) {
					t.Error(err)
				}
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				go func() { <-silent.requested; cancel() }()
				if _, err := native.Execute(ctx, nativeOrder, orderParams()); err == nil {
					t.Error("an answer came from nowhere")
				}
				cancel()
			}
		}()
	}
	users.Wait()
	if signatures < 40 {
		t.Errorf("%d signatures", signatures)
	}
}

// grow uses a kilobyte of stack per level.
func grow(levels int) byte {
	var frame [1024]byte
	if levels > 0 {
		frame[levels%1024] = grow(levels - 1)
	}
	return frame[1] + frame[levels%1024]
}
