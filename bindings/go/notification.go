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
	"runtime"
	"strings"
)

// MaxNotificationBytes bounds the body that [Client.OpenNotification] reads.
const MaxNotificationBytes = 1 << 20

// Event is a notification whose signature was verified and whose resource was decrypted. There is no other way to get one, so an Event
// is always the provider's, unless [AcceptUnauthenticated] was passed and its Authenticity says otherwise. The provider repeats a notification until it is answered well: use ID or the order's number to process
// it once.
type Event struct {
	// ID is the notification's own; a repetition has the same.
	ID string `json:"id"`
	// CreateTime is when the provider made it, RFC 3339.
	CreateTime string `json:"create_time"`
	// EventType says what happened, "TRANSACTION.SUCCESS".
	EventType string `json:"event_type"`
	// ResourceType is "encrypt-resource".
	ResourceType string `json:"resource_type"`
	// OriginalType says what the plaintext is, "transaction".
	OriginalType string `json:"original_type"`
	// Summary is the provider's note for people.
	Summary string `json:"summary"`
	// Provider is "wechat", "wechat-v2" or "alipay".
	Provider string `json:"provider"`
	// Merchant is whom the client is for: a merchant id or, of Alipay, an app id.
	Merchant string `json:"merchant"`
	// Serial names the key that signed; empty where keys have no serial numbers.
	Serial string `json:"serial"`
	// Timestamp is when it was signed, Unix seconds; 0 where the provider signs no time.
	Timestamp int64 `json:"timestamp"`
	// Authenticity is [AuthenticitySigned], but for what was opened with [AcceptUnauthenticated].
	Authenticity Authenticity `json:"authenticity"`
	// ConfirmWith names the operation that tells whether the event is true, where it alone does not prove that: "POST /pay/refundquery".
	ConfirmWith string `json:"confirm_with"`
	// Replay is true where the replay guard has seen this very message before.
	Replay bool `json:"replay"`
	// Plaintext is the decrypted resource, JSON, byte for byte.
	Plaintext []byte `json:"-"`
}

// Decode reads the plaintext, JSON, into v. Compare order number, amount and merchant with what was ordered before acting on it.
func (e *Event) Decode(v any) error {
	return json.Unmarshal(e.Plaintext, v)
}

// NotificationOption adjusts the opening of a notification.
type NotificationOption func(*wireOptions)

// Expecting names values that the plaintext must have, by dotted path: {"out_trade_no": "A1", "amount.total": 100}. A difference is
// [ErrResponseMismatch].
func Expecting(values map[string]any) NotificationOption {
	return func(options *wireOptions) { options.Expect = values }
}

// OpenNotification reads the body of r, at most [MaxNotificationBytes], verifies and decrypts it. Nothing may have read the body before.
// The error's Code is what [Client.NotificationReply] needs to answer.
func (c *Client) OpenNotification(ctx context.Context, r *http.Request, options ...NotificationOption) (*Event, error) {
	body, err := readNotification(r)
	if err != nil {
		return nil, err
	}
	return c.OpenNotificationRaw(ctx, r.Header, body, options...)
}

func readNotification(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxNotificationBytes+1))
	if err != nil {
		return nil, &Error{Code: ErrBodyInvalid, Outcome: OutcomeUnauthentic, Message: "the notification's body could not be read", cause: err}
	}
	if len(body) > MaxNotificationBytes {
		return nil, &Error{Code: ErrBodyInvalid, Outcome: OutcomeUnauthentic, Message: "the notification's body is longer than 1 MiB"}
	}
	return body, nil
}

// OpenNotificationRaw verifies and decrypts a notification from its header and the bytes of its body, exactly as received: a body that was
// decoded and encoded again does not fit its signature any more.
//
// A deadline of ctx bounds the refresh of platform certificates that an unknown serial may cause.
func (c *Client) OpenNotificationRaw(ctx context.Context, header http.Header, body []byte, options ...NotificationOption) (*Event, error) {
	lines, err := checkedHeaderLines(header)
	if err != nil {
		return nil, err
	}
	open := c.openNatively
	if c.http != nil {
		open = c.openOverHTTP
	}
	plaintext, encoded, err := open(ctx, lines, body, options)
	if err != nil {
		return nil, err
	}
	event := &Event{Plaintext: plaintext}
	if err := json.Unmarshal(encoded, event); err != nil {
		return nil, &Error{Code: ErrInternal, Outcome: OutcomeMalformed, Message: "the library's event cannot be read", cause: err}
	}
	return event, nil
}

