package payseal

/*
#include "payseal.h"
*/
import "C"

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// overHTTP moves the bytes of a download with the host's own client; the library decides every step.
type overHTTP struct {
	client *http.Client
	body   io.ReadCloser
	// end stops the request that body belongs to.
	end    context.CancelFunc
	sent   *sentness
	ctx    context.Context
	buffer []byte
	last   error
}

// read goes on until there are bytes for p or the download is done. Where it is being saved, p is empty and there never are.
func (o *overHTTP) read(d *Download, p []byte) (int, error) {
	for {
		var action C.int32_t
		var waitMS C.uint64_t
		var failure *C.payseal_error
		if err := takeError(C.payseal_download_step(d.handle, &action, &waitMS, &failure), failure); err != nil {
			o.hangUp()
			return 0, o.explained(err)
		}
		var err error
		switch action {
		case C.PAYSEAL_SEND:
			err = o.send(d)
		case C.PAYSEAL_RECEIVE:
			err = o.receive(d)
		case C.PAYSEAL_WAIT:
			err = o.wait(d, time.Duration(waitMS)*time.Millisecond)
		case C.PAYSEAL_TAKE:
			out, length := bytesOf(p)
			var taken C.size_t
			if err := takeError(C.payseal_download_take(d.handle, out, length, &taken, &failure), failure); err != nil {
				o.hangUp()
				return 0, err
			}
			if taken > 0 {
				return int(taken), nil
			}
		default:
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

func (o *overHTTP) send(d *Download) error {
	o.hangUp()
	asked, body, err := o.request(d)
	if err != nil {
		return err
	}
	ctx, end := context.WithTimeout(d.ctx, time.Duration(asked.TimeoutMS)*time.Millisecond)
	o.end, o.ctx, o.sent = end, d.ctx, &sentness{}
	var late atomic.Bool
	if asked.HeadTimeoutMS > 0 {
		timer := time.AfterFunc(time.Duration(asked.HeadTimeoutMS)*time.Millisecond, func() {
			late.Store(true)
			end()
		})
		defer timer.Stop()
	}
	request, err := asked.build(o.sent.trace(ctx), body)
	if err != nil {
		return o.fail(d, C.PAYSEAL_FAILURE_NOT_SENT, err)
	}
	response, err := o.client.Do(request)
	if err != nil {
		kind := o.sent.failure(o.ctx, err)
		if late.Load() && kind != C.PAYSEAL_FAILURE_NOT_SENT {
			kind = C.PAYSEAL_FAILURE_TIMEOUT
		}
		return o.fail(d, kind, err)
	}
	o.body = response.Body
	headersData, headersLen := bytesOf(headerLines(response.Header))
	var failure *C.payseal_error
	return takeError(C.payseal_download_respond(d.handle, C.uint32_t(response.StatusCode), headersData, headersLen, &failure), failure)
}

func (o *overHTTP) receive(d *Download) error {
	if o.buffer == nil {
		o.buffer = make([]byte, 64<<10)
	}
	read, err := o.body.Read(o.buffer)
	var failure *C.payseal_error
	if read > 0 {
		data, length := bytesOf(o.buffer[:read])
		// What is wrong with it, the next step says.
		if failed := takeError(C.payseal_download_receive(d.handle, data, length, &failure), failure); failed != nil || err == nil {
			return failed
		}
	}
	switch err {
	case nil:
		return nil
	case io.EOF:
		return takeError(C.payseal_download_end(d.handle, &failure), failure)
	}
	return o.fail(d, o.sent.failure(o.ctx, err), err)
}

func (o *overHTTP) wait(d *Download, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-d.ctx.Done():
		return o.fail(d, C.PAYSEAL_FAILURE_CANCELLED, d.ctx.Err())
	}
}

func (o *overHTTP) request(d *Download) (asked outgoing, body []byte, err error) {
	var native C.payseal_buffer
	var failure *C.payseal_error
	if err := takeError(C.payseal_download_request(d.handle, &native, &failure), failure); err != nil {
		return asked, nil, err
	}
	if err := json.Unmarshal(take(&native), &asked); err != nil {
		return asked, nil, &Error{Code: ErrInternal, Outcome: OutcomeUnknown, Message: "the library's request cannot be read", cause: err}
	}
	if err := takeError(C.payseal_download_body(d.handle, &native, &failure), failure); err != nil {
		return asked, nil, err
	}
	return asked, take(&native), nil
}

func (o *overHTTP) fail(d *Download, kind C.int32_t, why error) error {
	o.hangUp()
	o.last = why
	data, length := textOf(strings.ToValidUTF8(why.Error(), "?"))
	var failure *C.payseal_error
	return takeError(C.payseal_download_fail(d.handle, kind, data, length, &failure), failure)
}

// explained adds the transport's own error where that is the reason.
func (o *overHTTP) explained(err error) error {
	if failed, is := err.(*Error); is && failed.Code.Kind() == KindTransport && failed.Code != ErrTimeout && failed.Code != ErrCancelled {
		failed.cause = o.last
	}
	return err
}

func (o *overHTTP) hangUp() {
	if o.body != nil {
		o.body.Close()
		o.body = nil
	}
	if o.end != nil {
		o.end()
		o.end = nil
	}
}
