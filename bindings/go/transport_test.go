package payseal_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

const (
	nativeOrder = "POST /v3/pay/transactions/native"
	queryOrder  = "GET /v3/pay/transactions/out-trade-no/{out_trade_no}"
)

func orderParams() payseal.Params {
	return payseal.Params{Body: map[string]any{
		"description": "茶 & <tea>", "out_trade_no": "GO20250608001", "notify_url": "https://shop.example/notify",
		"amount": map[string]any{"total": 100},
	}}
}

func queryParams() payseal.Params {
	return payseal.Params{Path: map[string]string{"out_trade_no": "GO20250608001"}, Query: map[string]string{"mchid": mchid}}
}

var authorization = regexp.MustCompile(`^WECHATPAY2-SHA256-RSA2048 mchid="(\d+)",nonce_str="([0-9A-F]{32})",signature="([^"]+)",timestamp="(\d+)",serial_no="(\w+)"$`)

func TestGoVerifiesTheSignatureOverTheBytesThatAreSent(t *testing.T) {
	p := thePlatform()
	answer := []byte(`{"code_url":"weixin://wxpay/bizpayurl?pr=1"}`)
	check := func(method string) roundTrip {
		return func(r *http.Request) (*http.Response, error) {
			body, _ := io.ReadAll(r.Body)
			parts := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
			if r.Method != method || parts == nil || parts[1] != mchid || parts[5] != merchantSerial {
				t.Fatalf("%s with Authorization %q", r.Method, r.Header.Get("Authorization"))
			}
			message := fmt.Sprintf("%s\n%s\n%s\n%s\n%s\n", r.Method, r.URL.RequestURI(), parts[4], parts[2], body)
			digest := sha256.Sum256([]byte(message))
			signature, err := base64.StdEncoding.DecodeString(parts[3])
			if err != nil {
				t.Fatal(err)
			}
			if err := rsa.VerifyPKCS1v15(&p.merchant.PublicKey, crypto.SHA256, digest[:], signature); err != nil {
				t.Errorf("crypto/rsa does not accept the signature over %q", message)
			}
			return answers(200, p.signed(time.Now(), answer), answer)(r)
		}
	}
	result, err := p.client(t, over(check("POST"))).Execute(t.Context(), nativeOrder, orderParams())
	if err != nil {
		t.Fatal(err)
	}
	if string(result.Body) != string(answer) || !result.Info.Verified || result.Info.Serial != platformSerial || result.Info.Attempts != 1 || result.Info.HTTPStatus != 200 {
		t.Errorf("%s %+v", result.Body, result.Info)
	}
	if _, err = p.client(t, over(check("GET"))).Execute(t.Context(), queryOrder, queryParams()); err != nil {
		t.Fatal(err)
	}
}

