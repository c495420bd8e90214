package payments

import (
	"encoding/json"

	payseal "github.com/payseal/payseal/bindings/go"
)

// State is where an order stands.
type State string

const (
	// StateCreated: stored; the provider has not confirmed it.
	StateCreated State = "created"
	// StatePaying: it can be paid.
	StatePaying State = "paying"
	// StatePaid: the money is there.
	StatePaid State = "paid"
	// StateClosing: it is being closed; money that comes now came in time.
	StateClosing State = "closing"
	// StateClosed: it was not paid and cannot be any more.
	StateClosed State = "closed"
	// StateRefunding: a refund is under way.
	StateRefunding State = "refunding"
	// StatePartlyRefunded: a part was given back.
	StatePartlyRefunded State = "partly_refunded"
	// StateRefunded: all was given back.
	StateRefunded State = "refunded"
	// StateException: something does not fit, and a person has to look.
	StateException State = "exception"
)

// Order is an order as it is stored. Amounts are in the currency's minor unit, fen.
type Order struct {
	OrderNo string `json:"order_no"`
	// Account is the name of the merchant's.
	Account string `json:"account"`
	// Provider is "wechat", "wechat-v2", "alipay" …
	Provider string `json:"provider"`
	Method   Method `json:"method"`
	// Merchant, SubMerchant and Application are whom a payment must name.
	Merchant    string `json:"merchant"`
	SubMerchant string `json:"sub_merchant"`
	Application string `json:"application"`
	Amount      int64  `json:"amount"`
	Currency    string `json:"currency"`
	Subject     string `json:"subject"`
	State       State  `json:"state"`
	// TransactionID is the provider's number of the payment.
	TransactionID string `json:"transaction_id"`
	// Refunding is the sum of the refunds that are under way.
	Refunding int64 `json:"refunding"`
	// Refunded is the sum of those that have succeeded.
	Refunded int64 `json:"refunded"`
	// Refusal is the provider's last no to the order; nil where there was none.
	Refusal   *Refusal `json:"refusal"`
	CreatedAt Time     `json:"created_ms"`
	UpdatedAt Time     `json:"updated_ms"`
	// ExpiresAt is until when it may be paid.
	ExpiresAt Time `json:"expires_ms"`
	PaidAt    Time `json:"paid_ms"`
	// DueAt is when the provider is asked again; zero where it is not.
	DueAt Time `json:"due_ms"`
	// Polls counts how often it was.
	Polls int64 `json:"polls"`
}

// Refusal is a provider's no.
type Refusal struct {
	Code payseal.Code `json:"code"`
	// CodeName is the name of Code, "PROVIDER_REJECTED".
	CodeName string `json:"code_name"`
	// Outcome is "not_sent", "rejected" or "unknown".
	Outcome string `json:"outcome"`
	Message string `json:"message"`
	// ProviderCode is the provider's own.
	ProviderCode string `json:"provider_code"`
}

// RefundState is where a refund stands.
type RefundState string

const (
	// RefundCreated: stored; the provider has not confirmed it.
	RefundCreated RefundState = "created"
	// RefundProcessing: the provider has it.
	RefundProcessing RefundState = "processing"
	// RefundSucceeded: the money was given back.
	RefundSucceeded RefundState = "succeeded"
	// RefundFailed: it did not and will not happen.
	RefundFailed RefundState = "failed"
	// RefundAbnormal: the money is on neither side until somebody acts at the provider.
	RefundAbnormal RefundState = "abnormal"
)

// Refund is a refund as it is stored.
type Refund struct {
	RefundNo string      `json:"refund_no"`
	OrderNo  string      `json:"order_no"`
	Amount   int64       `json:"amount"`
	State    RefundState `json:"state"`
	// RefundID is the provider's number.
	RefundID  string   `json:"refund_id"`
	Refusal   *Refusal `json:"refusal"`
	CreatedAt Time     `json:"created_ms"`
	UpdatedAt Time     `json:"updated_ms"`
	// DueAt is when the provider is asked again; zero where it is not.
	DueAt Time  `json:"due_ms"`
	Polls int64 `json:"polls"`
}

// Source is how something was learned.
type Source string

const (
	// SourceAnswer: the provider's answer to an order or a refund.
	SourceAnswer Source = "answer"
	// SourceNotification: what the provider told by itself.
	SourceNotification Source = "notification"
	// SourceQuery: the provider was asked.
	SourceQuery Source = "query"
	// SourceBill: a line of a bill, see [Payments.Report].
	SourceBill Source = "bill"
	// SourceHost: the service itself.
	SourceHost Source = "host"
)

// Transition is a step in the history of an order.
type Transition struct {
	ID int64 `json:"id"`
	// RefundNo names the refund that it is about; empty where it is about the payment.
	RefundNo string `json:"refund_no"`
	At       Time   `json:"at_ms"`
	// From is empty where the order began.
	From   State  `json:"from"`
	To     State  `json:"to"`
	Source Source `json:"source"`
	// Detail is a JSON object, or null.
	Detail json.RawMessage `json:"detail"`
}

// ClientAction is what the payer's client needs, by Kind. Its JSON is the library's, to be handed to a page or an app.
type ClientAction struct {
	Kind ClientKind `json:"kind"`
	// CodeURL is the text of the QR code that [ClientQR] shows; [payseal.QR] draws it.
	CodeURL string `json:"code_url,omitempty"`
	// URL is where [ClientRedirect] sends the payer's browser.
	URL string `json:"url,omitempty"`
	// Params is the object that [ClientInvoke] hands to the provider's JavaScript or app SDK.
	Params json.RawMessage `json:"params,omitempty"`
	// OrderString is what [ClientOrderString] hands to the provider's app SDK.
	OrderString string `json:"order_string,omitempty"`
}

// ClientKind says which member of [ClientAction] is there.
type ClientKind string

const (
	// ClientQR: CodeURL.
	ClientQR ClientKind = "qr"
	// ClientRedirect: URL.
	ClientRedirect ClientKind = "redirect"
	// ClientInvoke: Params.
	ClientInvoke ClientKind = "invoke"
	// ClientOrderString: OrderString.
	ClientOrderString ClientKind = "order_string"
)

// Payment is an order and what the payer needs to pay it.
type Payment struct {
	Order Order `json:"order"`
	// Client is nil for scanned codes, and once the order is no longer to be paid.
	Client *ClientAction `json:"client"`
}
