package payseal

/*
#include "payseal.h"
*/
import "C"

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/payseal/payseal/bindings/go/internal/engine"
)

func init() {
	engine.Open = func(config, clients, options any) (engine.Payments, error) {
		return openPayments(config, clients.([]*Client), options.([]Option))
	}
	engine.ReadNotification = readNotification
}

// payments are what package payments gives a typed face. Like a client they are immutable and may be used by any number of goroutines.
type payments struct {
	handle  *C.payseal_payments
	closed  atomic.Bool
	cleanup runtime.Cleanup

	// clients are those of the accounts, in the order in which the library counts them.
	clients []*Client
	clock   func() time.Time
	// A provider that answers no request must not keep notifications from being taken in, nor work from being claimed.
	asking, storing limit
}

// asksProviders are the actions that wait for a network.
var asksProviders = map[string]bool{"create": true, "query": true, "close": true, "refund": true, "query_refund": true, "tick": true}

func openPayments(config any, clients []*Client, options []Option) (*payments, error) {
	if err := compatible(); err != nil {
		return nil, err
	}
	settings := settings{calls: sharedCalls, notifications: sharedNotifications}
	for _, option := range options {
		option(&settings)
	}
	if settings.err != nil {
		return nil, settings.err
	}
	if settings.http != nil || settings.sign != nil || settings.cache != nil {
		return nil, invalidArgument("WithHTTPClient, the signers and WithCache belong to the clients of the accounts, which keep them here")
	}
	handles := make([]*C.payseal_client, len(clients))
	for i, client := range clients {
		if client == nil {
			return nil, invalidArgument(fmt.Sprintf("account %d has no client", i))
		}
		if (client.http == nil) != (clients[0].http == nil) {
			return nil, invalidArgument(fmt.Sprintf("WithHTTPClient was given for the client of one account and not for that of another, numbers 0 and %d: give it for all of them or none", i))
		}
		handles[i] = client.handle
	}
	encoded, err := marshal(config)
	if err != nil {
		return nil, err
	}
	defer clear(encoded) // it holds the database's password
	data, length := bytesOf(encoded)
	var first **C.payseal_client
	if len(handles) > 0 {
		first = &handles[0]
	}
	opened := &payments{clients: clients, clock: settings.clock, asking: settings.calls, storing: settings.notifications}
	if opened.clock == nil {
		opened.clock = time.Now
	}
	var failure *C.payseal_error
	code := C.payseal_payments_new(data, length, first, C.size_t(len(handles)), settings.callbacks(), &opened.handle, &failure)
	runtime.KeepAlive(clients)
	if err := takeError(code, failure); err != nil {
		return nil, err
	}
	// The net under a forgotten Close. Every method keeps the payments alive until the library returned.
	opened.cleanup = runtime.AddCleanup(opened, freePayments, opened.handle)
	return opened, nil
}

func invalidArgument(message string) *Error {
	return &Error{Code: ErrInvalidArgument, Outcome: OutcomeNotSent, Message: message}
}

// Close frees the payments; calls that are under way finish.
func (p *payments) Close() {
	if p.closed.CompareAndSwap(false, true) {
		p.cleanup.Stop()
		C.payseal_payments_free(p.handle)
		runtime.KeepAlive(p)
	}
}

func freePayments(handle *C.payseal_payments) { C.payseal_payments_free(handle) }

// Now is the time by the payments' clock.
func (p *payments) Now() time.Time { return p.clock() }

// Execute does an action.
func (p *payments) Execute(ctx context.Context, action string, params any, options engine.Options) ([]byte, error) {
	encoded, err := p.encode(ctx, params, options)
	if err != nil {
		return nil, err
	}
	switch asks := asksProviders[action]; {
	case asks && p.clients[0].http != nil:
		return p.executeOverHTTP(ctx, action, encoded)
	case asks:
		return p.executeNatively(ctx, p.asking, action, encoded)
	}
	return p.executeNatively(ctx, p.storing, action, encoded)
}