func TestAnAnswerThatIsNotThePlatformsIsNeverHandedOut(t *testing.T) {
	p := thePlatform()
	body := []byte(`{"code_url":"weixin://wxpay/bizpayurl?pr=1"}`)
	good := p.signed(time.Now(), body)
	with := func(name string, values ...string) http.Header {
		header := good.Clone()
		header[name] = values
		return header
	}
	for name, test := range map[string]struct {
		header http.Header
		body   string
		code   payseal.Code
	}{
		"no signature":       {with("Wechatpay-Signature"), string(body), payseal.ErrSignatureMissing},
		"empty signature":    {with("Wechatpay-Signature", ""), string(body), payseal.ErrSignatureMissing},
		"other body":         {good, strings.Replace(string(body), "pr=1", "pr=2", 1), payseal.ErrSignatureInvalid},
		"line feed added":    {good, string(body) + "\n", payseal.ErrSignatureInvalid},
		"unpadded base64":    {with("Wechatpay-Signature", strings.TrimRight(good.Get("Wechatpay-Signature"), "=")), string(body), payseal.ErrSignatureInvalid},
		"probe":              {with("Wechatpay-Signature", "WECHATPAY/SIGNTEST/"+good.Get("Wechatpay-Signature")), string(body), payseal.ErrSignatureProbe},
		"unknown serial":     {with("Wechatpay-Serial", "7777777777777777777777777777777777777777"), string(body), payseal.ErrUnknownSerial},
		"two signatures":     {with("Wechatpay-Signature", good.Get("Wechatpay-Signature"), good.Get("Wechatpay-Signature")), string(body), payseal.ErrHeaderInvalid},
		"other algorithm":    {with("Wechatpay-Signature-Type", "WECHATPAY2-SM2-WITH-SM3"), string(body), payseal.ErrAlgorithmMismatch},
		"301 seconds old":    {p.signed(time.Now().Add(-302*time.Second), body), string(body), payseal.ErrClockSkew},
		"301 seconds ahead":  {p.signed(time.Now().Add(302*time.Second), body), string(body), payseal.ErrClockSkew},
		"timestamp with a +": {with("Wechatpay-Timestamp", "+"+good.Get("Wechatpay-Timestamp")), string(body), payseal.ErrHeaderInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := p.client(t, over(answers(200, test.header, []byte(test.body)))).Execute(t.Context(), nativeOrder, orderParams())
			if result != nil {
				t.Fatal("the body was handed out")
			}
			failed := failure(t, err, test.code, payseal.OutcomeUnknown)
			if !errors.Is(err, payseal.KindTrust) || failed.Details.CodeName != test.code.String() {
				t.Errorf("%+v", failed.Details)
			}
		})
	}
}

func TestARefusalCarriesTheProvidersWords(t *testing.T) {
	p := thePlatform()
	body := []byte(`{"code":"ORDERPAID","message":"该订单已支付","detail":{"field":"out_trade_no"}}`)
	client := p.client(t, over(answers(400, p.signed(time.Now(), body), body)))
	_, err := client.Execute(t.Context(), nativeOrder, orderParams())
	failed := failure(t, err, payseal.ErrProviderRejected, payseal.OutcomeRejected)
	if d := failed.Details; d.ProviderCode != "ORDERPAID" || !d.Authenticated || d.HTTPStatus != 400 || len(d.ProviderDetail) == 0 || d.Operation != nativeOrder {
		t.Errorf("%s", failed.Details.Raw)
	}
	if !errors.Is(err, payseal.ErrProviderRejected) || !errors.Is(err, payseal.OutcomeRejected) || !errors.Is(err, payseal.KindProvider) {
		t.Error("errors.Is does not recognize code, outcome and kind")
	}
	if errors.Is(err, payseal.OutcomeUnknown) || errors.Is(err, payseal.KindTrust) || errors.Is(err, payseal.ErrTimeout) {
		t.Error("errors.Is recognizes what it is not")
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	var requests atomic.Int32
	client := thePlatform().client(t, over(func(r *http.Request) (*http.Response, error) {
		requests.Add(1)
		return answers(302, http.Header{"Location": {"http://169.254.169.254/"}}, nil)(r)
	}))
	if _, err := client.Execute(t.Context(), queryOrder, queryParams()); err == nil {
		t.Error("a redirect is no answer")
	}
	if requests.Load() != 1 {
		t.Errorf("%d requests", requests.Load())
	}
}

func TestTheHostsClientIsLeftAsItIs(t *testing.T) {
	jar := cookies{t}
	own := &http.Client{Transport: answers(200, nil, nil), Jar: jar}
	client := thePlatform().client(t, payseal.WithHTTPClient(own))
	_, _ = client.Execute(t.Context(), queryOrder, queryParams())
	if own.Jar != jar || own.CheckRedirect != nil {
		t.Error("the caller's http.Client was changed")
	}
}

// cookies fails the test when a request of the library meets it.
type cookies struct{ *testing.T }

func (c cookies) SetCookies(_ *url.URL, _ []*http.Cookie) { c.Error("a cookie was kept") }
func (c cookies) Cookies(_ *url.URL) []*http.Cookie       { c.Error("a cookie was sent"); return nil }

func TestAnAnswerAboveTheLimitIsRefused(t *testing.T) {
	p := thePlatform()
	config := p.config()
	config.MaxResponseBytes = 4096
	body := []byte(strings.Repeat("x", 4097))
	client := newClient(t, config, over(answers(200, p.signed(time.Now(), body), body)))
	_, err := client.Execute(t.Context(), nativeOrder, orderParams())
	failure(t, err, payseal.ErrResponseTooLarge, payseal.OutcomeUnknown)
}

func TestARequestThatFoundNoConnectionWasNotSent(t *testing.T) {
	refused := payseal.WithHTTPClient(&http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no route")
	}}})
	_, err := thePlatform().client(t, refused).Execute(t.Context(), nativeOrder, orderParams())
	failure(t, err, payseal.ErrConnectFailed, payseal.OutcomeNotSent)
}

