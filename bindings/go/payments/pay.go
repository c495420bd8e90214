package payments

import (
	"context"
	"time"
)

// Method is how the payer pays, in the provider's word.
type Method string

// The methods of WeChat Pay.
const (
	// MethodNative shows a QR code.
	MethodNative Method = "native"
	// MethodJSAPI pays in a mini-program or a page inside WeChat; Payer.ID is the openid.
	MethodJSAPI Method = "jsapi"
	// MethodH5 pays from a phone's browser; Payer.ClientIP is the payer's.
	MethodH5 Method = "h5"
	// MethodCodepay takes the code that the shop scanned, Payer.AuthCode.
	MethodCodepay Method = "codepay"
)

// MethodApp pays in an app, of WeChat Pay and of Alipay.
const MethodApp Method = "app"

// The methods of Alipay.
const (
	// MethodPrecreate shows a QR code.
	MethodPrecreate Method = "precreate"
	// MethodPage pays on a page for computers.
	MethodPage Method = "page"
	// MethodWap pays on a page for phones.
	MethodWap Method = "wap"
	// MethodCreate pays in a mini-program; Payer.ID is the buyer's.
	MethodCreate Method = "create"
	// MethodPay takes the code that the shop scanned, Payer.AuthCode.
	MethodPay Method = "pay"
)

// PayRequest is a wish to be paid.
type PayRequest struct {
	// Account is the name of the merchant's; or Provider names one whose provider no other account has; neither is needed where there is one.
	Account  string `json:"account,omitempty"`
	Provider string `json:"provider,omitempty"`
	// OrderNo is the merchant's number. The same again is the same order.
	OrderNo string `json:"order_no,omitempty"`
	Method  Method `json:"method,omitempty"`
	// Amount is in the currency's minor unit: fen.
	Amount int64 `json:"amount"`
	// Currency is ISO 4217; CNY unless given.
	Currency string `json:"currency,omitempty"`
	// Subject is what the payer reads.
	Subject string `json:"subject,omitempty"`
	// NotifyURL takes the place of the account's.
	NotifyURL string `json:"notify_url,omitempty"`
	// ReturnURL is where the payer's browser goes afterwards.
	ReturnURL string `json:"return_url,omitempty"`
	// ExpiresIn takes the place of [Config.Expires].
	ExpiresIn time.Duration `json:"-"`
	// Payer is who pays, as far as the method needs to know.
	Payer Payer `json:"payer"`
	// Extra are members of the provider's own request that have no common name.
	Extra map[string]any `json:"extra,omitempty"`
}

// Payer is who pays. Printing one shows nothing.
type Payer struct {
	// ID is the payer's at the provider: openid, buyer_open_id.
	ID string `json:"id,omitempty"`
	// AuthCode is the code that the shop scanned. It is spent once and never stored.
	AuthCode string `json:"auth_code,omitempty"`
	// ClientIP is the address of the payer's device.
	ClientIP string `json:"client_ip,omitempty"`
}

// String keeps the code out of logs.
func (Payer) String() string { return "Payer{…}" }

// GoString is String.
func (p Payer) GoString() string { return p.String() }

// Create stores an order, asks the provider for it and returns what the payer needs. It may be called again with the same number, after whatever
// error or crash: what is there is given back, and what broke off is gone on with. The same number with another amount, currency,
// account or method is [payseal.ErrOrderConflict].
func (p *Payments) Create(ctx context.Context, request *PayRequest, options ...CallOption) (*Payment, error) {
	return asked[Payment](ctx, p, "create", struct {
		*PayRequest
		ExpiresInMS int64 `json:"expires_in_ms,omitempty"`
	}{request, ms(request.ExpiresIn)}, options...)
}

// PaymentState is where a payment stands, by the provider.
type PaymentState string

const (
	// PaymentMissing: the provider has no such order, yet.
	PaymentMissing PaymentState = "missing"
	// PaymentUnpaid: nothing was paid, but may be.
	PaymentUnpaid PaymentState = "unpaid"
	// PaymentPaid: the money is there.
	PaymentPaid PaymentState = "paid"
	// PaymentClosed: nothing was paid and nothing can be any more.
	PaymentClosed PaymentState = "closed"
)

// Inquiry is what became of an order.
type Inquiry struct {
	Order Order `json:"order"`
	// PaymentState is what the provider said last; empty where it was not asked.
	PaymentState PaymentState `json:"payment_state"`
	// ProviderState is the provider's own word for it.
	ProviderState string `json:"provider_state"`
}

type orderParams struct {
	OrderNo string `json:"order_no"`
}

// Query asks the provider. What it says takes effect.
func (p *Payments) Query(ctx context.Context, orderNo string, options ...CallOption) (*Inquiry, error) {
	return asked[Inquiry](ctx, p, "query", orderParams{orderNo}, options...)
}

// CloseOrder closes an order that nobody has paid. The provider is asked first: one that was paid is paid, and the Inquiry says so.
func (p *Payments) CloseOrder(ctx context.Context, orderNo string, options ...CallOption) (*Inquiry, error) {
	return asked[Inquiry](ctx, p, "close", orderParams{orderNo}, options...)
}

// RefundRequest is a wish to give money back.
type RefundRequest struct {
	OrderNo string `json:"order_no,omitempty"`
	// RefundNo is the merchant's number. The same again is the same refund.
	RefundNo string `json:"refund_no,omitempty"`
	// Amount is in the minor unit of the order's currency: fen.
	Amount int64 `json:"amount"`
	// Reason is what the payer reads.
	Reason string `json:"reason,omitempty"`
	// NotifyURL takes the place of the account's.
	NotifyURL string `json:"notify_url,omitempty"`
	// Extra are members of the provider's own request that have no common name.
	Extra map[string]any `json:"extra,omitempty"`
}

// Refunded is a refund and its order.
type Refunded struct {
	Order  Order  `json:"order"`
	Refund Refund `json:"refund"`
}

// Refund stores a refund and asks the provider for it. It may be called again with the same number, as [Payments.Create] may. More than is left
// of what was paid is [payseal.ErrOrderState]. Where the refund is still processing, ticks follow it to its end.
func (p *Payments) Refund(ctx context.Context, request *RefundRequest, options ...CallOption) (*Refunded, error) {
	return asked[Refunded](ctx, p, "refund", request, options...)
}

// QueryRefund asks the provider what became of a refund. What it says takes effect.
func (p *Payments) QueryRefund(ctx context.Context, refundNo string, options ...CallOption) (*Refunded, error) {
	return asked[Refunded](ctx, p, "query_refund", struct {
		RefundNo string `json:"refund_no"`
	}{refundNo}, options...)
}

// Ticked is what a tick did.
type Ticked struct {
	// Orders and Refunds are how many providers were asked about.
	Orders  int `json:"orders"`
	Refunds int `json:"refunds"`
	// Failed are how many of these could not be found out; they come again.
	Failed int `json:"failed"`
	// Purged are how many events and messages were removed because they had been done long enough ago.
	Purged int `json:"purged"`
	// NextDueAt is when there is something to do again; zero where nothing waits.
	NextDueAt Time `json:"next_due_ms"`
}

// Tick does what is due, most orders and most refunds: those that wait for money are asked about, expired ones closed with the provider asked
// first, refunds followed to their end. most is up to 10,000; 0 is 100. It is safe on many machines at once: what one has taken up no other
// does. A [Runner] ticks by itself.
func (p *Payments) Tick(ctx context.Context, most int, options ...CallOption) (*Ticked, error) {
	return asked[Ticked](ctx, p, "tick", struct {
		Most int `json:"most,omitempty"`
	}{most}, options...)
}
