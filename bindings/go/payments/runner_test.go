package payments_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/payments"
)

// accept takes in that an order was paid.
func accept(t testing.TB, p *payments.Payments, orderNo string) {
	t.Helper()
	header, body := thePlatform().paid(orderNo)
	accepted, err := p.AcceptRaw(t.Context(), "wechat", header, body)
	must(t, err)
	must(t, accepted.Err)
}

// quick is for tests in which a lease runs out and pauses are short.
func quick(config *payments.Config) {
	config.Work = payments.Work{Lease: 300 * time.Millisecond, Base: time.Millisecond, Cap: 10 * time.Millisecond}
	config.UnknownOrders = payments.UnknownOrdersIgnore
}

// watch is a logger that tells of records with this message.
func watch(message string) (*slog.Logger, <-chan slog.Record) {
	seen := make(chan slog.Record, 1000)
	return slog.New(watcher{message, seen}), seen
}

type watcher struct {
	message string
	seen    chan slog.Record
}

func (w watcher) Enabled(context.Context, slog.Level) bool { return true }
func (w watcher) Handle(_ context.Context, record slog.Record) error {
	if record.Message == w.message {
		w.seen <- record
	}
	return nil
}
func (w watcher) WithAttrs([]slog.Attr) slog.Handler { return w }
func (w watcher) WithGroup(string) slog.Handler      { return w }

