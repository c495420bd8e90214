package payments

import (
	"context"
	"encoding/json"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/internal/engine"
)

// Payments are orders, inbox and outbox of several merchants in one database. They are immutable and may be used by any number of goroutines
// at once, also while another closes them, and by any number of processes on any number of machines.
type Payments struct {
	engine   engine.Payments
	accounts []Account
	// hasOutbox is [Config.Outbox].
	hasOutbox bool
	// events ring when there may be something to claim from the inbox, messages the same of the outbox.
	events, messages bell
}

// Open opens the store and makes its tables, or brings them up to date. What is wrong with config is an error of [payseal.KindConfiguration]
// that names the field, what is wrong with the database one of [payseal.KindStore]. Close the payments when they are no longer needed.
//
// Of the options, [payseal.WithClock], [payseal.WithRandom], [payseal.WithLogger] and [payseal.WithMaxBlockingCalls] are meant for payments. An
// account whose client was made with [payseal.WithHTTPClient] sends through that one here too; all accounts must have been, or none.
func Open(config Config, options ...payseal.Option) (*Payments, error) {
	clients := make([]*payseal.Client, len(config.Accounts))
	for i, account := range config.Accounts {
		clients[i] = account.Client
	}
	opened, err := engine.Open(config.wire(), clients, options)
	if err != nil {
		return nil, err
	}
	return &Payments{engine: opened, accounts: append([]Account(nil), config.Accounts...), hasOutbox: config.Outbox}, nil
}

// Close frees the payments; calls that are under way finish. Calls made later fail with [payseal.ErrInvalidHandle], a second Close does
// nothing. It does not close the clients. It always returns nil and is here to fit [io.Closer].
func (p *Payments) Close() error {
	p.engine.Close()
	return nil
}

// CallOption adjusts a call that asks providers. Its time is bounded by the deadline of the context, its log records carry the id of
// [payseal.ContextWithTraceID].
type CallOption func(*engine.Options)

// MaxAttempts bounds the attempts of each request; 1 means no retry.
func MaxAttempts(n int) CallOption {
	return func(options *engine.Options) { options.MaxAttempts = n }
}

// do runs an action and reads its result into a T.
func do[T any](ctx context.Context, p *Payments, action string, params any, options ...CallOption) (*T, error) {
	var all engine.Options
	for _, option := range options {
		option(&all)
	}
	encoded, err := p.engine.Execute(ctx, action, params, all)
	if err != nil {
		return nil, err
	}
	result := new(T)
	if err := json.Unmarshal(encoded, result); err != nil {
		return nil, unreadable("result of "+action, err)
	}
	return result, nil
}

// asked is do for what may have put something into inbox or outbox, whatever it returned.
func asked[T any](ctx context.Context, p *Payments, action string, params any, options ...CallOption) (*T, error) {
	defer p.ring()
	return do[T](ctx, p, action, params, options...)
}

func (p *Payments) ring() {
	p.events.ring()
	p.messages.ring()
}

func unreadable(what string, err error) error {
	return &payseal.Error{Code: payseal.ErrInternal, Outcome: payseal.OutcomeUnknown, Message: "the library's " + what + " cannot be read: " + err.Error()}
}

// left is the time until a moment, by the payments' clock.
func (p *Payments) left(until Time) time.Duration { return until.Sub(p.engine.Now()) }