func (c *Client) openNatively(ctx context.Context, headers, body []byte, options []NotificationOption) (plaintext, event []byte, err error) {
	if err := c.notifications.acquire(ctx); err != nil {
		return nil, nil, err
	}
	defer c.notifications.release()
	encoded, err := encodeOptions(ctx, options)
	if err != nil {
		return nil, nil, err
	}
	headersData, headersLen := bytesOf(headers)
	bodyData, bodyLen := bytesOf(body)
	optionsData, optionsLen := bytesOf(encoded)
	var nativePlaintext, nativeEvent C.payseal_buffer
	var failure *C.payseal_error
	code := C.payseal_notification_open(c.handle, headersData, headersLen, bodyData, bodyLen, optionsData, optionsLen,
		&nativePlaintext, &nativeEvent, &failure)
	runtime.KeepAlive(c)
	if err := takeError(code, failure); err != nil {
		return nil, nil, withCause(ctx, err)
	}
	return take(&nativePlaintext), take(&nativeEvent), nil
}

// encodeOptions adds the context's deadline and trace id.
func encodeOptions(ctx context.Context, options []NotificationOption) ([]byte, error) {
	wire := wireOptions{TimeoutMS: timeoutMS(ctx, 0), TraceID: traceID(ctx)}
	for _, option := range options {
		option(&wire)
	}
	if len(options) == 0 && wire.TimeoutMS == 0 && wire.TraceID == "" {
		return nil, nil
	}
	return marshal(wire)
}

// checkedHeaderLines refuses a line break inside a field, which would add a header that nobody sent.
func checkedHeaderLines(header http.Header) ([]byte, error) {
	for name, values := range header {
		if strings.ContainsAny(name, "\r\n:") || strings.ContainsAny(strings.Join(values, ""), "\r\n") {
			return nil, &Error{Code: ErrHeaderInvalid, Outcome: OutcomeUnauthentic, Message: "a header of the notification has a line break in it"}
		}
	}
	return headerLines(header), nil
}

// headerLines writes a header as the library reads it, one "Name: value" a line.
func headerLines(header http.Header) []byte {
	lines := make([]byte, 0, 1024)
	for name, values := range header {
		for _, value := range values {
			lines = append(lines, name...)
			lines = append(lines, ": "...)
			lines = append(lines, value...)
			lines = append(lines, '\n')
		}
	}
	return lines
}

// Reply is the answer to write to a notification.
type Reply struct {
	// Status is the HTTP status.
	Status int
	// Header are the headers.
	Header http.Header
	// Body are the exact bytes.
	Body []byte
}

// NotificationReply returns the answer to a notification. code is [OK] when the notification was opened and taken care of, the Code of the
// error that opening gave, or [ErrInternal] when the program's own handling failed, so that the provider sends it again.
func (c *Client) NotificationReply(code Code) (*Reply, error) {
	var native, body C.payseal_buffer
	var failure *C.payseal_error
	status := C.payseal_notification_reply(c.handle, C.int32_t(code), &native, &body, &failure)
	runtime.KeepAlive(c)
	if err := takeError(status, failure); err != nil {
		return nil, err
	}
	var decoded struct {
		Status  int         `json:"status"`
		Headers [][2]string `json:"headers"`
	}
	reply := &Reply{Header: http.Header{}, Body: take(&body)}
	if err := json.Unmarshal(take(&native), &decoded); err != nil {
		return nil, &Error{Code: ErrInternal, Outcome: OutcomeNotSent, Message: "the library's reply cannot be read", cause: err}
	}
	reply.Status = decoded.Status
	for _, header := range decoded.Headers {
		reply.Header.Add(header[0], header[1])
	}
	return reply, nil
}

// Write sends the reply through w.
func (r *Reply) Write(w http.ResponseWriter) error {
	for name, values := range r.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(r.Status)
	_, err := w.Write(r.Body)
	return err
}
