package payseal_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

// watch returns a logger that tells when a record with this message passes.
func watch(message string, seen chan<- struct{}) *slog.Logger {
	return slog.New(watcher{message, seen})
}

type watcher struct {
	message string
	seen    chan<- struct{}
}

func (watcher) Enabled(context.Context, slog.Level) bool { return true }
func (w watcher) Handle(_ context.Context, record slog.Record) error {
	if record.Message == w.message {
		w.seen <- struct{}{}
	}
	return nil
}
func (w watcher) WithAttrs([]slog.Attr) slog.Handler { return w }
func (w watcher) WithGroup(string) slog.Handler      { return w }

func TestRecordsReachSlogWithTimeLevelAndAttributes(t *testing.T) {
	p := thePlatform()
	var mu sync.Mutex
	var lines strings.Builder
	logger := slog.New(slog.NewJSONHandler(locked{&mu, &lines}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	body := []byte(`{"code":"ORDERPAID","message":"该订单已支付"}`)
	client := p.client(t, payseal.WithLogger(logger), over(answers(400, p.signed(time.Now(), body), body)))
	ctx := payseal.ContextWithTraceID(t.Context(), "trace-4711")
	if _, err := client.Execute(ctx, nativeOrder, orderParams()); err == nil {
		t.Fatal("want a refusal")
	}
	var done map[string]any
	for line := range strings.Lines(lines.String()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		if record["msg"] == "call.done" {
			done = record
		}
	}
	for name, want := range map[string]any{
		"trace_id": "trace-4711", "operation": nativeOrder, "out_trade_no": "GO20250608001", "outcome": "rejected", "code": "PROVIDER_REJECTED",
		"http_status": float64(400), "merchant": mchid, "provider": "wechat", "level": "WARN",
	} {
		if done[name] != want {
			t.Errorf("%s is %v, want %v in %v", name, done[name], want, done)
		}
	}
	logged, err := time.Parse(time.RFC3339Nano, done["time"].(string))
	if err != nil || time.Since(logged) > time.Minute {
		t.Errorf("time %v", done["time"])
	}
	if _, doubled := done["event"]; doubled || done["ts_ms"] != nil {
		t.Errorf("%v", done)
	}
}

type locked struct {
	*sync.Mutex
	*strings.Builder
}

func (l locked) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.Builder.Write(p)
}

func TestTheOptionsTraceIDWinsOverTheContexts(t *testing.T) {
	p := thePlatform()
	var lines strings.Builder
	client := p.client(t, payseal.WithLogger(slog.New(slog.NewTextHandler(&lines, nil))), over(answers(500, nil, nil)))
	params := orderParams()
	params.Options.TraceID = "of-the-call"
	_, _ = client.Execute(payseal.ContextWithTraceID(t.Context(), "of-the-context"), nativeOrder, params)
	if !strings.Contains(lines.String(), "trace_id=of-the-call") || strings.Contains(lines.String(), "of-the-context") {
		t.Error(lines.String())
	}
}

func TestABrokenLogHandlerBreaksNoPayment(t *testing.T) {
	p := thePlatform()
	body := []byte(`{"code_url":"weixin://wxpay/bizpayurl?pr=1"}`)
	client := p.client(t, payseal.WithLogger(slog.New(panicking{})), over(answers(200, p.signed(time.Now(), body), body)))
	if _, err := client.Execute(t.Context(), nativeOrder, orderParams()); err != nil {
		t.Error(err)
	}
}

type panicking struct{}

func (panicking) Enabled(context.Context, slog.Level) bool  { return true }
func (panicking) Handle(context.Context, slog.Record) error { panic(errors.New("the disk is full")) }
func (p panicking) WithAttrs([]slog.Attr) slog.Handler      { return p }
func (p panicking) WithGroup(string) slog.Handler           { return p }