func TestARunnerBringsAPaymentToItsEnd(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store string) {
		for name, transport := range transports() {
			t.Run(name, func(t *testing.T) {
				s := open(t, store, func(config *payments.Config) { config.Outbox = true }, transport...)
				handled, published := make(chan *payments.Event, 10), make(chan *payments.Message, 10)
				stop := run(t, &payments.Runner{
					Payments: s.Payments,
					Handle: func(_ context.Context, event *payments.Event) error {
						handled <- event
						return nil
					},
					Publisher: payments.PublisherFunc(func(_ context.Context, message *payments.Message) error {
						published <- message
						return nil
					}),
					Poll: time.Hour, // what arrives in this process is found at once
				})
				for _, account := range []string{"wechat", "alipay"} {
					orderNo := s.paid(t, account)
					if event := receive(t, handled); event.OrderNo != orderNo || event.Kind != payments.PaymentPaidEvent {
						t.Errorf("%+v", event)
					}
					if message := receive(t, published); message.OrderNo != orderNo || message.Topic != payments.PaymentPaidTopic {
						t.Errorf("%+v", message)
					}
					s.isIn(t, orderNo, payments.StatePaid)
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		}
	})
}

func TestAHandlerThatFailsGetsTheEventAgain(t *testing.T) {
	p := openAtPlatform(t, sqlite(t), quick)
	attempts := map[string]func() error{
		"error":  func() error { return errors.New("the warehouse is away") },
		"empty":  func() error { return errors.New("") },
		"panic":  func() error { panic("nobody thought of this") },
		"goexit": func() error { runtime.Goexit(); return nil },
	}
	for name, fail := range attempts {
		t.Run(name, func(t *testing.T) {
			var failures atomic.Int32
			handled := make(chan string, 10)
			stop := run(t, &payments.Runner{Payments: p, Poll: 10 * time.Millisecond, Handle: func(_ context.Context, event *payments.Event) error {
				if failures.Add(1) <= 3 {
					return fail()
				}
				handled <- event.OrderNo
				return nil
			}})
			orderNo := newNumber()
			accept(t, p, orderNo)
			if got := receive(t, handled); got != orderNo {
				t.Error(got)
			}
			must(t, stop())
			stats, err := p.Stats(t.Context())
			must(t, err)
			if stats.Inbox.Waiting != 0 || stats.Inbox.Dead != 0 {
				t.Errorf("%+v", stats.Inbox)
			}
		})
	}
}

func TestWhatTryingAgainDoesNotMendIsDeadAtOnce(t *testing.T) {
	p := openAtPlatform(t, sqlite(t), quick)
	logger, given := watch("payments: an event is given up")
	stop := run(t, &payments.Runner{Payments: p, Logger: logger, Handle: func(context.Context, *payments.Event) error {
		return payments.Permanent(errors.New("sold out for ever"))
	}})
	accept(t, p, newNumber())
	receive(t, given)
	must(t, stop())
	letters, err := p.DeadLetters(t.Context(), payments.Inbox, 0)
	must(t, err)
	if len(letters) != 1 || letters[0].Reason != "sold out for ever" || letters[0].Attempts != 1 {
		t.Errorf("%+v", letters)
	}
}

func TestALeaseIsKeptWhileAHandlerRuns(t *testing.T) {
	p := openAtPlatform(t, sqlite(t), func(config *payments.Config) {
		quick(config)
		config.Work.Lease = time.Second // a busy machine may stop for a while
	})
	var handled atomic.Int32
	done := make(chan struct{})
	handle := func(ctx context.Context, _ *payments.Event) error {
		handled.Add(1)
		select { // longer than a lease
		case <-time.After(2500 * time.Millisecond):
		case <-ctx.Done():
			t.Error("the lease was lost")
		}
		close(done)
		return nil
	}
	var stops []func() error
	for range 3 { // each of them would take it over
		stops = append(stops, run(t, &payments.Runner{Payments: p, Handle: handle, Poll: 20 * time.Millisecond}))
	}
	accept(t, p, newNumber())
	receive(t, done)
	for _, stop := range stops {
		must(t, stop())
	}
	if handled.Load() != 1 {
		t.Errorf("it was handled %d times", handled.Load())
	}
	stats, err := p.Stats(t.Context())
	if err != nil || stats.Inbox.Waiting != 0 {
		t.Errorf("%+v %v", stats, err)
	}
}

func TestAHandlerLearnsThatSomebodyElseHasTheEvent(t *testing.T) {
	turned := new(clock)
	p := openWith(t, payments.Config{
		Store: sqlite(t), Accounts: []payments.Account{{Name: "wechat", Client: thePlatform().client(t)}},
		UnknownOrders: payments.UnknownOrdersIgnore, Work: payments.Work{Lease: time.Second},
	}, payseal.WithClock(turned.now))
	started, lost := make(chan struct{}), make(chan error)
	stop := run(t, &payments.Runner{Payments: p, Poll: time.Hour, Handle: func(ctx context.Context, _ *payments.Event) error {
		close(started)
		<-ctx.Done()
		lost <- context.Cause(ctx)
		return nil
	}})
	accept(t, p, newNumber())
	receive(t, started)
	turned.turn(time.Minute) // as when the process was stopped for so long
	events, err := p.ClaimEvents(t.Context(), payments.Claim{Lease: time.Hour})
	must(t, err)
	if len(events) == 0 { // the runner was quicker
		turned.turn(time.Minute)
		events, err = p.ClaimEvents(t.Context(), payments.Claim{Lease: time.Hour})
		must(t, err)
	}
	if cause := receive(t, lost); !errors.Is(cause, payseal.ErrLeaseLost) {
		t.Error(cause)
	}
	must(t, stop())
	must(t, p.Ack(t.Context(), events[0])) // whoever has it ends it
}

func TestARunnerEndsWithItsContextAndWaitsForWhatIsUnderWay(t *testing.T) {
	p := openAtPlatform(t, sqlite(t), quick)
	started, release := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	runner := &payments.Runner{Payments: p, Handle: func(ctx context.Context, _ *payments.Event) error {
		close(started)
		<-release
		return ctx.Err()
	}}
	go func() { ended <- runner.Run(ctx) }()
	accept(t, p, newNumber())
	receive(t, started)
	cancel()
	select {
	case err := <-ended:
		t.Fatalf("it ended too early: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	close(release)
	must(t, receive(t, ended))
	stats, err := p.Stats(t.Context())
	if err != nil || stats.Inbox.Waiting != 0 {
		t.Errorf("what was under way was not acknowledged: %+v %v", stats, err)
	}
}

func TestAfterItsGraceARunnerEndsWhatIsUnderWay(t *testing.T) {
	p := openAtPlatform(t, sqlite(t), quick)
	started := make(chan struct{})
	stop := run(t, &payments.Runner{Payments: p, Grace: 50 * time.Millisecond, Handle: func(ctx context.Context, _ *payments.Event) error {
		close(started)
		<-ctx.Done()
		return ctx.Err()
	}})
	accept(t, p, newNumber())
	receive(t, started)
	must(t, stop())
}

func TestManyRunnersHandleEveryEventOnce(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store string) {
		const events = 200
		config := payments.Config{
			Store: store, UnknownOrders: payments.UnknownOrdersIgnore,
			Accounts: []payments.Account{{Name: "wechat", Client: thePlatform().client(t)}},
		}
		var handled sync.Map
		var left sync.WaitGroup
		left.Add(events)
		first := openWith(t, config)
		for range 3 { // as many processes
			run(t, &payments.Runner{Payments: openWith(t, config), Poll: 20 * time.Millisecond, Handle: func(_ context.Context, event *payments.Event) error {
				if _, twice := handled.LoadOrStore(event.OrderNo, true); twice {
					t.Errorf("%s was handled twice", event.OrderNo)
				}
				left.Done()
				return nil
			}})
		}
		var group sync.WaitGroup
		for range 8 {
			group.Add(1)
			go func() {
				defer group.Done()
				for range events / 8 {
					header, body := thePlatform().paid(newNumber())
					if accepted, err := first.AcceptRaw(context.Background(), "wechat", header, body); err != nil || accepted.Err != nil {
						t.Errorf("%+v %v", accepted, err)
					}
				}
			}()
		}
		group.Wait()
		done := make(chan struct{})
		go func() {
			left.Wait()
			close(done)
		}()
		receive(t, done)
	})
}

func TestAStoreThatFailsIsLoggedAndTriedAgain(t *testing.T) {
	path, store := lockable(t)
	p := openAtPlatform(t, store, quick)
	orderNo := newNumber()
	accept(t, p, orderNo)
	unlock := lock(t, path)
	logger, failed := watch("payments: the work stands still")
	handled := make(chan string, 1)
	stop := run(t, &payments.Runner{
		Payments: p, Logger: logger, Poll: time.Millisecond, TickEvery: time.Millisecond, MaxPause: 50 * time.Millisecond,
		Handle: func(_ context.Context, event *payments.Event) error {
			handled <- event.OrderNo
			return nil
		},
	})
	for range 5 {
		receive(t, failed)
	}
	unlock()
	if got := receive(t, handled); got != orderNo {
		t.Error(got)
	}
	must(t, stop())
}

func TestWhatWasHandledIsAcknowledgedWhenTheStoreIsBack(t *testing.T) {
	path, store := lockable(t)
	p := openAtPlatform(t, store, func(config *payments.Config) {
		quick(config)
		config.Work.Lease = 30 * time.Second
	})
	logger, failed := watch("payments: what is done cannot be ended, and is tried again")
	handled := make(chan func(), 10)
	stop := run(t, &payments.Runner{Payments: p, Logger: logger, Handle: func(context.Context, *payments.Event) error {
		handled <- lock(t, path)
		return nil
	}})
	accept(t, p, newNumber())
	unlock := receive(t, handled)
	receive(t, failed)
	unlock()
	must(t, stop())
	stats, err := p.Stats(t.Context())
	if err != nil || stats.Inbox.Waiting != 0 || len(handled) != 0 {
		t.Errorf("%+v %v", stats, err)
	}
}

func TestWhatCannotGetBetterEndsARunner(t *testing.T) {
	p := openAtPlatform(t, sqlite(t), quick)
	if err := (&payments.Runner{}).Run(t.Context()); !errors.Is(err, payseal.ErrInvalidArgument) {
		t.Error(err)
	}
	if err := (&payments.Runner{Payments: p, Lease: time.Microsecond}).Run(t.Context()); !errors.Is(err, payseal.ErrParamsInvalid) {
		t.Error(err)
	}
	must(t, p.Close())
	if err := (&payments.Runner{Payments: p}).Run(t.Context()); !errors.Is(err, payseal.ErrInvalidHandle) {
		t.Error(err)
	}
}

func TestAPublisherWithoutAnOutboxIsRefused(t *testing.T) {
	p := openAtPlatform(t, sqlite(t), quick)
	publisher := payments.PublisherFunc(func(context.Context, *payments.Message) error { return nil })
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := (&payments.Runner{Payments: p, Publisher: publisher}).Run(ctx)
	if !errors.Is(err, payseal.ErrInvalidArgument) || !strings.Contains(err.Error(), "Config.Outbox") {
		t.Error(err)
	}
}

func TestWithoutAHandlerEventsTakeEffectByThemselves(t *testing.T) {
	s := open(t, sqlite(t), func(config *payments.Config) { config.Outbox = true })
	published := make(chan string, 1)
	run(t, &payments.Runner{Payments: s.Payments, Publisher: payments.PublisherFunc(func(_ context.Context, message *payments.Message) error {
		published <- message.OrderNo
		return nil
	})})
	orderNo := s.paid(t, "wechat")
	if got := receive(t, published); got != orderNo {
		t.Error(got)
	}
	s.isIn(t, orderNo, payments.StatePaid)
}

// moody fails, per message, until it has seen it often enough.
type moody struct {
	mu        sync.Mutex
	seen      map[string]int
	fail      func(messages []*payments.Message) []error
	published chan string
}

func (m *moody) Publish(_ context.Context, messages []*payments.Message) []error {
	m.mu.Lock()
	defer m.mu.Unlock()
	again := false
	for _, message := range messages {
		m.seen[message.MessageID]++
		again = again || m.seen[message.MessageID] < 3
	}
	if again {
		return m.fail(messages)
	}
	for _, message := range messages {
		m.published <- message.OrderNo
	}
	return nil
}

func TestAMessageComesUntilItIsPublished(t *testing.T) {
	for name, fail := range map[string]func(messages []*payments.Message) []error{
		"all fail": func(messages []*payments.Message) []error {
			failed := make([]error, len(messages))
			for i := range failed {
				failed[i] = errors.New("the broker is away")
			}
			return failed
		},
		"too few": func([]*payments.Message) []error { return []error{} },
		"panic":   func([]*payments.Message) []error { panic("nobody thought of this") },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, sqlite(t), func(config *payments.Config) {
				config.Outbox = true
				config.Work = payments.Work{Base: time.Millisecond, Cap: 10 * time.Millisecond}
			})
			publisher := &moody{seen: map[string]int{}, fail: fail, published: make(chan string, 100)}
			stop := run(t, &payments.Runner{Payments: s.Payments, Publisher: publisher, Poll: 10 * time.Millisecond})
			orderNo := s.paid(t, "wechat")
			if got := receive(t, publisher.published); got != orderNo {
				t.Error(got)
			}
			must(t, stop())
			stats, err := s.Stats(t.Context())
			if err != nil || stats.Outbox.Waiting != 0 || stats.Outbox.Dead != 0 {
				t.Errorf("%+v %v", stats, err)
			}
		})
	}
}

