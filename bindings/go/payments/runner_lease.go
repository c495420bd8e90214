package payments

import (
	"context"
	"errors"
	"sync"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

// leaseParts is how often a lease is extended before it would end: a look that fails leaves time for another.
const leaseParts = 3

// hold keeps leases of this length, claimed just now, until release is called. The context ends when all of them are lost.
func (r *running) hold(work []Claimed, lease time.Duration) (ctx context.Context, release func()) {
	ctx, lose := context.WithCancelCause(r.working)
	stop := make(chan struct{})
	var keeping sync.WaitGroup
	keeping.Add(1)
	go func() {
		defer keeping.Done()
		r.keep(work, max(lease/leaseParts, 10*time.Millisecond), stop, lose)
	}()
	return ctx, func() {
		close(stop)
		keeping.Wait()
		lose(nil)
	}
}

func (r *running) keep(work []Claimed, every time.Duration, stop <-chan struct{}, lose context.CancelCauseFunc) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		var held []Claimed
		for _, each := range work {
			_, err := r.Payments.Extend(r.working, each, r.Lease)
			if errors.Is(err, payseal.ErrLeaseLost) {
				continue
			}
			held = append(held, each)
			if err != nil {
				r.Logger.Warn("payments: a lease was not extended", "error", err)
			}
		}
		if work = held; len(work) == 0 {
			lose(payseal.ErrLeaseLost)
			return
		}
	}
}
