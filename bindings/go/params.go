package payseal

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Executor is what the typed packages below alipay and wechat need of a client; a test may put its own in place of [*Client].
type Executor interface {
	// Execute calls an operation of the provider; see [Client.Execute].
	Execute(ctx context.Context, operation string, params Params) (*Result, error)
}

// With gives calls through client these options wherever a call has none of its own. So the typed functions get them, which take no
// others: partnerships.BuildPartnership(ctx, payseal.With(client, payseal.Options{IdempotencyKey: key}), request).
func With(client Executor, options Options) Executor {
	return withOptions{client, options}
}

type withOptions struct {
	client  Executor
	options Options
}

func (w withOptions) Execute(ctx context.Context, operation string, params Params) (*Result, error) {
	params.Options = params.Options.or(w.options)
	return w.client.Execute(ctx, operation, params)
}

// Params are the parameters of an operation. All parts are optional.
type Params struct {
	// Path fills the placeholders of the operation's path, unescaped.
	Path map[string]string
	// Query makes the query string, unescaped.
	Query map[string]string
	// Body becomes the JSON body; any value that encoding/json accepts, json.RawMessage included. Amounts are integers.
	Body any
	// Payload is the exact body to send where there is no Body, or the file of an upload.
	Payload []byte
	// Options of this call.
	Options Options
}

// Options of one call. Zero fields take the client's configuration.
type Options struct {
	// Timeout bounds the call with all its attempts; a deadline of the context that is nearer wins.
	Timeout time.Duration
	// MaxAttempts bounds the attempts; 1 means no retry.
	MaxAttempts int
	// IdempotencyKey is sent as Idempotency-Key, and the operation is repeated like one that carries the merchant's number. Only for
	// operations whose documentation names this header: another would take effect once per attempt.
	IdempotencyKey string
	// TraceID is copied into log records: visible ASCII, at most 64 characters. See also [ContextWithTraceID].
	TraceID string
	// Accept is the Accept header.
	Accept string
	// ContentType is that of Params.Payload.
	ContentType string
	// Filename makes the request a multipart upload of Params.Payload.
	Filename string
	// Unchecked sends the parameters of a catalogued operation without checking them: for what the provider has added since this
	// version of the library. They are placed, completed and encrypted all the same.
	Unchecked bool
	// Expect says what the verified answer must hold, by dotted path: {"out_trade_no": "A1", "amount.total": 100}. A difference is
	// [ErrResponseMismatch].
	Expect map[string]any
}

// or fills what is not set with the others.
func (o Options) or(others Options) Options {
	if o.Expect == nil {
		o.Expect = others.Expect
	}
	return Options{
		Timeout:        cmp.Or(o.Timeout, others.Timeout),
		MaxAttempts:    cmp.Or(o.MaxAttempts, others.MaxAttempts),
		IdempotencyKey: cmp.Or(o.IdempotencyKey, others.IdempotencyKey),
		TraceID:        cmp.Or(o.TraceID, others.TraceID),
		Accept:         cmp.Or(o.Accept, others.Accept),
		ContentType:    cmp.Or(o.ContentType, others.ContentType),
		Filename:       cmp.Or(o.Filename, others.Filename),
		Unchecked:      o.Unchecked || others.Unchecked,
		Expect:         o.Expect,
	}
}

// Result is a verified answer.
type Result struct {
	// Body are the verified bytes exactly as received; empty for an answer without content.
	Body []byte
	// Info tells how the call went.
	Info Info
}

// String tells how the call went and keeps the body out of logs: it may hold a token or personal data.
func (r Result) String() string {
	return fmt.Sprintf("Result{HTTPStatus:%d RequestID:%s Verified:%t bytes:%d}", r.Info.HTTPStatus, r.Info.RequestID, r.Info.Verified, len(r.Body))
}

// GoString is String.
func (r Result) GoString() string { return r.String() }

// Decode reads the body, JSON, into v.
func (r *Result) Decode(v any) error {
	return json.Unmarshal(r.Body, v)
}

