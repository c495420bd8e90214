package payments

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

// ErrAcked is what [Runner.Handle] returns for an event that it has acknowledged itself, as by [Payments.AckIn].
var ErrAcked = errors.New("payments: the event is acknowledged already")

// Permanent makes of err one that trying again does not mend: the event is dead at once and waits for a person.
func Permanent(err error) error { return &permanent{err} }

type permanent struct{ err error }

func (p *permanent) Error() string { return p.err.Error() }

func (p *permanent) Unwrap() error { return p.err }

// takeEvents claims events as there are hands for them.
func (r *running) takeEvents(ctx context.Context) {
	if r.Handle == nil {
		r.applyEvents(ctx)
		return
	}
	free := make(chan struct{}, r.Concurrency)
	for range r.Concurrency {
		free <- struct{}{}
	}
	go r.ackHandled()
	defer close(r.handled)
	var handling sync.WaitGroup
	defer handling.Wait()
	pauses := r.pauses(r.Poll)
	for ctx.Err() == nil {
		hands := takeAll(ctx, free)
		if hands == 0 {
			return
		}
		rung := r.Payments.events.wait()
		events, err := r.Payments.ClaimEvents(ctx, Claim{Most: hands, Lease: r.Lease})
		for _, event := range events {
			handling.Add(1)
			go func() {
				defer handling.Done()
				defer func() { free <- struct{}{} }()
				r.handle(event)
			}()
		}
		for range hands - len(events) {
			free <- struct{}{}
		}
		if err != nil || len(events) < hands {
			r.pause(ctx, "claim events", pauses, rung, err)
		}
	}
}

// takeAll waits for one and takes all that there are; none where ctx ends.
func takeAll(ctx context.Context, free chan struct{}) (taken int) {
	select {
	case <-free:
	case <-ctx.Done():
		return 0
	}
	runtime.Gosched() // those who were acknowledged with it come now too
	for taken = 1; ; taken++ {
		select {
		case <-free:
		default:
			return taken
		}
	}
}

// applyEvents lets events take effect of which nobody is told.
func (r *running) applyEvents(ctx context.Context) {
	pauses := r.pauses(r.Poll)
	for ctx.Err() == nil {
		rung := r.Payments.events.wait()
		events, err := r.Payments.ClaimEvents(ctx, Claim{Most: r.Batch, Lease: r.Lease})
		if err == nil {
			_, err = AckAll(r.working, r.Payments, events) // those that are lost are somebody else's now
		}
		if err != nil || len(events) < r.Batch {
			r.pause(ctx, "apply events", pauses, rung, err)
		}
	}
}

// handle brings an event to its end, if the lease can be kept that long.
func (r *running) handle(event *Event) {
	lease := r.Payments.left(event.LeaseUntil)
	ctx, release := r.hold([]Claimed{event}, lease)
	defer release()
	err := r.call(ctx, event)
	logger := r.Logger.With("event", event.ID, "kind", event.Kind, "order_no", event.OrderNo)
	var ended error
	switch dead := (*permanent)(nil); {
	case errors.Is(err, ErrAcked):
		r.Payments.messages.ring()
	case err == nil:
		ended = r.insist(ctx, lease, func() error { return r.ack(ctx, event) })
	case errors.As(err, &dead):
		logger.Error("payments: an event is given up", "error", err)
		ended = r.insist(ctx, lease, func() error { return r.Payments.Dead(ctx, event, reason(err)) })
	default:
		logger.Warn("payments: an event was not handled, and comes again", "error", err)
		_, ended = r.Payments.Nack(ctx, event, reason(err)) // if this fails it comes again when the lease is over
	}
	if ended != nil {
		logger.Warn("payments: an event was not ended, and comes again", "error", ended)
	}
}

// reason is never empty, which the library takes for none.
func reason(err error) string {
	if text := err.Error(); text != "" {
		return text
	}
	return fmt.Sprintf("%T", err)
}

// call returns also when the handler does not.
func (r *running) call(ctx context.Context, event *Event) (err error) {
	done := make(chan struct{})
	go func() { // of its own, since runtime.Goexit ends it
		defer close(done)
		err = errors.New("the handler ended its goroutine")
		defer func() {
			if panicked := recover(); panicked != nil {
				r.Logger.Error("payments: the handler panicked", "event", event.ID, "panic", panicked, "stack", string(debug.Stack()))
				err = fmt.Errorf("the handler panicked: %v", panicked)
			}
		}()
		err = r.Handle(ctx, event)
	}()
	<-done
	return err
}

// insist tries again for a lease's time while the database fails: what was handled should not be handled twice.
func (r *running) insist(ctx context.Context, lease time.Duration, end func() error) error {
	deadline := time.Now().Add(lease)
	pauses := pauses{usual: 50 * time.Millisecond, most: time.Second}
	for {
		err := end()
		if !errors.Is(err, payseal.KindStore) || ctx.Err() != nil || !time.Now().Before(deadline) {
			return err
		}
		pause := pauses.next(err)
		r.Logger.Warn("payments: what is done cannot be ended, and is tried again", "in", pause, "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}
