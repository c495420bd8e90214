package payseal

/*
#include "payseal.h"
*/
import "C"

import (
	"context"
	"encoding/json"
	"runtime"
)

// Execute calls an operation of the provider by the provider's name for it, "POST /v3/pay/transactions/jsapi"; placeholders stay in braces
// and are filled from params.Path. It signs, sends, repeats where that is safe, verifies the answer and returns it.
//
// A deadline of ctx bounds the call, its end cancels the call, also in the middle of a request. On failure the error is an [*Error];
// its Outcome says whether money may have moved.
func (c *Client) Execute(ctx context.Context, operation string, params Params) (*Result, error) {
	if c.http != nil {
		return c.executeOverHTTP(ctx, operation, params)
	}
	if err := c.calls.acquire(ctx); err != nil {
		return nil, err
	}
	defer c.calls.release()

	encoded, err := params.encode(ctx)
	if err != nil {
		return nil, err
	}
	cancel, err := cancelWith(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel.free()

	operationData, operationLen := textOf(operation)
	paramsData, paramsLen := bytesOf(encoded)
	payloadData, payloadLen := bytesOf(params.Payload)
	var body, info C.payseal_buffer
	var failure *C.payseal_error
	code := C.payseal_client_execute(c.handle, operationData, operationLen, paramsData, paramsLen, payloadData, payloadLen,
		cancel.handle, &body, &info, &failure)
	runtime.KeepAlive(c)
	if err := takeError(code, failure); err != nil {
		return nil, withCause(ctx, err)
	}
	return newResult(take(&body), take(&info))
}

func newResult(body, info []byte) (*Result, error) {
	result := &Result{Body: body}
	if err := json.Unmarshal(info, &result.Info); err != nil {
		return nil, &Error{Code: ErrInternal, Outcome: OutcomeUnknown, Message: "the library's info cannot be read", cause: err}
	}
	return result, nil
}
