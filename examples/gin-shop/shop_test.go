package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/payseal/payseal/bindings/go/payments"
)

// startSandbox returns the address and the folder of simulated providers that end with the test.
func startSandbox(t *testing.T) (address, dir string) {
	program := os.Getenv("PAYSEAL_SANDBOX")
	if program == "" {
		program = filepath.Join("..", "..", "target", "release", "payseal-sandbox")
	}
	dir = t.TempDir()
	command := exec.Command(program, "--dir", dir, "--speed", "200", "--exit-with-stdin")
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("run make build, or set PAYSEAL_SANDBOX: %v", err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = command.Wait()
	})
	line, err := bufio.NewReader(output).ReadString('\n')
	address, found := strings.CutPrefix(strings.TrimSpace(line), "sandbox: ")
	if err != nil || !found {
		t.Fatalf("%q %v", line, err)
	}
	return address, dir
}

// serveShop serves a shop whose log goes to the returned buffer, with its runner at work.
func serveShop(t *testing.T) (shop *shop, sandbox string, log *lockedBuffer) {
	sandbox, dir := startSandbox(t)
	log = &lockedBuffer{}
	shop, _ = serve(t, dir, slog.New(slog.NewJSONHandler(log, nil)))
	work(t, shop)
	return shop, sandbox, log
}

// serve serves a shop at the sandbox of dir, where it keeps its database too; stop is what a crash does.
func serve(t *testing.T, dir string, logger *slog.Logger) (shop *shop, stop func()) {
	page, err := findPage()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	shop, err = openShop(settings{
		database:  "sqlite:" + filepath.Join(dir, "shop.db"),
		wechat:    filepath.Join(dir, "config.json"),
		alipay:    filepath.Join(dir, "config-alipay.json"),
		publicURL: "http://" + server.Listener.Addr().String(),
	}, logger)
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = shop.routes(page)
	server.Start()
	stop = sync.OnceFunc(func() {
		server.Close()
		shop.close()
	})
	t.Cleanup(stop)
	return shop, stop
}

// work runs the shop's runner until the test ends.
func work(t *testing.T, shop *shop) {
	ctx, stop := context.WithCancel(context.Background())
	worked := make(chan error, 1)
	go func() { worked <- shop.runner().Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-worked; err != nil {
			t.Error(err)
		}
	})
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

func ask(t *testing.T, method, url, body string, into any) (status int, header http.Header) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(traceHeader, "trace-of-the-test")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	switch into := into.(type) {
	case nil:
	case *[]byte:
		*into = answer
	default:
		if err := json.Unmarshal(answer, into); err != nil {
			t.Fatalf("%s: %v", answer, err)
		}
	}
	return response.StatusCode, response.Header
}

// view is what the page gets of an order, or an error.
type view struct {
	payments.Payment
	Error, Outcome string
}

func (s *shop) mustOrder(t *testing.T, method string) (order view) {
	t.Helper()
	if status, _ := ask(t, "POST", s.publicURL+"/api/orders", `{"method":"`+method+`"}`, &order); status != http.StatusCreated {
		t.Fatalf("%d %+v", status, order)
	}
	return order
}

func (s *shop) stateOf(t *testing.T, id string) payments.State {
	t.Helper()
	var order view
	ask(t, "GET", s.publicURL+"/api/orders/"+id, "", &order)
	return order.Order.State
}

// file is all that the operator sees of an order.
func (s *shop) file(t *testing.T, id string) (file payments.File) {
	t.Helper()
	if status, _ := ask(t, "GET", s.publicURL+"/api/operator/orders/"+id, "", &file); status != http.StatusOK {
		t.Fatal(status)
	}
	return file
}

// until asks for the order until it is in a state; the test's deadline bounds it.
func (s *shop) until(t *testing.T, id string, state payments.State) view {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		var order view
		if ask(t, "GET", s.publicURL+"/api/orders/"+id, "", &order); order.Order.State == state {
			return order
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the order was never %s: %+v", state, order.Order)
		}
	}
}

// payAt lets the buyer of an order pay.
func payAt(t *testing.T, sandbox, id string) {
	t.Helper()
	if status, _ := ask(t, "POST", sandbox+"/sandbox/orders/"+id+"/pay", "", nil); status != http.StatusOK {
		t.Fatalf("the cashier answered %d", status)
	}
}

