// payseal beside wechatpay-go and smartwalle/alipay. Usage: bench FOLDER prints a JSON line for each measurement; bench FOLDER memory ours|peer prints resident KiB.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	rounds  = 40
	turn    = 50 * time.Millisecond
	callers = 8
	span    = 1500 * time.Millisecond
)

// subject is one of the two libraries, doing the same work.
type subject interface {
	// signRequest takes an order from its parameters to the door of the HTTP client, where it is refused.
	signRequest()
	openNotification()
	roundTrip()
}

// fixture is what benches/fixture.py wrote.
type fixture struct {
	config       []byte
	settings     settings
	notification notification
}

type settings struct {
	MchID        string            `json:"mchid"`
	Serial       string            `json:"merchant_serial"`
	PrivateKey   string            `json:"private_key"`
	APIv3Key     string            `json:"apiv3_key"`
	PlatformKeys map[string]string `json:"platform_public_keys"`
	Hosts        []string          `json:"hosts"`
}

type notification struct {
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

func main() {
	log.SetFlags(log.Lshortfile)
	fixture := load(os.Args[1])
	if len(os.Args) == 4 && os.Args[2] == "memory" {
		memory(fixture, os.Args[3])
		return
	}
	report("client_new", "clients/s", inTurns(func() { newOursClient(fixture) }, func() { newPeerClient(fixture) }))
	ours, peer := newOurs(fixture), newPeer(fixture)
	report("sign_request", "requests/s", inTurns(ours.signRequest, peer.signRequest))
	report("open_notification", "notifications/s", inTurns(ours.openNotification, peer.openNotification))
	best := [2]float64{}
	for range 5 {
		best[0] = max(best[0], concurrently(ours.roundTrip))
		best[1] = max(best[1], concurrently(peer.roundTrip))
	}
	report("round_trip", "requests/s", best)
	alipayReport(os.Args[1])
}

func load(folder string) fixture {
	var f fixture
	f.config = must(os.ReadFile(filepath.Join(folder, "config.json")))
	check(json.Unmarshal(f.config, &f.settings))
	check(json.Unmarshal(must(os.ReadFile(filepath.Join(folder, "notification.json"))), &f.notification))
	return f
}

// request is the notification as a server receives it.
func (n notification) request() *http.Request {
	request := must(http.NewRequest(http.MethodPost, "http://127.0.0.1/notify", strings.NewReader(n.Body)))
	for name, value := range n.Headers {
		request.Header.Set(name, value)
	}
	return request
}

// door is an HTTP transport that sends nothing and answers no.
type door struct{}

func (door) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Body != nil {
		_, _ = io.Copy(io.Discard, request.Body)
	}
	return &http.Response{StatusCode: 400, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader([]byte("{}"))), Request: request}, nil
}

// detour leads requests for the provider to a server on this machine.
type detour struct{ host *url.URL }

func (d detour) RoundTrip(request *http.Request) (*http.Response, error) {
	request.URL.Scheme, request.URL.Host = d.host.Scheme, d.host.Host
	return http.DefaultTransport.RoundTrip(request)
}

// inTurns gives the best batch of each; they take turns, so that what else the machine does falls on both alike.
func inTurns(ours, peer func()) [2]float64 {
	best := [2]float64{}
	for range rounds {
		best[0] = max(best[0], batch(ours))
		best[1] = max(best[1], batch(peer))
	}
	return best
}

// batch gives calls per second over one turn, long enough for garbage to be collected in it.
func batch(work func()) float64 {
	start, calls := time.Now(), 0
	for time.Since(start) < turn {
		work()
		calls++
	}
	return float64(calls) / time.Since(start).Seconds()
}

func concurrently(work func()) float64 {
	var done sync.WaitGroup
	counts := make([]int, callers)
	start := time.Now()
	for caller := range callers {
		done.Go(func() {
			for time.Since(start) < span {
				work()
				counts[caller]++
			}
		})
	}
	done.Wait()
	total := 0
	for _, count := range counts {
		total += count
	}
	return float64(total) / time.Since(start).Seconds()
}

func report(name, unit string, best [2]float64) {
	line := map[string]any{
		"name": name + ".go", "ours": math.Round(best[0]), "peer": math.Round(best[1]), "unit": unit,
		"ratio": math.Round(best[0]/best[1]*1000) / 1000,
	}
	fmt.Println(string(must(json.Marshal(line))))
}

func memory(fixture fixture, which string) {
	var subject subject
	if which == "ours" {
		subject = newOurs(fixture)
	} else {
		subject = newPeer(fixture)
	}
	for range 200 {
		subject.openNotification()
		subject.roundTrip()
	}
	for line := range strings.Lines(string(must(os.ReadFile("/proc/self/status")))) {
		if fields := strings.Fields(line); fields[0] == "VmRSS:" {
			fmt.Println(fields[1])
		}
	}
}

func decodePEM(text string) []byte {
	block, _ := pem.Decode([]byte(text))
	return block.Bytes
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		log.Output(3, err.Error())
		os.Exit(1)
	}
}

var background = context.Background()
