// Package engine is the seam between package payseal, where all calls of the native library are made, and package payments, which is typed.
package engine

import (
	"context"
	"net/http"
	"time"
)

// Payments are orders, inbox and outbox in one database.
type Payments interface {
	// Execute does an action of docs/abi.md, "Payments", and returns its result. params must become a JSON object.
	Execute(ctx context.Context, action string, params any, options Options) ([]byte, error)
	// Accept takes in a notification and returns what to answer and what became of it. An empty account is found out.
	Accept(ctx context.Context, account string, header http.Header, body []byte) (reply, info []byte, err error)
	// Now is the time by the clock of the payments.
	Now() time.Time
	// Close frees them; what is under way finishes.
	Close()
}

// Options of one action.
type Options struct {
	// MaxAttempts bounds the attempts of each request; 0 leaves it to the configuration.
	MaxAttempts int
}

// Package payseal sets these. It cannot be named here: clients is a []*payseal.Client, options a []payseal.Option.
var (
	// Open opens a store; config becomes the JSON object of docs/abi.md.
	Open func(config any, clients, options any) (Payments, error)
	// ReadNotification reads the body of a notification, within the bounds that there are for one.
	ReadNotification func(r *http.Request) ([]byte, error)
)
