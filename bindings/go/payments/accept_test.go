package payments_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/payments"
)

// openAtPlatform has one account, whose provider the test plays.
func openAtPlatform(t testing.TB, store string, change func(*payments.Config), options ...payseal.Option) *payments.Payments {
	t.Helper()
	config := payments.Config{Store: store, Accounts: []payments.Account{{Name: "wechat", Client: thePlatform().client(t, options...)}}}
	if change != nil {
		change(&config)
	}
	return openWith(t, config)
}

func TestNotificationsThatComeAtOnceAreEachStoredOnceAndClaimedOnce(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store string) {
		for name, transport := range transports() {
			t.Run(name, func(t *testing.T) {
				p := openAtPlatform(t, store, nil, transport...)
				const callers, each = 32, 4
				var fresh, duplicates atomic.Int64
				var group sync.WaitGroup
				for range callers / 2 {
					for _, orderNo := range []string{newNumber(), newNumber()} {
						for range 2 { // the provider repeats itself
							group.Add(1)
							go func() {
								defer group.Done()
								for i := range each {
									header, body := thePlatform().paid(orderNo + string(rune('a'+i)))
									accepted, err := p.AcceptRaw(context.Background(), "wechat", header, body)
									switch {
									case err != nil || accepted.Err != nil || accepted.Reply.Status/100 != 2:
										t.Errorf("%+v %v", accepted, err)
									case accepted.Duplicate:
										duplicates.Add(1)
									default:
										fresh.Add(1)
									}
								}
							}()
						}
					}
				}
				group.Wait()
				if fresh.Load() != callers*each || duplicates.Load() != callers*each {
					t.Fatalf("%d were new, %d known", fresh.Load(), duplicates.Load())
				}
				var claimed sync.Map
				for range 4 {
					group.Add(1)
					go func() {
						defer group.Done()
						for {
							events, err := p.ClaimEvents(context.Background(), payments.Claim{Most: 10})
							if err != nil {
								t.Error(err)
							}
							if len(events) == 0 {
								return
							}
							for _, event := range events {
								if _, twice := claimed.LoadOrStore(event.OrderNo, true); twice {
									t.Errorf("%s was claimed twice", event.OrderNo)
								}
							}
							if lost, err := payments.AckAll(context.Background(), p, events); err != nil || len(lost) != 0 {
								t.Errorf("%v %v", lost, err)
							}
						}
					}()
				}
				group.Wait()
				total := 0
				claimed.Range(func(any, any) bool { total++; return true })
				if total != callers*each {
					t.Errorf("%d were claimed", total)
				}
			})
		}
	})
}

func TestWhatIsNotTheProvidersIsRefusedAndNotStored(t *testing.T) {
	for name, transport := range transports() {
		t.Run(name, func(t *testing.T) {
			p := openAtPlatform(t, sqlite(t), nil, transport...)
			header, body := thePlatform().paid(newNumber())
			forged := bytes.Replace(body, []byte("EV-"), []byte("EW-"), 1)
			for _, account := range []string{"wechat", ""} {
				accepted, err := p.AcceptRaw(t.Context(), account, header, forged)
				must(t, err)
				if accepted.Reply.Status < 400 || len(accepted.Reply.Body) == 0 || accepted.Reply.Header.Get("Content-Type") == "" {
					t.Errorf("%+v", accepted.Reply)
				}
				refusal := failure(t, accepted.Err, payseal.ErrSignatureInvalid, payseal.OutcomeUnauthentic)
				if refusal.Message == "" || refusal.Details.CodeName != "SIGNATURE_INVALID" {
					t.Errorf("%+v", refusal)
				}
			}
			smuggled := header.Clone()
			smuggled["Wechatpay-Nonce"] = []string{"n\nWechatpay-Timestamp: 1"}
			accepted, err := p.AcceptRaw(t.Context(), "wechat", smuggled, body)
			must(t, err)
			failure(t, accepted.Err, payseal.ErrHeaderInvalid, payseal.OutcomeUnauthentic)
			if accepted.Reply.Status < 400 {
				t.Errorf("%+v", accepted.Reply)
			}
			_, err = p.AcceptRaw(t.Context(), "nobody", header, body)
			failure(t, err, payseal.ErrParamsInvalid, payseal.OutcomeNotSent)
			events, err := p.ClaimEvents(t.Context(), payments.Claim{})
			if err != nil || len(events) != 0 {
				t.Errorf("%v %v", events, err)
			}
		})
	}
}

