package payseal

/*
#include "payseal.h"
*/
import "C"

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
)

// call is one exchange of which the library decides every step and this file moves the bytes.
type call struct {
	handle *C.payseal_call
	// owner is what the library's call belongs to: it stays alive until the call is freed.
	owner any
	// over says which client sends a request.
	over func(outgoing) *http.Client
	// bound is that of calls whose steps work with a database, and so block. Such a call may make many requests: the library was told the
	// deadline of each, so that the end of the context, also by its deadline, has to end the whole here.
	bound limit
	// last is why the most recent request failed; errors.As finds it behind the library's error.
	last error
}

func (c *Client) executeOverHTTP(ctx context.Context, operation string, params Params) (*Result, error) {
	if ctx.Err() != nil {
		return nil, contextError(ctx)
	}
	encoded, err := params.encode(ctx)
	if err != nil {
		return nil, err
	}
	running, err := c.startCall(operation, encoded, params.Payload)
	if err != nil {
		return nil, err
	}
	defer running.free()
	body, info, err := running.drive(ctx)
	if err != nil {
		return nil, err
	}
	return newResult(body, info)
}

func (c *Client) startCall(operation string, params, payload []byte) (*call, error) {
	operationData, operationLen := textOf(operation)
	paramsData, paramsLen := bytesOf(params)
	payloadData, payloadLen := bytesOf(payload)
	started := c.call()
	var failure *C.payseal_error
	code := C.payseal_call_new(c.handle, operationData, operationLen, paramsData, paramsLen, payloadData, payloadLen,
		&started.handle, &failure)
	runtime.KeepAlive(c)
	if err := takeError(code, failure); err != nil {
		return nil, err
	}
	return started, nil
}

func (c *Client) openOverHTTP(ctx context.Context, headers, body []byte, options []NotificationOption) (plaintext, event []byte, err error) {
	encoded, err := encodeOptions(ctx, options)
	if err != nil {
		return nil, nil, err
	}
	headersData, headersLen := bytesOf(headers)
	bodyData, bodyLen := bytesOf(body)
	optionsData, optionsLen := bytesOf(encoded)
	running := c.call()
	var failure *C.payseal_error
	code := C.payseal_call_new_notification(c.handle, headersData, headersLen, bodyData, bodyLen, optionsData, optionsLen,
		&running.handle, &failure)
	runtime.KeepAlive(c)
	if err := takeError(code, failure); err != nil {
		return nil, nil, err
	}
	defer running.free()
	return running.drive(ctx)
}

func (c *Client) call() *call {
	return &call{owner: c, over: func(outgoing) *http.Client { return c.http }}
}

func (r *call) free() {
	C.payseal_call_free(r.handle)
	runtime.KeepAlive(r.owner)
}

// drive does what the library asks for until it is done.
func (r *call) drive(ctx context.Context) (body, info []byte, err error) {
	for {
		action, pause, err := r.step()
		if err != nil {
			return nil, nil, err
		}
		switch action {
		case C.PAYSEAL_SEND:
			err = r.exchange(ctx)
		case C.PAYSEAL_WAIT:
			err = r.wait(ctx, pause)
		default:
			return r.result(ctx)
		}
		if err != nil {
			return nil, nil, err
		}
	}
}

func (r *call) step() (action C.int32_t, pause time.Duration, err error) {
	if r.bound != nil {
		r.bound <- struct{}{} // not within the context: what was begun is brought to its end
		defer r.bound.release()
	}
	var waitMS C.uint64_t
	var failure *C.payseal_error
	if err := takeError(C.payseal_call_step(r.handle, &action, &waitMS, &failure), failure); err != nil {
		return 0, 0, err
	}
	return action, time.Duration(waitMS) * time.Millisecond, nil
}

// isOver says whether the context ends the call.
func (r *call) isOver(ctx context.Context) bool {
	return ctx.Err() == context.Canceled || r.bound != nil && ctx.Err() != nil
}

func (r *call) result(ctx context.Context) (body, info []byte, err error) {
	var nativeBody, nativeInfo C.payseal_buffer
	var failure *C.payseal_error
	code := C.payseal_call_result(r.handle, &nativeBody, &nativeInfo, &failure)
	if err := takeError(code, failure); err != nil {
		// The end of the time or of the caller's patience is the context's or the library's own; all else was the transport's.
		if failed := err.(*Error); failed.Code.Kind() == KindTransport && failed.Code != ErrTimeout && failed.Code != ErrCancelled {
			failed.cause = r.last
		}
		return nil, nil, withCause(ctx, err)
	}
	return take(&nativeBody), take(&nativeInfo), nil
}

// wait pauses. A deadline that the library was told does not cut it short: it never asks for a pause beyond.
func (r *call) wait(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
	}
	if r.isOver(ctx) {
		return r.fail(C.PAYSEAL_FAILURE_CANCELLED, ctx.Err())
	}
	<-timer.C
	return nil
}

