package payseal

/*
#include "payseal.h"

#cgo noescape payseal_cancel_trigger
#cgo nocallback payseal_cancel_trigger
*/
import "C"

import (
	"context"
	"errors"
	"time"
)

// cancellation carries the end of a context into the library, for the length of one call.
type cancellation struct {
	handle *C.payseal_cancel
	stop   func() bool
	done   chan struct{}
}

// cancelWith watches ctx. A deadline is not watched: the library was told and reports it as ErrTimeout.
func cancelWith(ctx context.Context) (cancellation, error) {
	return cancelWhen(ctx, func() bool { return ctx.Err() == context.Canceled })
}

// cancelAtEnd watches ctx with its deadline: the library was told that of each request, and there may be many.
func cancelAtEnd(ctx context.Context) (cancellation, error) {
	return cancelWhen(ctx, func() bool { return true })
}

// cancelWhen asks at the end of ctx whether the call is to be cancelled.
func cancelWhen(ctx context.Context, counts func() bool) (cancellation, error) {
	if ctx.Done() == nil {
		return cancellation{}, nil
	}
	var c cancellation
	var failure *C.payseal_error
	if err := takeError(C.payseal_cancel_new(&c.handle, &failure), failure); err != nil {
		return cancellation{}, err
	}
	c.done = make(chan struct{})
	c.stop = context.AfterFunc(ctx, func() {
		defer close(c.done)
		if counts() {
			C.payseal_cancel_trigger(c.handle, nil)
		}
	})
	return c, nil
}

// free ends the watch, waiting for a trigger that is under way, and frees the handle.
func (c cancellation) free() {
	if c.handle == nil {
		return
	}
	if !c.stop() {
		<-c.done
	}
	C.payseal_cancel_free(c.handle)
}

// withCause adds the context's error to an err that the context brought about.
func withCause(ctx context.Context, err error) error {
	var failed *Error
	if !errors.As(err, &failed) || failed.Code != ErrCancelled && failed.Code != ErrTimeout {
		return err
	}
	if ended := ctx.Err(); ended != nil {
		failed.cause = ended
	} else if deadline, has := ctx.Deadline(); has && !time.Now().Before(deadline) {
		failed.cause = context.DeadlineExceeded // its timer is a moment late
	}
	return err
}
