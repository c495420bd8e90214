package payseal

/*
#include "payseal.h"
*/
import "C"

import (
	"context"
	"runtime"
	"time"
)

// The flows of WeChat Pay, for [Client.Run]. docs/abi.md says how each ends and at which pace it asks.
const (
	// AwaitPayment asks for a payment by Path "out_trade_no" until its trade_state is final.
	AwaitPayment = "await_payment"
	// AwaitPartnerPayment is the same for a service provider.
	AwaitPartnerPayment = "await_partner_payment"
	// Codepay orders with the code that the shop scanned, waits for the payer and, at the deadline, reverses the order.
	Codepay = "codepay"
	// PartnerCodepay is the same for a service provider.
	PartnerCodepay = "partner_codepay"
	// Refund asks for a refund and waits until its status is final.
	Refund = "refund"
	// AwaitRefund waits for a refund by Path "out_refund_no".
	AwaitRefund = "await_refund"
	// AwaitEcommerceRefund waits for a refund of e-commerce by Path "out_refund_no".
	AwaitEcommerceRefund = "await_ecommerce_refund"
	// AwaitTransfer waits for a transfer by Path "out_bill_no".
	AwaitTransfer = "await_transfer"
	// AwaitTransferBatch waits for a batch of transfers by Path "out_batch_no".
	AwaitTransferBatch = "await_transfer_batch"
	// AwaitProfitSharing waits for a sharing of profit by Path "out_order_no".
	AwaitProfitSharing = "await_profit_sharing"
	// TransferReceipt applies for the receipt of a transfer and waits until it can be downloaded.
	TransferReceipt = "transfer_receipt"
	// AwaitTransferReceipt waits for such a receipt by Path "out_bill_no".
	AwaitTransferReceipt = "await_transfer_receipt"
	// BatchReceipt applies for the receipt of a batch of transfers and waits until it can be downloaded.
	BatchReceipt = "batch_receipt"
	// DetailReceipt applies for the receipt of one transfer of a batch and waits until it can be downloaded.
	DetailReceipt = "detail_receipt"
)

// FlowParams are what a flow asks with. All parts are optional.
type FlowParams struct {
	// Path fills the placeholders of the question's path, unescaped.
	Path map[string]string
	// Query makes the question's query string, unescaped.
	Query map[string]string
	// Body is that of the operation with which the flow begins.
	Body any
	// Options of this flow.
	Options FlowOptions
}

// FlowOptions of one flow. Zero fields take the provider's pace and the client's configuration.
type FlowOptions struct {
	// Deadline is how long it is asked again; a deadline of the context that is nearer wins. A request under way may take its own time.
	Deadline time.Duration
	// Schedule are the pauses between looks in place of the provider's; the last one is repeated until the deadline.
	Schedule []time.Duration
	// Timeout bounds each exchange with all its attempts.
	Timeout time.Duration
	// MaxAttempts bounds the attempts of each exchange; 1 means no retry.
	MaxAttempts int
	// TraceID is copied into log records; see also [ContextWithTraceID].
	TraceID string
	// Expect says what the final answer must hold, by dotted path. A difference is [ErrResponseMismatch].
	Expect map[string]any
}

// Run asks, waits at the provider's pace and asks again until the state is final or the deadline has passed, such as [AwaitPayment]. Every answer
// is verified, and nothing is ordered twice.
//
// final is false where the deadline passed first: then the result is the last verified state, which may change. Where there was no verified
// answer at all err says so with [OutcomeUnknown].
func (c *Client) Run(ctx context.Context, flow string, params FlowParams) (result *Result, final bool, err error) {
	encoded, err := params.encode(ctx)
	if err != nil {
		return nil, false, err
	}
	run := c.runNatively
	if c.http != nil {
		run = c.runOverHTTP
	}
	body, info, err := run(ctx, flow, encoded)
	if err != nil {
		return nil, false, err
	}
	result, err = newResult(body, info)
	if err != nil {
		return nil, false, err
	}
	return result, result.Info.Final, nil
}

// Await is [Client.Run] with the answer read into a T, such as a model of the package wechat/pay.
func Await[T any](ctx context.Context, client *Client, flow string, params FlowParams) (state *T, final bool, err error) {
	result, final, err := client.Run(ctx, flow, params)
	if err != nil {
		return nil, false, err
	}
	state = new(T)
	if err := result.Decode(state); err != nil {
		return nil, false, &Error{Code: ErrBodyInvalid, Outcome: OutcomeUnknown, Message: "the verified answer is not of this type", cause: err}
	}
	return state, final, nil
}

func (p FlowParams) encode(ctx context.Context) ([]byte, error) {
	options := p.Options
	if options.TraceID == "" {
		options.TraceID = traceID(ctx)
	}
	type flowOptions struct {
		DeadlineMS  int64          `json:"deadline_ms,omitempty"`
		ScheduleMS  []int64        `json:"schedule_ms,omitempty"`
		TimeoutMS   int64          `json:"timeout_ms,omitempty"`
		MaxAttempts int            `json:"max_attempts,omitempty"`
		TraceID     string         `json:"trace_id,omitempty"`
		Expect      map[string]any `json:"expect,omitempty"`
	}
	encoded := flowOptions{
		DeadlineMS:  nearest(ctx, options.Deadline, maxDeadline),
		TimeoutMS:   nearest(context.Background(), options.Timeout, maxTimeout),
		MaxAttempts: options.MaxAttempts,
		TraceID:     options.TraceID,
		Expect:      options.Expect,
	}
	for _, pause := range options.Schedule {
		encoded.ScheduleMS = append(encoded.ScheduleMS, pause.Milliseconds())
	}
	return marshal(struct {
		Path    map[string]string `json:"path,omitempty"`
		Query   map[string]string `json:"query,omitempty"`
		Body    any               `json:"body,omitempty"`
		Options flowOptions       `json:"$"`
	}{p.Path, p.Query, p.Body, encoded})
}

// maxDeadline is the longest the library takes.
const maxDeadline = 24 * time.Hour

func (c *Client) runNatively(ctx context.Context, flow string, params []byte) (body, info []byte, err error) {
	if err := c.calls.acquire(ctx); err != nil {
		return nil, nil, err
	}
	defer c.calls.release()
	cancel, err := cancelWith(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer cancel.free()
	flowData, flowLen := textOf(flow)
	paramsData, paramsLen := bytesOf(params)
	var nativeBody, nativeInfo C.payseal_buffer
	var failure *C.payseal_error
	code := C.payseal_client_run(c.handle, flowData, flowLen, paramsData, paramsLen, cancel.handle, &nativeBody, &nativeInfo, &failure)
	runtime.KeepAlive(c)
	if err := takeError(code, failure); err != nil {
		return nil, nil, withCause(ctx, err)
	}
	return take(&nativeBody), take(&nativeInfo), nil
}

func (c *Client) runOverHTTP(ctx context.Context, flow string, params []byte) (body, info []byte, err error) {
	if ctx.Err() != nil {
		return nil, nil, contextError(ctx)
	}
	flowData, flowLen := textOf(flow)
	paramsData, paramsLen := bytesOf(params)
	running := c.call()
	var failure *C.payseal_error
	code := C.payseal_call_new_flow(c.handle, flowData, flowLen, paramsData, paramsLen, &running.handle, &failure)
	runtime.KeepAlive(c)
	if err := takeError(code, failure); err != nil {
		return nil, nil, err
	}
	defer running.free()
	return running.drive(ctx)
}
