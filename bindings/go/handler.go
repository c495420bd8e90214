package payseal

import (
	"context"
	"errors"
	"net/http"
)

// NotificationHandler serves the address that the provider sends notifications to. It opens each one, calls handle with the verified event
// and writes the reply the provider expects: success where handle returns nil, otherwise a failure, so that the provider sends the
// notification again. What is not the provider's never reaches handle; what nobody signed does so only with [AcceptUnauthenticated].
// The provider waits five seconds for the reply.
func (c *Client) NotificationHandler(handle func(ctx context.Context, event *Event) error, options ...NotificationOption) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, err := c.OpenNotification(r.Context(), r, options...)
		c.answer(w, err, func() error { return handle(r.Context(), event) })
	})
}

// answer writes what the provider expects: opened is why a notification was not opened, handle takes care of one that was.
func (c *Client) answer(w http.ResponseWriter, opened error, handle func() error) {
	code := CodeOf(opened)
	if opened == nil && handle() != nil {
		code = ErrInternal
	}
	reply, err := c.NotificationReply(code)
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	_ = reply.Write(w) // the provider is gone and will send it again
}

// CodeOf returns the [Code] of an error of this package, [OK] for nil and [ErrInternal] for any other error.
func CodeOf(err error) Code {
	var failed *Error
	switch {
	case err == nil:
		return OK
	case errors.As(err, &failed):
		return failed.Code
	}
	return ErrInternal
}
