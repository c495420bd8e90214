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

// openShop serves a shop whose log goes to the returned buffer.
func openShop(t *testing.T) (shop *shop, sandbox string, log *lockedBuffer) {
	sandbox, dir := startSandbox(t)
	log = &lockedBuffer{}
	shop = newShop(t, dir, slog.New(slog.NewJSONHandler(log, nil)))
	shop.sandbox = sandbox
	page, err := findPage()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(shop.routes(page))
	t.Cleanup(server.Close)
	shop.publicURL = server.URL
	return shop, sandbox, log
}

func newShop(t *testing.T, dir string, logger *slog.Logger) *shop {
	wechat, err := openClient(filepath.Join(dir, "config.json"), logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { wechat.Close() })
	alipay, err := openClient(filepath.Join(dir, "config-alipay.json"), logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { alipay.Close() })
	return &shop{wechat: wechat, alipay: alipay, orders: newOrders(), logger: logger}
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

type view struct {
	ID, State, Method string
	AmountFen         int64          `json:"amount_fen"`
	CodeURL           *string        `json:"code_url"`
	PayURL            *string        `json:"pay_url"`
	Invoke            map[string]any `json:"invoke"`
	TransactionID     *string        `json:"transaction_id"`
	PaidAt            *string        `json:"paid_at"`
	Error, Outcome    string
}

// untilPaid asks for the order until it is paid; the test's deadline bounds it.
func untilPaid(t *testing.T, url string) view {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		var order view
		if ask(t, "GET", url, "", &order); order.State == "paid" {
			return order
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the order was never paid")
		}
	}
}

func TestAnOrderIsPaidByTheCallbackAlone(t *testing.T) {
	shop, sandbox, log := openShop(t)
	for _, method := range []string{"native", "jsapi", "precreate"} {
		var order view
		if status, header := ask(t, "POST", shop.publicURL+"/api/orders", `{"method":"`+method+`"}`, &order); status != 201 || header.Get(traceHeader) != "trace-of-the-test" {
			t.Fatalf("%d %+v %v", status, order, header)
		}
		if order.State != "paying" || order.AmountFen != priceFen || order.Method != method || (order.CodeURL == nil) != (method == "jsapi") || (order.Invoke == nil) != (method != "jsapi") || order.PayURL != nil {
			t.Errorf("%+v", order)
		}
		url := shop.publicURL + "/api/orders/" + order.ID
		if method != "jsapi" {
			var svg []byte
			if status, header := ask(t, "GET", url+"/qr", "", &svg); status != 200 || header.Get("Content-Type") != "image/svg+xml" || xml.Unmarshal(svg, new(struct{})) != nil {
				t.Errorf("%d %v %.80s", status, header, svg)
			}
		} else if order.Invoke["signType"] != "RSA" || order.Invoke["paySign"] == "" || !strings.HasPrefix(order.Invoke["package"].(string), "prepay_id=") {
			t.Errorf("%+v", order.Invoke)
		}
		var before view
		if ask(t, "GET", url, "", &before); before.State != "paying" || before.TransactionID != nil || before.PaidAt != nil {
			t.Errorf("%+v", before)
		}
		if status, _ := ask(t, "POST", sandbox+"/sandbox/orders/"+order.ID+"/pay", "", nil); status != 200 {
			t.Fatalf("the cashier answered %d", status)
		}
		if after := untilPaid(t, url); after.TransactionID == nil || after.PaidAt == nil || after.AmountFen != priceFen {
			t.Errorf("%+v", after)
		}
	}
	if !strings.Contains(log.String(), `"trace_id":"trace-of-the-test"`) || !strings.Contains(log.String(), `"msg":"order paid"`) {
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
	shop, _, _ := openShop(t)
	var order view
	ask(t, "POST", shop.publicURL+"/api/orders", `{"method":"native"}`, &order)
	forged := `{"id":"1","event_type":"TRANSACTION.SUCCESS","resource":{"out_trade_no":"` + order.ID + `"}}`
	var answer struct{ Code string }
	if status, _ := ask(t, "POST", shop.publicURL+"/notify/wechat", forged, &answer); status < 400 || answer.Code != "FAIL" {
		t.Errorf("%d %+v", status, answer)
	}
	var after view
	if ask(t, "GET", shop.publicURL+"/api/orders/"+order.ID, "", &after); after.State != "paying" {
		t.Errorf("%+v", after)
	}
}

func TestMistakesAreAnsweredWithAnError(t *testing.T) {
	shop, sandbox, _ := openShop(t)
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
	var page []byte
	if status, _ := ask(t, "GET", shop.publicURL+"/", "", &page); status != 200 || !bytes.Contains(page, []byte("shop.js")) {
		t.Errorf("%d", status)
	}
}

func TestAPaymentOfAnotherAmountOrOfNoOrderIsAnError(t *testing.T) {
	store := newOrders()
	created := store.create("native", 100)
	if _, err := store.markPaid(created.ID, "42", "now", 1); err == nil {
		t.Error("one fen paid for an order of 100")
	}
	if _, err := store.markPaid("nobody", "42", "now", 100); err == nil {
		t.Error("an order that does not exist was paid")
	}
	for _, want := range []bool{true, false, false} {
		if first, err := store.markPaid(created.ID, "42", "now", 100); err != nil || first != want {
			t.Errorf("%v %v", first, err)
		}
	}
	if paidOrder, _ := store.get(created.ID); paidOrder.State != paid || len(created.ID) > 32 {
		t.Errorf("%+v", paidOrder)
	}
}