func TestARequestMayHaveLeftWhenTheTransportDoesNotSay(t *testing.T) {
	broken := errors.New("the tunnel broke")
	_, err := thePlatform().client(t, over(func(*http.Request) (*http.Response, error) { return nil, broken })).Execute(t.Context(), nativeOrder, orderParams())
	failure(t, err, payseal.ErrConnectionLost, payseal.OutcomeUnknown)
	if !errors.Is(err, broken) {
		t.Error("the transport's error is not found behind the library's")
	}
}

func TestTheHostsClientMayHaveATimeoutOfItsOwn(t *testing.T) {
	impatient := payseal.WithHTTPClient(&http.Client{Transport: &http.Transport{}, Timeout: 100 * time.Millisecond})
	_, err := newClient(t, newSilentServer(t).config(), impatient).Execute(t.Context(), nativeOrder, orderParams())
	failure(t, err, payseal.ErrTimeout, payseal.OutcomeUnknown)
}

func TestAContextEndsACallInTheMiddleOfARequest(t *testing.T) {
	for name, transport := range transports() {
		t.Run(name, func(t *testing.T) {
			silent := newSilentServer(t)
			client := newClient(t, silent.config(), transport...)

			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				<-silent.requested
				cancel()
			}()
			_, err := client.Execute(ctx, nativeOrder, orderParams())
			failure(t, err, payseal.ErrCancelled, payseal.OutcomeUnknown)
			if !errors.Is(err, context.Canceled) {
				t.Error("errors.Is(err, context.Canceled) does not hold")
			}

			ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			_, err = client.Execute(ctx, nativeOrder, orderParams())
			failure(t, err, payseal.ErrTimeout, payseal.OutcomeUnknown)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Error("errors.Is(err, context.DeadlineExceeded) does not hold")
			}
		})
	}
}

func TestTheNearerOfTimeoutAndDeadlineEndsTheCall(t *testing.T) {
	for name, transport := range transports() {
		t.Run(name, func(t *testing.T) {
			client := newClient(t, newSilentServer(t).config(), transport...)
			for timeout, deadline := range map[time.Duration]time.Duration{200 * time.Millisecond: time.Minute, time.Minute: 200 * time.Millisecond} {
				ctx, cancel := context.WithTimeout(t.Context(), deadline)
				defer cancel()
				params := orderParams()
				params.Options.Timeout = timeout
				_, err := client.Execute(ctx, nativeOrder, params)
				failure(t, err, payseal.ErrTimeout, payseal.OutcomeUnknown)
				if errors.Is(err, context.DeadlineExceeded) != (deadline < timeout) {
					t.Errorf("timeout %v, deadline %v: %v", timeout, deadline, err)
				}
			}
		})
	}
}