// Info tells how a call went.
type Info struct {
	// HTTPStatus is the status of the answer.
	HTTPStatus int `json:"http_status"`
	// RequestID is the provider's Request-ID.
	RequestID string `json:"request_id"`
	// Verified is false only for the few download paths that the provider never signs.
	Verified bool `json:"verified"`
	// Serial names the key that signed the answer.
	Serial string `json:"serial"`
	// SkewS is the provider's clock minus ours, seconds, as the signature's time tells it.
	SkewS int64 `json:"skew_s"`
	// Attempts counts the requests.
	Attempts int `json:"attempts"`
	// DurationMS is the time the call took, milliseconds.
	DurationMS int64 `json:"duration_ms"`
	// Final is true where [Client.Run] has seen a final state.
	Final bool `json:"final"`
	// Polls counts the answers that [Client.Run] got.
	Polls int `json:"polls"`
	// Host is the address that answered.
	Host string `json:"host"`
	// ContentType is that of the body.
	ContentType string `json:"content_type"`
	// Decrypted names the sensitive fields of the body that were decrypted: "data[].payer_phone".
	Decrypted []string `json:"decrypted"`
	// Encrypted names the sensitive fields of the body that are encrypted still, for only the signer has the key.
	Encrypted []string `json:"encrypted"`
}

type traceIDKey struct{}

// ContextWithTraceID returns a context whose calls carry id in their log records, unless [Options.TraceID] says otherwise.
func ContextWithTraceID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, traceIDKey{}, id)
}

func traceID(ctx context.Context) string {
	id, _ := ctx.Value(traceIDKey{}).(string)
	return id
}

// wire is the JSON of docs/abi.md, "Parameters".
type wire struct {
	Path    map[string]string `json:"path,omitempty"`
	Query   map[string]string `json:"query,omitempty"`
	Body    any               `json:"body,omitempty"`
	Options wireOptions       `json:"$"`
}

type wireOptions struct {
	TimeoutMS      int64          `json:"timeout_ms,omitempty"`
	MaxAttempts    int            `json:"max_attempts,omitempty"`
	IdempotencyKey string         `json:"idempotency_key,omitempty"`
	TraceID        string         `json:"trace_id,omitempty"`
	Accept         string         `json:"accept,omitempty"`
	ContentType    string         `json:"content_type,omitempty"`
	Filename       string         `json:"filename,omitempty"`
	Unchecked      bool           `json:"unchecked,omitempty"`
	Expect         map[string]any `json:"expect,omitempty"`

	AcceptUnauthenticated bool `json:"accept_unauthenticated,omitempty"`
}

// encode writes params for the library; the context contributes its deadline and trace id.
func (p Params) encode(ctx context.Context) ([]byte, error) {
	options := p.Options
	if options.TraceID == "" {
		options.TraceID = traceID(ctx)
	}
	return marshal(wire{Path: p.Path, Query: p.Query, Body: p.Body, Options: wireOptions{
		TimeoutMS:      timeoutMS(ctx, options.Timeout),
		MaxAttempts:    options.MaxAttempts,
		IdempotencyKey: options.IdempotencyKey,
		TraceID:        options.TraceID,
		Accept:         options.Accept,
		ContentType:    options.ContentType,
		Filename:       options.Filename,
		Unchecked:      options.Unchecked,
		Expect:         options.Expect,
	}})
}

// maxTimeout is the longest the library takes; a context may well have a later deadline.
const maxTimeout = 10 * time.Minute

// timeoutMS is the smaller of timeout and what the context leaves, in milliseconds rounded up; 0 where there is neither.
func timeoutMS(ctx context.Context, timeout time.Duration) int64 {
	return nearest(ctx, timeout, maxTimeout)
}

func nearest(ctx context.Context, timeout, most time.Duration) int64 {
	if deadline, has := ctx.Deadline(); has {
		if left := min(max(time.Until(deadline), 1), most); timeout <= 0 || left < timeout {
			timeout = left
		}
	}
	return int64((timeout + time.Millisecond - 1) / time.Millisecond)
}

// marshal encodes v without the escapes for HTML pages, which have no place in a payment.
func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, &Error{Code: ErrParamsInvalid, Outcome: OutcomeNotSent, Message: "the parameters cannot be written as JSON: " + err.Error(), cause: err}
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
