package payseal

import (
	"encoding/json"
	"fmt"
)

// Error is what every failed call of this package returns.
//
// errors.Is(err, target) accepts a [Code], an [Outcome] or a [Kind] as target, and [context.Canceled] or [context.DeadlineExceeded]
// where the call's context was the cause. Neither Message nor Details ever contain a secret.
type Error struct {
	// Code says what went wrong.
	Code Code
	// Outcome says whether money may have moved.
	Outcome Outcome
	// Message is one English sentence for a developer: what was wrong, which field, what to do.
	Message string
	// Details hold what else is known.
	Details Details

	cause error
}

// Details is what is known about an error. Fields that do not apply are zero.
type Details struct {
	// CodeName is the name of the code, "PARAMS_INVALID".
	CodeName string `json:"code_name"`
	// Field is the path of the field at fault, "body.amount.total" or "private_key".
	Field string `json:"field"`
	// Hint names the likely mistake.
	Hint string `json:"hint"`
	// Operation is the operation that was called.
	Operation string `json:"operation"`
	// Attempts counts the requests that were tried.
	Attempts int `json:"attempts"`
	// Host is the address that was called last.
	Host string `json:"host"`
	// HTTPStatus is the status of the answer.
	HTTPStatus int `json:"http_status"`
	// RequestID is the provider's Request-ID, which its support asks for.
	RequestID string `json:"request_id"`
	// Authenticated says whether the provider's error was signed and the signature verified. Never close an order on an error that
	// is not.
	Authenticated bool `json:"authenticated"`
	// ProviderCode is the provider's own code, "ORDERPAID".
	ProviderCode string `json:"provider_code"`
	// ProviderMessage is the provider's own text, for people only.
	ProviderMessage string `json:"provider_message"`
	// ProviderDetail is the provider's "detail", any JSON value.
	ProviderDetail json.RawMessage `json:"provider_detail"`
	// Advice is one of "definite_failure", "retry_same", "retry_later", "query_first" and "already_done".
	Advice string `json:"advice"`
	// SkewS is the measured difference of the clocks in seconds, provider minus ours; nil where it was not measured.
	SkewS *int64 `json:"skew_s"`
	// Serial is the serial of the key in question.
	Serial string `json:"serial"`
	// Raw is the whole object, with keys that this version of the package does not know.
	Raw json.RawMessage `json:"-"`
}

// Error returns the code, the outcome and the message.
func (e *Error) Error() string {
	return fmt.Sprintf("payseal: %s (%s): %s", e.Code.String(), e.Outcome.String(), e.Message)
}

// Is reports whether target is this error's Code, Outcome or Kind.
func (e *Error) Is(target error) bool {
	switch target := target.(type) {
	case Code:
		return target == e.Code
	case Outcome:
		return target == e.Outcome
	case Kind:
		return target == e.Code.Kind()
	}
	return false
}

// Unwrap returns what the Go side contributed: the context's error, the error of an [http.Client], or nil.
func (e *Error) Unwrap() error {
	return e.cause
}

// Outcome says whether money may have moved. It is an error, so that errors.Is(err, payseal.OutcomeUnknown) works.
type Outcome int32

const (
	// OutcomeNotSent: no byte of the request left this machine.
	OutcomeNotSent Outcome = 1
	// OutcomeRejected: a verified answer says no.
	OutcomeRejected Outcome = 2
	// OutcomeUnknown: bytes left and no verified answer came back. Query before you repeat.
	OutcomeUnknown Outcome = 3
	// OutcomeUnauthentic: an incoming message is not the provider's.
	OutcomeUnauthentic Outcome = 4
	// OutcomeMalformed: an incoming message is the provider's, but cannot be read.
	OutcomeMalformed Outcome = 5
)

// String returns the name in the C header, "NOT_SENT".
func (o Outcome) String() string {
	switch o {
	case OutcomeNotSent:
		return "NOT_SENT"
	case OutcomeRejected:
		return "REJECTED"
	case OutcomeUnknown:
		return "UNKNOWN"
	case OutcomeUnauthentic:
		return "UNAUTHENTIC"
	case OutcomeMalformed:
		return "MALFORMED"
	}
	return fmt.Sprintf("outcome %d", int32(o))
}

// Error returns the name with the package in front.
func (o Outcome) Error() string { return "payseal: " + o.String() }
