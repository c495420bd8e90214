package payments_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/payments"
)

func TestAConfigShowsNoSecret(t *testing.T) {
	config := payments.Config{Store: "postgres://shop:hunter2@db/shop", Accounts: []payments.Account{{Name: "wechat"}}}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("open", "config", config)
	for _, shown := range []string{fmt.Sprint(config), fmt.Sprintf("%+v %#v %s", config, config, config), log.String()} {
		if strings.Contains(shown, "hunter2") || !strings.Contains(shown, "wechat") {
			t.Error(shown)
		}
	}
	if shown := fmt.Sprintf("%v %+v %#v", payments.Payer{AuthCode: "134567"}, payments.Payer{AuthCode: "134567"}, payments.Payer{AuthCode: "134567"}); strings.Contains(shown, "134567") {
		t.Error(shown)
	}
}

// full is a configuration in which nothing is left out.
func full(t *testing.T) payments.Config {
	return payments.Config{
		Store:          sqlite(t),
		Accounts:       []payments.Account{{Name: "wechat", Client: theSandbox(t).Client(t, "config.json", nil)}},
		NotifyURLs:     map[string]string{"wechat": "https://shop.example/notify"},
		Expires:        time.Hour,
		QuerySchedule:  []time.Duration{time.Second, time.Minute},
		RefundSchedule: []time.Duration{time.Minute},
		Work:           payments.Work{Lease: time.Minute, MaxAttempts: 3, Base: time.Second, Cap: time.Minute},
		Outbox:         true,
		UnknownOrders:  payments.UnknownOrdersIgnore,
		Keep:           payments.Keep{Inbox: 72 * time.Hour, Outbox: time.Hour},
	}
}

func TestEveryKeyOfTheConfigurationIsTyped(t *testing.T) {
	openWith(t, full(t)) // the library takes them all
	document, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "abi.md"))
	must(t, err)
	_, section, _ := strings.Cut(string(document), "## Payments (")
	table, _, _ := strings.Cut(section, "Actions.")
	source, err := os.ReadFile("config.go")
	must(t, err)
	keys := regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(table, -1)
	if len(keys) < 10 {
		t.Fatalf("%d keys", len(keys))
	}
	for _, key := range keys {
		if !strings.Contains(string(source), `json:"`+key[1]) {
			t.Errorf("Config has no %s", key[1])
		}
	}
}

func TestEveryActionIsTyped(t *testing.T) {
	document, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "abi.md"))
	must(t, err)
	_, section, _ := strings.Cut(string(document), "\nActions.")
	table, _, _ := strings.Cut(section, "\nOrder:")
	var source string
	for _, name := range []string{"pay.go", "reading.go", "queue.go", "statements.go"} {
		part, err := os.ReadFile(name)
		must(t, err)
		source += string(part)
	}
	actions := regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(table, -1)
	if len(actions) < 20 {
		t.Fatalf("%d actions", len(actions))
	}
	for _, action := range actions {
		if !strings.Contains(source, `"`+action[1]+`"`) {
			t.Errorf("nothing does %s", action[1])
		}
	}
}

func TestEveryMemberOfAResultIsTyped(t *testing.T) {
	document, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "abi.md"))
	must(t, err)
	var source string
	for _, name := range []string{"order.go", "pay.go", "reading.go", "queue.go", "accept.go"} {
		part, err := os.ReadFile(name)
		must(t, err)
		source += string(part)
	}
	_, section, _ := strings.Cut(string(document), "\nActions.")
	section, _, _ = strings.Cut(section, "\n### Taking")
	lists := regexp.MustCompile(`(?ms)^(Order|Client|Refund|History|Exception|Event \([^)]*\)|Message \([^)]*\)): .*?\n\n`).FindAllString(section, -1)
	if len(lists) != 7 {
		t.Fatalf("%d lists", len(lists))
	}
	for _, list := range lists {
		for _, word := range regexp.MustCompile("[`\"]([a-z_.]+)[`\"]").FindAllStringSubmatch(list, -1) {
			if word[1] != "payseal_notification_open" && !strings.Contains(source, `"`+word[1]+`"`) && !strings.Contains(source, `"`+word[1]+`,omitempty"`) {
				t.Errorf("nothing is named %s", word[1])
			}
		}
	}
}

