package payments_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/internal/sandboxtest"
	"github.com/payseal/payseal/bindings/go/payments"
)

// startSandbox runs the one that all tests share.
var startSandbox = sync.OnceValues(func() (*sandboxtest.Sandbox, error) {
	dir, err := os.MkdirTemp("", "payseal-sandbox-")
	if err != nil {
		return nil, err
	}
	started, stop, err := sandboxtest.Start(dir)
	if err != nil {
		return nil, err
	}
	stopSandbox = func() {
		stop()
		_ = os.RemoveAll(dir)
	}
	return started, nil
})

// stopSandbox does nothing until there is one.
var stopSandbox = func() {}

func TestMain(m *testing.M) {
	code := m.Run()
	stopSandbox()
	os.Exit(code)
}

func theSandbox(t testing.TB) *sandboxtest.Sandbox {
	t.Helper()
	started, err := startSandbox()
	if err != nil {
		t.Fatal(err)
	}
	return started
}

var count atomic.Int64

func newNumber() string { return fmt.Sprintf("GP%d%06d", os.Getpid(), count.Add(1)) }

// clock is one that tests turn.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) turn(by time.Duration) { c.ahead.Add(int64(by)) }

// shop is a service with payments and the handler that providers notify.
type shop struct {
	*payments.Payments
	sandbox *sandboxtest.Sandbox
	clock   *clock
	// notify is the handler's address.
	notify string
	// answered gets the status of every answer to a notification.
	answered chan int
}

// open makes a shop at WeChat Pay and Alipay. options are those of its clients.
func open(t testing.TB, store string, change func(*payments.Config), options ...payseal.Option) *shop {
	t.Helper()
	s := &shop{sandbox: theSandbox(t), clock: new(clock), answered: make(chan int, 1000)}
	config := payments.Config{
		Store: store,
		Accounts: []payments.Account{
			{Name: "wechat", Client: s.sandbox.Client(t, "config.json", nil, options...)},
			{Name: "alipay", Client: s.sandbox.Client(t, "config-alipay.json", nil, options...)},
		},
	}
	if change != nil {
		change(&config)
	}
	s.Payments = openWith(t, config, payseal.WithClock(s.clock.now))
	handler := payments.Handler(s.Payments, "")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		noted := &statusWriter{ResponseWriter: w}
		handler.ServeHTTP(noted, r)
		s.answered <- noted.status
	}))
	t.Cleanup(server.Close)
	s.notify = server.URL
	return s
}

func openWith(t testing.TB, config payments.Config, options ...payseal.Option) *payments.Payments {
	t.Helper()
	opened, err := payments.Open(config, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	return opened
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func sqlite(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "payments.db") }

// onEveryStore runs a test on SQLite, and on the servers that PAYSEAL_TEST_POSTGRES and PAYSEAL_TEST_MYSQL name.
func onEveryStore(t *testing.T, test func(t *testing.T, store string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, sqlite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, database(t, "PAYSEAL_TEST_POSTGRES")) })
	t.Run("mysql", func(t *testing.T) { test(t, database(t, "PAYSEAL_TEST_MYSQL")) })
}

// database makes an empty one on a server, with the client program that comes with the server.
func database(t *testing.T, variable string) string {
	t.Helper()
	address := os.Getenv(variable)
	if address == "" {
		t.Skipf("%s names no server; scripts/services.py starts one", variable)
	}
	server, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	name := "go_" + strings.ToLower(rand.Text())
	administer(t, address, "CREATE DATABASE "+name)
	server.Path = "/" + name
	return server.String()
}

// administer runs SQL in a process of its own: in this one nobody else may open the file of SQLite.
func administer(t *testing.T, store, sql string) {
	t.Helper()
	var command *exec.Cmd
	if path, isFile := strings.CutPrefix(store, "sqlite:"); isFile {
		command = exec.Command("python3", "-c", "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute(sys.argv[2])", path, sql)
	} else if server, err := url.Parse(store); err != nil {
		t.Fatal(err)
	} else if server.Scheme == "mysql" {
		password, _ := server.User.Password()
		command = exec.Command("mariadb", "--no-defaults", "--protocol=tcp", "--host="+server.Hostname(), "--port="+server.Port(),
			"--user="+server.User.Username(), "--execute="+sql, strings.TrimPrefix(server.Path, "/"))
		command.Env = append(os.Environ(), "MYSQL_PWD="+password)
	} else {
		command = exec.Command("psql", "--no-psqlrc", "--quiet", "--command="+sql, store)
	}
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
}

