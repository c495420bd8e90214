package payments

import (
	"context"
	"encoding/json"
	"time"
)

// File is all that is known of an order.
type File struct {
	Payment
	Refunds []Refund `json:"refunds"`
	// History is in the order in which it happened.
	History    []Transition `json:"history"`
	Exceptions []Exception  `json:"exceptions"`
}

// Order returns an order with its refunds, its history and its exceptions. Nobody is asked.
func (p *Payments) Order(ctx context.Context, orderNo string) (*File, error) {
	return do[File](ctx, p, "order", orderParams{orderNo})
}

// OrderFilter chooses orders. Its zero value chooses the newest.
type OrderFilter struct {
	// State is empty for all.
	State State
	// Before chooses those that were created earlier: to page, give the CreatedAt of the last one seen, and its OrderNo as BeforeOrderNo.
	Before time.Time
	// BeforeOrderNo goes with Before: those that were created at the same millisecond and come behind this number are chosen as well.
	BeforeOrderNo string
	// Most is how many there are at most, up to 1000; 0 is 100.
	Most int
}

// Orders lists orders, newest first.
func (p *Payments) Orders(ctx context.Context, filter OrderFilter) ([]Order, error) {
	found, err := do[struct {
		Orders []Order `json:"orders"`
	}](ctx, p, "orders", struct {
		State    State  `json:"state,omitempty"`
		BeforeMS *int64 `json:"before_ms,omitempty"`
		BeforeNo string `json:"before_order_no,omitempty"`
		Most     int    `json:"most,omitempty"`
	}{filter.State, unixMS(filter.Before), filter.BeforeOrderNo, filter.Most})
	if err != nil {
		return nil, err
	}
	return found.Orders, nil
}

// ExceptionKind says what does not fit.
type ExceptionKind string

const (
	// UnknownOrder: money came for an order that is not here.
	UnknownOrder ExceptionKind = "unknown_order"
	// AccountMismatch: the fact came through another account than the order was placed with.
	AccountMismatch ExceptionKind = "account_mismatch"
	// MerchantMismatch: another merchant was paid.
	MerchantMismatch ExceptionKind = "merchant_mismatch"
	// ApplicationMismatch: it was paid in another app.
	ApplicationMismatch ExceptionKind = "application_mismatch"
	// AmountMismatch: another amount was paid.
	AmountMismatch ExceptionKind = "amount_mismatch"
	// CurrencyMismatch: it was paid in another currency.
	CurrencyMismatch ExceptionKind = "currency_mismatch"
	// SecondTransaction: the order was paid twice.
	SecondTransaction ExceptionKind = "second_transaction"
	// PaidAfterClose: money came after the order had been closed.
	PaidAfterClose ExceptionKind = "paid_after_close"
	// ClosedAfterPaid: the provider says closed of what it had said was paid.
	ClosedAfterPaid ExceptionKind = "closed_after_paid"
	// UnknownRefund: a refund that was not asked for here.
	UnknownRefund ExceptionKind = "unknown_refund"
	// RefundAmountMismatch: another amount was given back.
	RefundAmountMismatch ExceptionKind = "refund_amount_mismatch"
	// RefundContradiction: the provider says of a refund that ended the contrary of what it had said.
	RefundContradiction ExceptionKind = "refund_contradiction"
	// RefundStuck: the money is on neither side until somebody acts at the provider.
	RefundStuck ExceptionKind = "refund_abnormal"
)

// Exception is what does not fit, with all evidence. A person has to look.
type Exception struct {
	ID      int64         `json:"id"`
	Account string        `json:"account"`
	OrderNo string        `json:"order_no"`
	Kind    ExceptionKind `json:"kind"`
	Source  Source        `json:"source"`
	At      Time          `json:"at_ms"`
	// Evidence is a JSON object: the fact, and the order as it was.
	Evidence json.RawMessage `json:"evidence"`
	// ResolvedAt is zero while it is open.
	ResolvedAt Time `json:"resolved_ms"`
	// Resolution is the note with which it was resolved.
	Resolution string `json:"resolution"`
}