func TestAConfigurationThatCannotWorkNamesTheField(t *testing.T) {
	for field, break_ := range map[string]func(*payments.Config){
		"store":              func(config *payments.Config) { config.Store = "oracle://db" },
		"expires_ms":         func(config *payments.Config) { config.Expires = -time.Second },
		"query_schedule_ms":  func(config *payments.Config) { config.QuerySchedule = []time.Duration{0} },
		"work.lease_ms":      func(config *payments.Config) { config.Work.Lease = time.Microsecond },
		"keep.inbox_ms":      func(config *payments.Config) { config.Keep.Inbox = time.Hour },
		"unknown_orders":     func(config *payments.Config) { config.UnknownOrders = "keep" },
		"notify_urls":        func(config *payments.Config) { config.NotifyURLs = map[string]string{"nobody": "https://shop.example"} },
		"refund_schedule_ms": func(config *payments.Config) { config.RefundSchedule = []time.Duration{-time.Hour} },
	} {
		config := full(t)
		break_(&config)
		_, err := payments.Open(config)
		var failed *payseal.Error
		if failed = failure(t, err, payseal.ErrConfigInvalid, payseal.OutcomeNotSent); !strings.HasPrefix(failed.Details.Field, field) {
			t.Errorf("%s: %+v", field, failed)
		}
	}
}

func TestAccountsAreNamedOrTakeTheirProvidersNames(t *testing.T) {
	config := full(t)
	config.Accounts[0].Name, config.NotifyURLs = "", nil
	p := openWith(t, config)
	payment, err := p.Create(t.Context(), &payments.PayRequest{
		OrderNo: newNumber(), Method: payments.MethodNative, Amount: 1, Subject: "tea", NotifyURL: "http://127.0.0.1:9/notify",
	})
	must(t, err)
	if payment.Order.Account != payseal.WeChat {
		t.Errorf("%+v", payment.Order)
	}
	config.Accounts = nil
	_, err = payments.Open(config)
	failure(t, err, payseal.ErrInvalidArgument, payseal.OutcomeNotSent)
	config.Accounts = []payments.Account{{}}
	_, err = payments.Open(config)
	failure(t, err, payseal.ErrInvalidArgument, payseal.OutcomeNotSent)
}

func TestOptionsOfAClientAreRefusedForPayments(t *testing.T) {
	_, err := payments.Open(full(t), transports()["net/http"]...)
	failure(t, err, payseal.ErrInvalidArgument, payseal.OutcomeNotSent)
}

func TestADatabaseThatCannotBeUsedIsAnErrorOfItsOwnKind(t *testing.T) {
	folder := t.TempDir()
	must(t, os.WriteFile(filepath.Join(folder, "text"), []byte(strings.Repeat("this is no database\n", 500)), 0o600))
	for url, code := range map[string]payseal.Code{
		"sqlite:" + filepath.Join(folder, "text"):   payseal.ErrStoreSchema,
		"postgres://u:p@127.0.0.1:1/nobody-listens": payseal.ErrStoreUnavailable,
	} {
		config := full(t)
		config.Store = url
		_, err := payments.Open(config)
		failure(t, err, code, payseal.OutcomeNotSent)
		if code.Kind() != payseal.KindStore {
			t.Error(code.Kind())
		}
	}
}

func TestClosedPaymentsSayTheyAreClosed(t *testing.T) {
	p := openWith(t, full(t))
	for range 2 {
		must(t, p.Close())
	}
	_, err := p.Stats(t.Context())
	failure(t, err, payseal.ErrInvalidHandle, payseal.OutcomeNotSent)
}