func TestTheLibraryIsToldTheSmallerTimeRoundedUp(t *testing.T) {
	background := context.Background()
	soon, cancel := context.WithTimeout(background, time.Minute)
	defer cancel()
	past, cancelPast := context.WithDeadline(background, time.Now().Add(-time.Hour))
	defer cancelPast()
	for _, test := range []struct {
		ctx         context.Context
		timeout     time.Duration
		least, most int64
	}{
		{background, 0, 0, 0},
		{background, time.Second, 1000, 1000},
		{background, 1, 1, 1},
		{background, 1500 * time.Microsecond, 2, 2},
		{soon, 0, 50_000, 60_000},
		{soon, time.Second, 1000, 1000},
		{soon, time.Hour, 50_000, 60_000},
		{past, time.Hour, 1, 1},
	} {
		if ms := payseal.TimeoutMS(test.ctx, test.timeout); ms < test.least || ms > test.most {
			t.Errorf("%v: %d ms, want %d to %d", test.timeout, ms, test.least, test.most)
		}
	}
}

func TestNoCompressionIsAskedFor(t *testing.T) {
	p := thePlatform()
	body := []byte(`{"code_url":"weixin://wxpay/bizpayurl?pr=1"}`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked := r.Header.Get("Accept-Encoding"); asked != "" && asked != "identity" {
			t.Errorf("Accept-Encoding: %s", asked)
		}
		for name, values := range p.signed(time.Now(), body) {
			w.Header()[name] = values
		}
		_, _ = w.Write(body)
	}))
	defer server.Close()
	config := p.config()
	config.Hosts = []string{server.URL}
	for _, transport := range transports() {
		if _, err := newClient(t, config, transport...).Execute(t.Context(), nativeOrder, orderParams()); err != nil {
			t.Error(err)
		}
	}
}

func TestADeadlineFurtherAwayThanTheLibraryAllowsIsNoMistake(t *testing.T) {
	p := thePlatform()
	body := []byte(`{"code_url":"weixin://wxpay/bizpayurl?pr=1"}`)
	ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
	defer cancel()
	if _, err := p.client(t, over(answers(200, p.signed(time.Now(), body), body))).Execute(ctx, nativeOrder, orderParams()); err != nil {
		t.Error(err)
	}
	header, body := p.notification(time.Now(), "TRANSACTION.SUCCESS", []byte(paidPlaintext))
	if _, err := p.client(t).OpenNotificationRaw(ctx, header, body); err != nil {
		t.Error(err)
	}
}

func TestAContextThatHasEndedSendsNothing(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	late, cancelLate := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancelLate()
	for name, transport := range transports() {
		t.Run(name, func(t *testing.T) {
			silent := newSilentServer(t)
			client := newClient(t, silent.config(), transport...)
			_, err := client.Execute(ended, nativeOrder, orderParams())
			failure(t, err, payseal.ErrCancelled, payseal.OutcomeNotSent)
			if !errors.Is(err, context.Canceled) {
				t.Error("errors.Is(err, context.Canceled) does not hold")
			}
			_, err = client.Execute(late, nativeOrder, orderParams())
			failure(t, err, payseal.ErrTimeout, payseal.OutcomeNotSent)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Error("errors.Is(err, context.DeadlineExceeded) does not hold")
			}
			if silent.connections.Load() != 0 {
				t.Error("a connection was made")
			}
		})
	}
}

// transports are the two ways to send: the library's and net/http.
func transports() map[string][]payseal.Option {
	return map[string][]payseal.Option{
		"built-in":    nil,
		"http.Client": {payseal.WithHTTPClient(&http.Client{Transport: &http.Transport{}})},
	}
}

// silentServer reads requests and never answers.
type silentServer struct {
	*httptest.Server
	requested   chan struct{} // receives once per request
	connections atomic.Int32
}

func newSilentServer(t testing.TB) *silentServer {
	done := make(chan struct{})
	s := &silentServer{requested: make(chan struct{}, 1<<16)}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		s.requested <- struct{}{}
		select {
		case <-done:
		case <-r.Context().Done():
		}
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(func() {
		close(done)
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

func (s *silentServer) config() payseal.Config {
	config := thePlatform().config()
	config.Hosts = []string{s.URL}
	return config
}