// ExceptionFilter chooses exceptions. Its zero value chooses the newest open ones.
type ExceptionFilter struct {
	// All chooses resolved ones too.
	All bool
	// BeforeID chooses older ones: to page, give the ID of the last one seen.
	BeforeID int64
	// Most is how many there are at most, up to 1000; 0 is 100.
	Most int
}

// Exceptions lists exceptions, newest first.
func (p *Payments) Exceptions(ctx context.Context, filter ExceptionFilter) ([]Exception, error) {
	found, err := do[struct {
		Exceptions []Exception `json:"exceptions"`
	}](ctx, p, "exceptions", struct {
		All      bool  `json:"all,omitempty"`
		BeforeID int64 `json:"before_id,omitempty"`
		Most     int   `json:"most,omitempty"`
	}{filter.All, filter.BeforeID, filter.Most})
	if err != nil {
		return nil, err
	}
	return found.Exceptions, nil
}

// Resolution is what a person says about an exception.
type Resolution struct {
	// ID is the exception's.
	ID int64 `json:"id"`
	// Note says why. Required.
	Note string `json:"note,omitempty"`
	// State is what the order is: [StatePaid], [StateClosed], or empty where it keeps what it has.
	State State `json:"state,omitempty"`
}

// Resolve ends an exception and returns the order, nil where there is none.
func (p *Payments) Resolve(ctx context.Context, resolution Resolution) (*Order, error) {
	return orderOf(asked[settled](ctx, p, "resolve", resolution))
}

// Report is a payment that was learned otherwise: from a bill, or by a person at the provider.
type Report struct {
	// Source is [SourceBill] or [SourceHost].
	Source  Source `json:"source,omitempty"`
	OrderNo string `json:"order_no,omitempty"`
	// Account is that of the order unless given.
	Account string `json:"account,omitempty"`
	// TransactionID is the provider's number of the payment.
	TransactionID string `json:"transaction_id,omitempty"`
	// Amount is in the currency's minor unit: fen.
	Amount int64 `json:"amount"`
	// Currency is CNY unless given.
	Currency string `json:"currency,omitempty"`
	// Merchant and Application are compared with the order's where they are given.
	Merchant    string `json:"merchant,omitempty"`
	Application string `json:"application,omitempty"`
	// PaidAt may be zero.
	PaidAt time.Time `json:"-"`
}

// Report lets a payment take effect that was learned otherwise, once, and returns the order, nil where there is none. Where there is none and the report
// names no account it is [payseal.ErrOrderUnknown].
func (p *Payments) Report(ctx context.Context, report Report) (*Order, error) {
	return orderOf(asked[settled](ctx, p, "report", struct {
		Report
		PaidMS *int64 `json:"paid_ms,omitempty"`
	}{report, unixMS(report.PaidAt)}))
}

type settled struct {
	Order *Order `json:"order"`
}

func orderOf(result *settled, err error) (*Order, error) {
	if err != nil {
		return nil, err
	}
	return result.Order, nil
}

// Stats are counts, for dashboards.
type Stats struct {
	// Orders are by state.
	Orders map[State]int64 `json:"orders"`
	Inbox  QueueStats      `json:"inbox"`
	Outbox QueueStats      `json:"outbox"`
	// Exceptions are the open ones.
	Exceptions int64 `json:"exceptions"`
}

// QueueStats are those of a queue.
type QueueStats struct {
	// Waiting is all that is not done.
	Waiting int64 `json:"waiting"`
	// Due is what could be claimed now.
	Due int64 `json:"due"`
	// Dead waits for [Payments.Redrive].
	Dead int64 `json:"dead"`
}

// Stats counts.
func (p *Payments) Stats(ctx context.Context) (*Stats, error) {
	return do[Stats](ctx, p, "stats", struct{}{})
}