// exchange sends the library's request and hands back the answer, or why there is none.
func (r *call) exchange(ctx context.Context) error {
	asked, body, err := r.request()
	if err != nil {
		return err
	}
	if r.isOver(ctx) {
		return r.fail(C.PAYSEAL_FAILURE_CANCELLED, ctx.Err())
	}
	if asked.TimeoutMS > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(asked.TimeoutMS)*time.Millisecond)
		defer cancel()
	}
	sent := sentness{}
	request, err := asked.build(sent.trace(ctx), body)
	if err != nil {
		return r.fail(C.PAYSEAL_FAILURE_NOT_SENT, err)
	}
	response, err := r.over(asked).Do(request)
	if err != nil {
		return r.fail(sent.failure(ctx, err), err)
	}
	defer response.Body.Close()
	// One byte above the limit, so that the library sees that it was passed.
	received, err := io.ReadAll(io.LimitReader(response.Body, asked.MaxResponseBytes+1))
	if err != nil {
		return r.fail(sent.failure(ctx, err), err)
	}
	if err := r.respond(response.StatusCode, headerLines(response.Header), received); err != nil {
		return r.fail(C.PAYSEAL_FAILURE_SENT, err) // an answer the library cannot take is no answer, but the request was sent
	}
	return nil
}

// outgoing is the JSON of payseal_call_request.
type outgoing struct {
	Method           string      `json:"method"`
	URL              string      `json:"url"`
	Headers          [][2]string `json:"headers"`
	TimeoutMS        int64       `json:"timeout_ms"`
	MaxResponseBytes int64       `json:"max_response_bytes"`
	// Client is for whose account it is, by the place among those of payments.
	Client int `json:"client"`
	// HeadTimeoutMS is there when the answer is a file.
	HeadTimeoutMS int64 `json:"head_timeout_ms"`
}

func (r *call) request() (asked outgoing, body []byte, err error) {
	var native C.payseal_buffer
	var failure *C.payseal_error
	if err := takeError(C.payseal_call_request(r.handle, &native, &failure), failure); err != nil {
		return asked, nil, err
	}
	if err := json.Unmarshal(take(&native), &asked); err != nil {
		return asked, nil, &Error{Code: ErrInternal, Outcome: OutcomeUnknown, Message: "the library's request cannot be read", cause: err}
	}
	if err := takeError(C.payseal_call_body(r.handle, &native, &failure), failure); err != nil {
		return asked, nil, err
	}
	return asked, take(&native), nil
}

func (o outgoing) build(ctx context.Context, body []byte) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, o.Method, o.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for _, header := range o.Headers {
		request.Header.Add(header[0], header[1])
	}
	// net/http asks for gzip and decodes it unless the request says something itself; the signature covers the bytes as sent.
	if request.Header.Get("Accept-Encoding") == "" {
		request.Header.Set("Accept-Encoding", "identity")
	}
	return request, nil
}

func (r *call) respond(status int, headers, body []byte) error {
	headersData, headersLen := bytesOf(headers)
	bodyData, bodyLen := bytesOf(body)
	var failure *C.payseal_error
	return takeError(C.payseal_call_respond(r.handle, C.uint32_t(status), headersData, headersLen, bodyData, bodyLen, &failure), failure)
}

func (r *call) fail(kind C.int32_t, why error) error {
	r.last = why
	reasonData, reasonLen := textOf(strings.ToValidUTF8(why.Error(), "?"))
	var failure *C.payseal_error
	return takeError(C.payseal_call_fail(r.handle, kind, reasonData, reasonLen, &failure), failure)
}

// sentness observes whether bytes of a request may have left.
type sentness struct {
	asked, got atomic.Bool
}

func (s *sentness) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { s.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { s.got.Store(true) },
	})
}

// failure says NOT_SENT only where the transport reported that it looked for a connection and never had one. A transport that
// reports nothing gets the benefit of no doubt.
func (s *sentness) failure(ctx context.Context, err error) C.int32_t {
	var timed interface{ Timeout() bool }
	switch {
	case ctx.Err() == context.Canceled:
		return C.PAYSEAL_FAILURE_CANCELLED
	case s.asked.Load() && !s.got.Load():
		return C.PAYSEAL_FAILURE_NOT_SENT
	case errors.As(err, &timed) && timed.Timeout():
		return C.PAYSEAL_FAILURE_TIMEOUT
	}
	return C.PAYSEAL_FAILURE_SENT
}

// exactClient is client without what would change the bytes or the addresses the library decided on.
func exactClient(client *http.Client) *http.Client {
	exact := *client
	exact.Jar = nil
	exact.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &exact
}
