package payments

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

// Runner does the work of payments: it ticks, hands events to the service and messages to a publisher. Run as many as there are processes; what one
// has taken up no other does, and what one leaves behind in a crash another takes up when its lease is over. Set the fields before Run.
type Runner struct {
	// Payments are whose work it is. Required.
	Payments *Payments
	// Handle takes care of an event. Where it returns nil, or [ErrAcked], the event is done; otherwise it comes again after a pause, unless the error is
	// [Permanent]; a panic is an error too. It may get an event more than once, when a process ends at the wrong moment. ctx ends when somebody else
	// has the event, because this process was too slow to keep it, and a Grace after the runner's context.
	//
	// Where Handle is nil, events take effect by themselves.
	Handle func(ctx context.Context, event *Event) error
	// Publisher gets the messages of the outbox, which [Config.Outbox] turns on. Where it is nil nobody does, here.
	Publisher Publisher
	// Concurrency is how many events are handled at once; 8 unless given.
	Concurrency int
	// Batch is how many messages are published at once; 100 unless given. Without Handle it is also how many events take effect at once.
	Batch int
	// Lease takes the place of [Work.Lease]. It is extended as long as something is under way.
	Lease time.Duration
	// Poll is how long it looks no further for events and messages after it found none; a second unless given. What arrives in this process
	// is found at once.
	Poll time.Duration
	// TickEvery is the longest pause between ticks; 5 seconds unless given. They come sooner where something is due.
	TickEvery time.Duration
	// MaxPause is the longest pause while the database fails; 30 seconds unless given.
	MaxPause time.Duration
	// Grace is how long after its end the runner waits for what is under way before it ends the contexts of that; 0 waits as long as it takes.
	Grace time.Duration
	// Logger gets what goes wrong; nobody does where it is nil.
	Logger *slog.Logger
}

// Run works until ctx ends, waits for what is under way and returns nil. What goes wrong with database, providers, handler and publisher is logged and
// tried again after a pause. Only what cannot get better ends it: payments that are closed, fields that the library refuses, and a
// Publisher without an outbox.
func (r *Runner) Run(ctx context.Context) error {
	switch {
	case r.Payments == nil:
		return refused("a Runner needs Payments")
	case r.Publisher != nil && !r.Payments.hasOutbox:
		return refused("a Publisher gets nothing, because the outbox is off: set Config.Outbox")
	}
	working, stop := r.graceful(ctx)
	defer stop()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	run := running{Runner: r.withDefaults(), working: working, end: end, handled: make(chan handled)}
	loops := []func(context.Context){run.tick, run.takeEvents}
	if r.Publisher != nil {
		loops = append(loops, run.takeMessages)
	}
	var under sync.WaitGroup
	for _, loop := range loops {
		under.Add(1)
		go func() {
			defer under.Done()
			loop(ctx)
		}()
	}
	under.Wait()
	if cause := context.Cause(ctx); isHopeless(cause) {
		return cause
	}
	return nil
}

func refused(message string) error {
	return &payseal.Error{Code: payseal.ErrInvalidArgument, Outcome: payseal.OutcomeNotSent, Message: message}
}

func (r *Runner) withDefaults() Runner {
	all := *r
	all.Concurrency = cmp.Or(r.Concurrency, 8)
	all.Batch = cmp.Or(r.Batch, 100)
	all.Poll = cmp.Or(r.Poll, time.Second)
	all.TickEvery = cmp.Or(r.TickEvery, 5*time.Second)
	all.MaxPause = cmp.Or(r.MaxPause, 30*time.Second)
	all.Logger = cmp.Or(r.Logger, slog.New(slog.DiscardHandler))
	return all
}

// graceful is a context that outlives ctx by the grace.
func (r *Runner) graceful(ctx context.Context) (context.Context, context.CancelFunc) {
	working, end := context.WithCancel(context.WithoutCancel(ctx))
	if r.Grace <= 0 {
		return working, end
	}
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(r.Grace, end)
		context.AfterFunc(working, func() { timer.Stop() })
	})
	return working, func() {
		stop()
		end()
	}
}

// running is a Runner at work.
type running struct {
	Runner
	// working is the context of what is under way.
	working context.Context
	// end ends the runner for a reason.
	end context.CancelCauseFunc
	// handled are events that wait to be acknowledged.
	handled chan handled
}

// isHopeless says whether trying again would bring the same forever.
func isHopeless(err error) bool {
	return errors.Is(err, payseal.ErrInvalidHandle) || errors.Is(err, payseal.ErrParamsInvalid)
}

// tick does what is due, again and again.
func (r *running) tick(ctx context.Context) {
	pauses := r.pauses(r.TickEvery)
	for ctx.Err() == nil {
		ticked, err := r.Payments.Tick(ctx, 0)
		pauses.usual = r.TickEvery
		if err == nil {
			if ticked.Failed > 0 {
				r.Logger.Warn("payments: a tick left something behind", "failed", ticked.Failed)
			}
			left := r.Payments.left(ticked.NextDueAt)
			switch {
			case ticked.NextDueAt.IsZero():
			case left > 0:
				pauses.usual = min(r.TickEvery, max(left, shortest))
			case ticked.Orders+ticked.Refunds > ticked.Failed:
				continue // there was more than fits into one tick
			}
		}
		r.pause(ctx, "tick", pauses, nil, err)
	}
}

// shortest is the pause between ticks however soon something is due.
const shortest = 100 * time.Millisecond

// pause waits until there may be something to do: until the bell rings, or for as long as the pauses say. No error is reported that only says
// that ctx ended.
func (r *running) pause(ctx context.Context, doing string, pauses *pauses, rung <-chan struct{}, err error) {
	if ctx.Err() != nil {
		return
	}
	if isHopeless(err) {
		r.end(err)
		return
	}
	length := pauses.next(err)
	if err != nil {
		r.Logger.Error("payments: the work stands still", "doing", doing, "error", err, "pause", length)
		rung = nil // more to do does not mend it
	}
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-rung:
	case <-ctx.Done():
	}
}