// transports are the ways in which requests are sent.
func transports() map[string][]payseal.Option {
	return map[string][]payseal.Option{
		"built-in": nil,
		"net/http": {payseal.WithHTTPClient(&http.Client{})},
	}
}

// request is for a code that the payer scans.
func (s *shop) request(account string) *payments.PayRequest {
	methods := map[string]payments.Method{"wechat": payments.MethodNative, "alipay": payments.MethodPrecreate}
	return &payments.PayRequest{
		Account: account, OrderNo: newNumber(), Method: methods[account], Amount: 8888, Subject: "一杯茶", NotifyURL: s.notify,
	}
}

func (s *shop) create(t testing.TB, request *payments.PayRequest) *payments.Payment {
	t.Helper()
	payment, err := s.Create(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return payment
}

// paid orders, pays and waits until the notification was answered with success.
func (s *shop) paid(t testing.TB, account string) (orderNo string) {
	t.Helper()
	request := s.request(account)
	s.create(t, request)
	s.pay(t, request.OrderNo)
	s.told(t)
	return request.OrderNo
}

func (s *shop) pay(t testing.TB, orderNo string) {
	t.Helper()
	s.sandbox.Control(t, "POST", "/sandbox/orders/"+orderNo+"/pay", map[string]any{})
}

// told waits for a notification that is answered with success.
func (s *shop) told(t testing.TB) {
	t.Helper()
	if status := receive(t, s.answered); status/100 != 2 {
		t.Fatalf("a notification was answered with %d", status)
	}
}

// claimed is the one event that there is.
func (s *shop) claimed(t testing.TB) *payments.Event {
	t.Helper()
	events := s.claimedAll(t)
	if len(events) != 1 {
		t.Fatalf("%d events", len(events))
	}
	return events[0]
}

// claimedFor is the one event about an order, or nil. What another test's provider still tells is put aside.
func (s *shop) claimedFor(t testing.TB, orderNo string) (found *payments.Event) {
	t.Helper()
	for _, event := range s.claimedAll(t) {
		switch {
		case event.OrderNo != orderNo:
			must(t, s.Ack(t.Context(), event))
		case found != nil:
			t.Fatalf("two events about %s", orderNo)
		default:
			found = event
		}
	}
	return found
}

func (s *shop) claimedAll(t testing.TB) []*payments.Event {
	t.Helper()
	events, err := s.ClaimEvents(t.Context(), payments.Claim{Most: 100})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func (s *shop) order(t testing.TB, orderNo string) *payments.File {
	t.Helper()
	file, err := s.Order(t.Context(), orderNo)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func (s *shop) isIn(t testing.TB, orderNo string, state payments.State) {
	t.Helper()
	if file := s.order(t, orderNo); file.Order.State != state {
		t.Fatalf("the order is %s, not %s: %+v", file.Order.State, state, file.History)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func receive[T any](t testing.TB, channel <-chan T) T {
	t.Helper()
	select {
	case value := <-channel:
		return value
	case <-time.After(30 * time.Second):
		t.Fatal("nothing came for 30 seconds")
		panic("unreachable")
	}
}

// failure checks an error's code and outcome.
func failure(t testing.TB, err error, code payseal.Code, outcome payseal.Outcome) *payseal.Error {
	t.Helper()
	var failed *payseal.Error
	if !errors.As(err, &failed) || failed.Code != code || failed.Outcome != outcome {
		t.Fatalf("%v, want %s %s", err, code, outcome)
	}
	return failed
}

func decode[T any](t testing.TB, encoded []byte) (value T) {
	t.Helper()
	if err := json.Unmarshal(encoded, &value); err != nil {
		t.Fatalf("%v: %s", err, encoded)
	}
	return value
}

// resend lets the sandbox send all notifications about an order once more.
func (s *shop) resend(t testing.TB, orderNo string) {
	t.Helper()
	for _, delivery := range decode[[]struct{ ID string }](t, s.sandbox.Control(t, "GET", "/sandbox/notifications?out_trade_no="+orderNo, nil)) {
		s.sandbox.Control(t, "POST", "/sandbox/notifications/"+delivery.ID+"/resend", map[string]any{})
	}
}

// run starts a runner and returns what ends it and waits for its end.
func run(t testing.TB, runner *payments.Runner) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return receive(t, ended)
	})
	t.Cleanup(func() { _ = stop() })
	return stop
}