func TestAnOrderIsPaidByTheCallbackAlone(t *testing.T) {
	shop, sandbox, log := serveShop(t)
	for method, kind := range map[string]payments.ClientKind{"native": "qr", "jsapi": "invoke", "precreate": "qr"} {
		var order view
		if status, header := ask(t, "POST", shop.publicURL+"/api/orders", `{"method":"`+method+`"}`, &order); status != 201 || header.Get(traceHeader) != "trace-of-the-test" {
			t.Fatalf("%d %+v %v", status, order, header)
		}
		id := order.Order.OrderNo
		if order.Order.State != "paying" || order.Order.Amount != priceFen || string(order.Order.Method) != method || order.Client.Kind != kind || len(id) > 32 {
			t.Errorf("%+v", order)
		}
		var svg []byte
		status, header := ask(t, "GET", shop.publicURL+"/api/orders/"+id+"/qr", "", &svg)
		if kind == "qr" {
			if status != 200 || header.Get("Content-Type") != "image/svg+xml" || xml.Unmarshal(svg, new(struct{})) != nil {
				t.Errorf("%d %v %.80s", status, header, svg)
			}
		} else {
			var invoke struct{ SignType, PaySign, Package string }
			if err := json.Unmarshal(order.Client.Params, &invoke); err != nil || invoke.SignType != "RSA" || invoke.PaySign == "" || !strings.HasPrefix(invoke.Package, "prepay_id=") || status != 404 {
				t.Errorf("%d %+v %v", status, invoke, err)
			}
		}
		payAt(t, sandbox, id)
		if after := shop.until(t, id, payments.StatePaid); after.Order.TransactionID == "" || after.Order.PaidAt.IsZero() || after.Client != nil {
			t.Errorf("%+v", after)
		}
		history := shop.file(t, id).History
		if last := history[len(history)-1]; last.To != payments.StatePaid || last.Source != payments.SourceNotification {
			t.Errorf("%+v", history)
		}
	}
	if !strings.Contains(log.String(), `"trace_id":"trace-of-the-test"`) || strings.Count(log.String(), `"msg":"order paid"`) != 3 {
		t.Error(log.String())
	}
	for _, provider := range []string{"wechat", "alipay"} {
		var metrics []byte
		if ask(t, "GET", shop.publicURL+"/metrics/"+provider, "", &metrics); !bytes.Contains(metrics, []byte(`payseal_requests_total{provider="`+provider+`"`)) {
			t.Errorf("%s", metrics)
		}
	}
}

func TestAForgedCallbackPaysNothing(t *testing.T) {
	shop, _, _ := serveShop(t)
	id := shop.mustOrder(t, "native").Order.OrderNo
	forged := `{"id":"1","event_type":"TRANSACTION.SUCCESS","resource":{"out_trade_no":"` + id + `"}}`
	var answer struct{ Code string }
	if status, _ := ask(t, "POST", shop.publicURL+"/notify/wechat", forged, &answer); status < 400 || answer.Code != "FAIL" {
		t.Errorf("%d %+v", status, answer)
	}
	if state := shop.stateOf(t, id); state != payments.StatePaying {
		t.Error(state)
	}
}

func TestMistakesAreAnsweredWithAnError(t *testing.T) {
	shop, sandbox, _ := serveShop(t)
	for _, test := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/api/orders", `{"method":"cash"}`, 400},
		{"POST", "/api/orders", ``, 400},
		{"GET", "/api/orders/nobody", "", 404},
		{"GET", "/api/orders/nobody/qr", "", 404},
	} {
		var answer view
		if status, _ := ask(t, test.method, shop.publicURL+test.path, test.body, &answer); status != test.status || answer.Error == "" {
			t.Errorf("%s %s: %d %+v", test.method, test.path, status, answer)
		}
	}
	ask(t, "POST", sandbox+"/sandbox/faults", `{"fault":"wrong_signature","times":0}`, nil)
	var answer view
	if status, _ := ask(t, "POST", shop.publicURL+"/api/orders", `{"method":"native"}`, &answer); status != 502 || answer.Outcome != "UNKNOWN" || answer.Error == "" {
		t.Errorf("%d %+v", status, answer)
	}
	var product map[string]any
	if ask(t, "GET", shop.publicURL+"/api/product", "", &product); product["price_fen"] != float64(priceFen) || product["sandbox"] != sandbox || product["name"] == "" {
		t.Errorf("%v", product)
	}
	for path, script := range map[string]string{"/": "shop.js", "/operator/": "operator.js"} {
		var page []byte
		if status, _ := ask(t, "GET", shop.publicURL+path, "", &page); status != 200 || !bytes.Contains(page, []byte(script)) {
			t.Errorf("%s: %d", path, status)
		}
	}
}

func TestAPaymentThatWasAcknowledgedOutlivesTheProcess(t *testing.T) {
	sandbox, dir := startSandbox(t)
	before, stop := serve(t, dir, slog.New(slog.DiscardHandler)) // no runner: it ends before it has taken care of anything
	id := before.mustOrder(t, "native").Order.OrderNo
	payAt(t, sandbox, id)
	if answer := tellAgain(t, sandbox, id); !strings.Contains(answer, `"SUCCESS"`) {
		t.Fatalf("WeChat Pay is told %q", answer)
	}
	if state := before.stateOf(t, id); state != payments.StatePaying {
		t.Fatal(state)
	}
	stop()

	after, _ := serve(t, dir, slog.New(slog.DiscardHandler))
	work(t, after)
	after.until(t, id, payments.StatePaid)
	history := after.file(t, id).History
	if last := history[len(history)-1]; last.Source != payments.SourceNotification {
		t.Errorf("%+v", history)
	}
}
