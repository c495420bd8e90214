package payseal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

func TestEveryUseOfAClosedClientIsACleanError(t *testing.T) {
	p := thePlatform()
	header, body := p.notification(time.Now(), "TRANSACTION.SUCCESS", []byte(paidPlaintext))
	for name, transport := range transports() {
		t.Run(name, func(t *testing.T) {
			client := p.client(t, transport...)
			for range 3 {
				if err := client.Close(); err != nil {
					t.Fatal(err)
				}
			}
			for name, use := range map[string]func() error{
				"Execute":             func() error { _, err := client.Execute(t.Context(), nativeOrder, orderParams()); return err },
				"OpenNotificationRaw": func() error { _, err := client.OpenNotificationRaw(t.Context(), header, body); return err },
				"NotificationReply":   func() error { _, err := client.NotificationReply(payseal.OK); return err },
				"JSAPIPayment":        func() error { _, err := client.JSAPIPayment("", "wx1"); return err },
				"Metrics":             func() error { _, err := client.Metrics(); return err },
			} {
				if err := use(); !errors.Is(err, payseal.ErrInvalidHandle) || !errors.Is(err, payseal.KindCaller) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

func TestAClosedClientsHandleIsNotTheNextOnes(t *testing.T) {
	p := thePlatform()
	old := p.client(t)
	old.Close()
	for range 100 {
		p.client(t)
		if _, err := old.Metrics(); !errors.Is(err, payseal.ErrInvalidHandle) {
			t.Fatal("the closed client answers for another")
		}
	}
}

func TestClosingWhileOthersUseTheClientIsSafe(t *testing.T) {
	p := thePlatform()
	for range 20 {
		client := p.client(t)
		var users sync.WaitGroup
		start := make(chan struct{})
		for range 16 {
			users.Add(1)
			go func() {
				defer users.Done()
				<-start
				for {
					header, body := p.notification(time.Now(), "TRANSACTION.SUCCESS", []byte(paidPlaintext))
					event, err := client.OpenNotificationRaw(context.Background(), header, body)
					if errors.Is(err, payseal.ErrInvalidHandle) {
						return
					}
					if err != nil || string(event.Plaintext) != paidPlaintext {
						t.Error(err)
						return
					}
				}
			}()
		}
		close(start)
		client.Close()
		users.Wait()
	}
}

func TestAForgottenClientIsFreed(t *testing.T) {
	untilDropped(t, func(clock payseal.Option) {
		client, err := payseal.NewClient(thePlatform().config(), clock)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.JSAPIPayment("", "wx1"); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAClosedClientHoldsNothing(t *testing.T) {
	untilDropped(t, func(clock payseal.Option) { thePlatform().client(t, clock).Close() })
}

func TestAClientThatIsRefusedHoldsNothing(t *testing.T) {
	untilDropped(t, func(clock payseal.Option) {
		if _, err := payseal.NewClient(payseal.Config{}, clock); err == nil {
			t.Fatal("a client was made of nothing")
		}
	})
}

// untilDropped waits until the collector takes the clock that use was given.
func untilDropped(t *testing.T, use func(clock payseal.Option)) {
	t.Helper()
	dropped := make(chan struct{})
	use(payseal.WithClock(tellWhenCollected(dropped)))
	for deadline := time.After(30 * time.Second); ; {
		runtime.GC()
		select {
		case <-dropped:
			return
		case <-deadline:
			t.Fatal("the library still holds the client's callbacks")
		default:
			runtime.Gosched()
		}
	}
}

// tellWhenCollected returns a clock; dropped is closed when nothing refers to it any more.
func tellWhenCollected(dropped chan struct{}) func() time.Time {
	held := &struct{ zone *time.Location }{time.UTC}
	runtime.AddCleanup(held, func(dropped chan struct{}) { close(dropped) }, dropped)
	return func() time.Time { return time.Now().In(held.zone) }
}

func TestWrongConfigurationIsRefusedWithTheField(t *testing.T) {
	p := thePlatform()
	other := generateKey()
	for name, test := range map[string]struct {
		change func(*payseal.Config)
		code   payseal.Code
		field  string
	}{
		"no provider":          {func(c *payseal.Config) { c.Provider = "" }, payseal.ErrConfigInvalid, "provider"},
		"mchid not digits":     {func(c *payseal.Config) { c.MchID = "merchant" }, payseal.ErrConfigInvalid, "mchid"},
		"empty apiv3 key":      {func(c *payseal.Config) { c.APIv3Key = "" }, payseal.ErrConfigEmptySecret, "apiv3_key"},
		"short apiv3 key":      {func(c *payseal.Config) { c.APIv3Key = apiv3Key[1:] }, payseal.ErrKeyInvalid, "apiv3_key"},
		"public key as own":    {func(c *payseal.Config) { c.PrivateKey = publicPEM(other) }, payseal.ErrKeyRole, "private_key"},
		"key is prose":         {func(c *payseal.Config) { c.PrivateKey = "our key is in the safe" }, payseal.ErrKeyInvalid, "private_key"},
		"own key as platforms": {func(c *payseal.Config) { c.PlatformPublicKeys[platformSerial] = publicPEM(p.merchant) }, payseal.ErrKeyRole, ""},
		"plain http":           {func(c *payseal.Config) { c.Hosts = []string{"http://api.example"} }, payseal.ErrConfigInvalid, ""},
		"window above 300":     {func(c *payseal.Config) { window := 301; c.TimestampWindowS = &window }, payseal.ErrConfigInvalid, "timestamp_window_s"},
	} {
		t.Run(name, func(t *testing.T) {
			config := p.config()
			test.change(&config)
			client, err := payseal.NewClient(config)
			if client != nil {
				t.Fatal("a client was made")
			}
			failed := failure(t, err, test.code, payseal.OutcomeNotSent)
			if !errors.Is(err, payseal.KindConfiguration) || test.field != "" && failed.Details.Field != test.field {
				t.Errorf("field %q: %v", failed.Details.Field, err)
			}
		})
	}
	for name, config := range map[string]string{"nothing": "", "not JSON": "{", "no object": "[]", "not UTF-8": "{\"\xff\":1}", "NUL": "\x00", "deep": strings.Repeat("[", 100_000)} {
		if _, err := payseal.NewClientFromJSON([]byte(config)); !errors.Is(err, payseal.KindConfiguration) && !errors.Is(err, payseal.KindCaller) {
			t.Errorf("%s: %v", name, err)
		}
	}
	misspelt := p.config()
	misspelt.Hosts = []string{"https://api.mch.weixin.qq.com"}
	encoded, err := json.Marshal(misspelt)
	if err != nil {
		t.Fatal(err)
	}
	_, err = payseal.NewClientFromJSON(bytes.Replace(encoded, []byte(`"hosts"`), []byte(`"apiv3_kee"`), 1))
	if failed := failure(t, err, payseal.ErrConfigUnknownKey, payseal.OutcomeNotSent); !strings.Contains(failed.Message, "apiv3_kee") {
		t.Error(failed.Message)
	}
}

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	config := thePlatform().config()
	for name, option := range map[string]payseal.Option{
		"no http client": payseal.WithHTTPClient(nil), "no signer": payseal.WithSigner(nil), "no room": payseal.WithMaxBlockingCalls(0),
	} {
		if _, err := payseal.NewClient(config, option); !errors.Is(err, payseal.ErrInvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHugeAndEmptyInputIsRefusedBeforeAnythingLeaves(t *testing.T) {
	client := thePlatform().client(t, over(func(*http.Request) (*http.Response, error) {
		t.Error("something was sent")
		return nil, errors.New("no")
	}))
	for name, test := range map[string]struct {
		operation string
		params    payseal.Params
	}{
		"no operation":      {"", payseal.Params{}},
		"operation in NUL":  {"GET /v3/\x00", payseal.Params{}},
		"not UTF-8":         {"GET /v3/\xff", payseal.Params{}},
		"huge operation":    {"GET /" + strings.Repeat("x", 1<<20), payseal.Params{}},
		"huge body":         {nativeOrder, payseal.Params{Body: map[string]string{"description": strings.Repeat("x", 20<<20)}}},
		"huge payload":      {"POST /v3/x", payseal.Params{Payload: make([]byte, 70<<20)}},
		"not JSON":          {nativeOrder, payseal.Params{Body: func() {}}},
		"no path parameter": {queryOrder, payseal.Params{}},
		"line break":        {queryOrder, payseal.Params{Path: map[string]string{"out_trade_no": "A\r\nB"}}},
		"other host":        {"GET https://evil.example/v3/x", payseal.Params{}},
		"negative timeout":  {nativeOrder, payseal.Params{Body: orderParams().Body, Options: payseal.Options{Timeout: -time.Hour}}},
	} {
		_, err := client.Execute(t.Context(), test.operation, test.params)
		var failed *payseal.Error
		if !errors.As(err, &failed) || failed.Outcome != payseal.OutcomeNotSent || failed.Code.Kind() != payseal.KindCaller {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoSecretIsEverPrinted(t *testing.T) {
	p := thePlatform()
	config := p.config()
	config.PreviousAPIv3Key = strings.ToUpper(apiv3Key)
	config.Proxy = "http://user:proxy-password-canary@127.0.0.1:1"
	var printed strings.Builder
	logger := slog.New(slog.NewJSONHandler(&printed, &slog.HandlerOptions{Level: slog.LevelDebug}))

	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&printed, verb, config)
		fmt.Fprintf(&printed, verb, &config)
		fmt.Fprintf(&printed, verb, []any{config})
	}
	logger.Info("config", "value", config, "pointer", &config)
	for _, change := range []func(*payseal.Config){
		func(c *payseal.Config) { c.PrivateKey = strings.Replace(c.PrivateKey, "A", "", 3) },
		func(c *payseal.Config) { c.APIv3Key += "!" },
		func(c *payseal.Config) { c.PlatformPublicKeys[platformSerial] = c.PrivateKey },
		func(c *payseal.Config) { c.MerchantCertificate = c.PrivateKey },
		func(c *payseal.Config) { c.MchID = "" },
		func(c *payseal.Config) { c.Proxy = c.Proxy + "/\n" },
	} {
		wrong := config
		wrong.PlatformPublicKeys = map[string]string{platformSerial: publicPEM(p.key)}
		change(&wrong)
		_, err := payseal.NewClient(wrong)
		fmt.Fprintf(&printed, "%v %+v %#v\n", err, err, err)
		logger.Error("refused", "error", err)
	}
	config.Proxy = ""
	client := newClient(t, config, payseal.WithLogger(logger), over(answers(200, p.signed(time.Now(), []byte("{}")), []byte("{ }"))))
	params := orderParams()
	params.Body.(map[string]any)["payer"] = map[string]string{"openid": "openid-canary"}
	_, err := client.Execute(t.Context(), "POST /v3/pay/transactions/jsapi", params)
	fmt.Fprintf(&printed, "%v %+v %#v\n%+v\n", err, err, err, client)
	header, body := p.notification(time.Now(), "TRANSACTION.SUCCESS", []byte(`{"payer":{"openid":"openid-canary"}}`))
	if _, err := client.OpenNotificationRaw(t.Context(), header, body); err != nil {
		t.Fatal(err)
	}

	secrets := []string{apiv3Key, strings.ToUpper(apiv3Key), "proxy-password-canary", "openid-canary"}
	for _, line := range strings.Split(privatePEM(p.merchant), "\n") {
		if len(line) > 20 && !strings.HasPrefix(line, "-----") {
			secrets = append(secrets, line)
		}
	}
	if printed.Len() < 1000 || len(secrets) < 20 {
		t.Fatalf("only %d bytes printed and %d secrets looked for", printed.Len(), len(secrets))
	}
	for _, secret := range secrets {
		if i := strings.Index(printed.String(), secret); i >= 0 {
			t.Errorf("a secret was printed: …%s", printed.String()[max(0, i-200):i])
		}
	}
}

func TestConfigHasEveryDocumentedKey(t *testing.T) {
	documented := documentedKeys(t, "## Configuration")
	fields := map[string]bool{}
	config := reflect.TypeFor[payseal.Config]()
	for i := range config.NumField() {
		name, _, _ := strings.Cut(config.Field(i).Tag.Get("json"), ",")
		fields[name] = true
	}
	if !reflect.DeepEqual(fields, documented) {
		t.Errorf("Config has %v, docs/abi.md %v", fields, documented)
	}
}

func TestOptionsHaveEveryDocumentedKey(t *testing.T) {
	if documented := documentedKeys(t, "## Parameters"); !reflect.DeepEqual(payseal.OptionKeys(), documented) {
		t.Errorf("the options are %v, docs/abi.md has %v", payseal.OptionKeys(), documented)
	}
}

// documentedKeys reads the first column of the first table below a heading of docs/abi.md.
func documentedKeys(t *testing.T, heading string) map[string]bool {
	t.Helper()
	page, err := os.ReadFile("../../docs/abi.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), heading)
	if !found {
		t.Fatalf("docs/abi.md has no %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	keys := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*`) \\|").FindAllStringSubmatch(section, -1) {
		for _, key := range regexp.MustCompile("`([a-z0-9_]+)`").FindAllStringSubmatch(row[1], -1) {
			keys[key[1]] = true
		}
	}
	return keys
}

func TestCodesAndOutcomesAreThoseOfTheHeader(t *testing.T) {
	header, err := os.ReadFile("../../include/payseal.h")
	if err != nil {
		t.Fatal(err)
	}
	constants := map[string]int{}
	for _, match := range regexp.MustCompile(`PAYSEAL_([A-Z0-9_]+) = (\d+)`).FindAllStringSubmatch(string(header), -1) {
		constants[match[1]], _ = strconv.Atoi(match[2])
	}
	codes := 0
	for name, value := range constants {
		if value == 0 || value >= 100 {
			codes++
			if got := payseal.Code(value).String(); got != name {
				t.Errorf("%d is %s in the header and %s here", value, name, got)
			}
		}
	}
	if codes != len(payseal.CodeNames()) {
		t.Errorf("the header has %d codes, this package %d", codes, len(payseal.CodeNames()))
	}
	for outcome := payseal.OutcomeNotSent; outcome <= payseal.OutcomeMalformed; outcome++ {
		if constants[outcome.String()] != int(outcome) {
			t.Errorf("%s is %d in the header and %d here", outcome, constants[outcome.String()], outcome)
		}
	}
}

func TestOperationsAreListed(t *testing.T) {
	operations, err := payseal.Operations(payseal.WeChat)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, operation := range operations {
		names[operation.Name] = true
		if operation.Title == "" || operation.Repeat == "" {
			t.Errorf("%+v", operation)
		}
	}
	if !names[nativeOrder] || !names[queryOrder] || !names["POST /v3/refund/domestic/refunds"] {
		t.Errorf("%v", names)
	}
	if _, err := payseal.Operations("nobody"); !errors.Is(err, payseal.ErrInvalidArgument) {
		t.Error(err)
	}
}