// broken is a body that ends in the middle.
type broken struct{ read bool }

func (b *broken) Read(into []byte) (int, error) {
	if b.read {
		return 0, errors.New("the connection broke")
	}
	b.read = true
	return copy(into, "{"), nil
}

func TestTheHandlerAnswersWhateverComes(t *testing.T) {
	p := openAtPlatform(t, sqlite(t), nil)
	handler := payments.Handler(p, "wechat")
	post := func(header http.Header, body interface{ Read([]byte) (int, error) }) *httptest.ResponseRecorder {
		request := httptest.NewRequest(http.MethodPost, "/notify", body)
		request.Header = header
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		return recorder
	}
	header, body := thePlatform().paid(newNumber())
	for range 2 {
		if reply := post(header, bytes.NewReader(body)); reply.Code/100 != 2 {
			t.Errorf("%d %s", reply.Code, reply.Body)
		}
	}
	for name, reply := range map[string]*httptest.ResponseRecorder{
		"nothing":  post(http.Header{}, strings.NewReader("")),
		"too long": post(header, strings.NewReader(strings.Repeat(" ", payseal.MaxNotificationBytes+1))),
		"broken":   post(header, new(broken)),
	} {
		if reply.Code < 400 || !strings.Contains(reply.Body.String(), "FAIL") {
			t.Errorf("%s: %d %s", name, reply.Code, reply.Body)
		}
	}
	must(t, p.Close())
	if reply := post(header, bytes.NewReader(body)); reply.Code != http.StatusInternalServerError {
		t.Errorf("%d", reply.Code)
	}
}

func TestWhileTheStoreIsLockedTheProviderIsToldToSendAgain(t *testing.T) {
	path, store := lockable(t)
	p := openAtPlatform(t, store, nil)
	unlock := lock(t, path)
	header, body := thePlatform().paid(newNumber())
	accepted, err := p.AcceptRaw(t.Context(), "wechat", header, body)
	must(t, err)
	if failure(t, accepted.Err, payseal.ErrStoreLocked, payseal.OutcomeNotSent); accepted.Reply.Status < 500 || !errors.Is(accepted.Err, payseal.KindStore) {
		t.Errorf("%+v", accepted.Reply)
	}
	_, err = p.ClaimEvents(t.Context(), payments.Claim{})
	failure(t, err, payseal.ErrStoreLocked, payseal.OutcomeNotSent)
	unlock()
	accepted, err = p.AcceptRaw(t.Context(), "wechat", header, body)
	must(t, err)
	if accepted.Err != nil || accepted.Duplicate {
		t.Errorf("%+v", accepted)
	}
}

// lockable is a store that does not wait long for others.
func lockable(t testing.TB) (path, store string) {
	path = filepath.Join(t.TempDir(), "payments.db")
	return path, "sqlite:" + path + "?lock_timeout_ms=20"
}

// lock lets another program write to a store's file until it is told to unlock.
func lock(t testing.TB, path string) (unlock func()) {
	t.Helper()
	const program = "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\nc.execute('BEGIN IMMEDIATE')\nprint(flush=True)\nsys.stdin.read()"
	command := exec.Command("python3", "-c", program, path)
	stdin, err := command.StdinPipe()
	must(t, err)
	stdout, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	_, err = stdout.Read(make([]byte, 1))
	must(t, err)
	unlock = sync.OnceFunc(func() {
		_ = stdin.Close()
		_ = command.Wait()
	})
	t.Cleanup(unlock)
	return unlock
}
