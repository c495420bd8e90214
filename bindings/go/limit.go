package payseal

import "context"

// DefaultMaxBlockingCalls is how many calls block at once in a process, over all clients that [WithMaxBlockingCalls] says nothing
// about. Each holds an operating system thread, and the Go runtime ends a process that has 10,000.
const DefaultMaxBlockingCalls = 512

// The bound protects the process, so clients share it. Notifications have a bound of their own: a provider that answers no
// request must not keep its notifications from being opened.
var (
	sharedCalls         = newLimit(DefaultMaxBlockingCalls)
	sharedNotifications = newLimit(DefaultMaxBlockingCalls)
)

// limit is a counting semaphore.
type limit chan struct{}

func newLimit(n int) limit { return make(limit, n) }

// acquire takes a place; nothing was sent where it fails.
func (l limit) acquire(ctx context.Context) error {
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	select {
	case l <- struct{}{}:
		return nil
	case <-ctx.Done():
		return contextError(ctx)
	}
}

func (l limit) release() { <-l }

// contextError says that a context ended before anything left this machine.
func contextError(ctx context.Context) *Error {
	err := &Error{Code: ErrCancelled, Outcome: OutcomeNotSent, Message: "the context was cancelled before anything was sent", cause: ctx.Err()}
	if ctx.Err() == context.DeadlineExceeded {
		err.Code = ErrTimeout
		err.Message = "the context's deadline passed before anything was sent"
	}
	return err
}