// encode writes the parameters with the options of the call among them.
func (p *payments) encode(ctx context.Context, params any, options engine.Options) ([]byte, error) {
	encoded, err := marshal(params)
	if err != nil {
		return nil, err
	}
	wire := wireOptions{TimeoutMS: timeoutMS(ctx, 0), MaxAttempts: options.MaxAttempts, TraceID: traceID(ctx)}
	written, err := marshal(wire)
	if err != nil {
		return nil, err
	}
	members := bytes.TrimPrefix(encoded, []byte("{"))
	whole := append([]byte(`{"$":`), written...)
	if len(members) > 1 {
		whole = append(whole, ',')
	}
	return append(whole, members...), nil
}

func (p *payments) executeNatively(ctx context.Context, bound limit, action string, params []byte) ([]byte, error) {
	if err := bound.acquire(ctx); err != nil {
		return nil, err
	}
	defer bound.release()
	cancel, err := cancelAtEnd(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel.free()
	actionData, actionLen := textOf(action)
	paramsData, paramsLen := bytesOf(params)
	var body C.payseal_buffer
	var failure *C.payseal_error
	code := C.payseal_payments_execute(p.handle, actionData, actionLen, paramsData, paramsLen, cancel.handle, &body, nil, &failure)
	runtime.KeepAlive(p)
	if err := takeError(code, failure); err != nil {
		return nil, withCause(ctx, err)
	}
	return take(&body), nil
}

func (p *payments) executeOverHTTP(ctx context.Context, action string, params []byte) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, contextError(ctx)
	}
	actionData, actionLen := textOf(action)
	paramsData, paramsLen := bytesOf(params)
	running := p.call(p.asking)
	var failure *C.payseal_error
	code := C.payseal_call_new_payments(p.handle, actionData, actionLen, paramsData, paramsLen, &running.handle, &failure)
	runtime.KeepAlive(p)
	if err := takeError(code, failure); err != nil {
		return nil, err
	}
	defer running.free()
	body, _, err := running.drive(ctx)
	return body, err
}

// call is one whose steps work with the store, and whose requests go through the client of the account that they are for.
func (p *payments) call(bound limit) *call {
	return &call{
		owner: p,
		over:  func(asked outgoing) *http.Client { return p.clients[asked.Client].http },
		bound: bound,
	}
}

// Accept takes in a notification.
func (p *payments) Accept(ctx context.Context, account string, header http.Header, body []byte) (reply, info []byte, err error) {
	lines, err := checkedHeaderLines(header)
	if err != nil {
		return nil, nil, err
	}
	options, err := encodeOptions(ctx, nil)
	if err != nil {
		return nil, nil, err
	}
	if p.clients[0].http != nil {
		return p.acceptOverHTTP(ctx, account, lines, body, options)
	}
	if err := p.storing.acquire(ctx); err != nil {
		return nil, nil, err
	}
	defer p.storing.release()
	accountData, accountLen := textOf(account)
	headersData, headersLen := bytesOf(lines)
	bodyData, bodyLen := bytesOf(body)
	optionsData, optionsLen := bytesOf(options)
	var nativeReply, nativeInfo C.payseal_buffer
	var failure *C.payseal_error
	code := C.payseal_payments_accept(p.handle, accountData, accountLen, headersData, headersLen, bodyData, bodyLen, optionsData, optionsLen,
		&nativeReply, &nativeInfo, &failure)
	runtime.KeepAlive(p)
	if err := takeError(code, failure); err != nil {
		return nil, nil, withCause(ctx, err)
	}
	return take(&nativeReply), take(&nativeInfo), nil
}

func (p *payments) acceptOverHTTP(ctx context.Context, account string, headers, body, options []byte) (reply, info []byte, err error) {
	if ctx.Err() != nil {
		return nil, nil, contextError(ctx)
	}
	accountData, accountLen := textOf(account)
	headersData, headersLen := bytesOf(headers)
	bodyData, bodyLen := bytesOf(body)
	optionsData, optionsLen := bytesOf(options)
	running := p.call(p.storing)
	var failure *C.payseal_error
	code := C.payseal_call_new_accept(p.handle, accountData, accountLen, headersData, headersLen, bodyData, bodyLen, optionsData, optionsLen,
		&running.handle, &failure)
	runtime.KeepAlive(p)
	if err := takeError(code, failure); err != nil {
		return nil, nil, err
	}
	defer running.free()
	return running.drive(ctx)
}