func TestOnlyWhatFailedIsPublishedAgain(t *testing.T) {
	failed := errors.New("refused")
	results := payments.PublisherFunc(func(_ context.Context, message *payments.Message) error {
		if message.OrderNo == "B" {
			return failed
		}
		return nil
	}).Publish(t.Context(), []*payments.Message{{OrderNo: "A"}, {OrderNo: "B"}, {OrderNo: "C"}})
	if len(results) != 3 || results[0] != nil || !errors.Is(results[1], failed) || results[2] != nil {
		t.Error(results)
	}
}

func TestOfEventsAcknowledgedTogetherOnlyALostOneIsNot(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store string) {
		const events = 4
		p := openAtPlatform(t, store, func(config *payments.Config) { config.UnknownOrders = payments.UnknownOrdersIgnore })
		given := newNumber()
		for _, orderNo := range []string{given, newNumber(), newNumber(), newNumber()} {
			accept(t, p, orderNo)
		}
		logger, lost := watch("payments: an event was not ended, and comes again")
		var together sync.WaitGroup
		together.Add(events)
		stop := run(t, &payments.Runner{Payments: p, Concurrency: events, Logger: logger, Handle: func(ctx context.Context, event *payments.Event) error {
			together.Done()
			together.Wait()
			if event.OrderNo == given {
				return p.Dead(ctx, event, "somebody else ended it")
			}
			return nil
		}})
		receive(t, lost)
		must(t, stop())
		stats, err := p.Stats(t.Context())
		if err != nil || stats.Inbox.Waiting != 0 || stats.Inbox.Dead != 1 || len(lost) != 0 {
			t.Errorf("%+v %v", stats, err)
		}
	})
}
