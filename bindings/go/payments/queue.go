package payments

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

// Queue is the inbox or the outbox.
type Queue string

const (
	// Inbox holds events: what was learned and has yet to take effect.
	Inbox Queue = "inbox"
	// Outbox holds messages: what took effect and the rest of the service has yet to hear of.
	Outbox Queue = "outbox"
)

// Claimed is an [*Event] or a [*Message] under a lease. Whoever's lease has run out while somebody else claimed it changes nothing any more:
// that is [payseal.ErrLeaseLost].
type Claimed interface {
	claim() claim
}

// claim names a piece of work and proves that it was claimed.
type claim struct {
	Queue Queue `json:"queue,omitempty"`
	ID    int64 `json:"id"`
	Token int64 `json:"token"`
}

// The kinds of events that are about orders and refunds. An event of [ExceptionRaisedEvent] says something that does not fit its order.
const (
	PaymentPaidEvent     = "payment.paid"
	PaymentClosedEvent   = "payment.closed"
	RefundSucceededEvent = "refund.succeeded"
	RefundFailedEvent    = "refund.failed"
	RefundAbnormalEvent  = "refund.abnormal"
	ExceptionRaisedEvent = "exception.raised"
)

// Event is something that was learned about money, claimed from the inbox. What a notification told takes effect when the event is acknowledged, in
// the same transaction; Kind, Exception and Order are what is known until then. All other events tell what has taken effect already.
type Event struct {
	ID      int64
	Token   int64
	Account string
	// Kind is one of the kinds above, or the provider's event type for what is about something else.
	Kind string
	// OrderNo is empty for what is about something else.
	OrderNo string
	Source  Source
	// Notification is what the provider told; nil where the fact was learned otherwise.
	Notification *payseal.Event
	// Fact is what takes effect, or took; nil for what is about something else.
	Fact *Fact
	// Exception says what does not fit, where Kind is [ExceptionRaisedEvent]: nothing may be delivered for it. Else it is empty.
	Exception ExceptionKind
	// Order is the order as it is when the event takes effect; nil where it is about none.
	Order      *Order
	ReceivedAt Time
	// LeaseUntil is until when it belongs to whoever claimed it.
	LeaseUntil Time
}

func (e *Event) claim() claim { return claim{Inbox, e.ID, e.Token} }

// UnmarshalJSON reads the library's event.
func (e *Event) UnmarshalJSON(encoded []byte) error {
	var wire struct {
		ID           int64           `json:"id"`
		Token        int64           `json:"token"`
		Account      string          `json:"account"`
		Kind         string          `json:"kind"`
		OrderNo      string          `json:"order_no"`
		Source       Source          `json:"source"`
		Envelope     json.RawMessage `json:"envelope"`
		Resource     *string         `json:"resource"`
		Fact         *Fact           `json:"fact"`
		Exception    ExceptionKind   `json:"exception"`
		Order        *Order          `json:"order"`
		ReceivedMS   Time            `json:"received_ms"`
		LeaseUntilMS Time            `json:"lease_until_ms"`
	}
	if err := json.Unmarshal(encoded, &wire); err != nil {
		return err
	}
	*e = Event{
		ID: wire.ID, Token: wire.Token, Account: wire.Account, Kind: wire.Kind, OrderNo: wire.OrderNo, Source: wire.Source,
		Fact: wire.Fact, Exception: wire.Exception, Order: wire.Order, ReceivedAt: wire.ReceivedMS, LeaseUntil: wire.LeaseUntilMS,
	}
	if wire.Source != SourceNotification {
		return nil
	}
	e.Notification = new(payseal.Event)
	if err := json.Unmarshal(wire.Envelope, e.Notification); err != nil {
		return err
	}
	if wire.Resource == nil {
		return nil
	}
	var err error
	e.Notification.Plaintext, err = plaintext(*wire.Resource)
	return err
}

// plaintext undoes what JSON needs where a resource is no text.
func plaintext(resource string) ([]byte, error) {
	if encoded, isEncoded := strings.CutPrefix(resource, "base64:"); isEncoded {
		return base64.StdEncoding.DecodeString(encoded)
	}
	return []byte(resource), nil
}

// FactKind says what a [Fact] is about.
type FactKind string

const (
	// FactPayment is about a payment.
	FactPayment FactKind = "payment"
	// FactRefund is about a refund.
	FactRefund FactKind = "refund"
)

// Fact is what a provider said, verified, in terms that all providers share. What it did not say is empty.
type Fact struct {
	Of      FactKind `json:"of"`
	OrderNo string   `json:"order_no"`
	// RefundNo is that of a refund.
	RefundNo string `json:"refund_no"`
	// State is a [PaymentState], or of a refund "missing" or a [RefundState].
	State string `json:"state"`
	// ProviderState is the provider's own word.
	ProviderState string `json:"provider_state"`
	TransactionID string `json:"transaction_id"`
	// RefundID is the provider's number of a refund.
	RefundID string `json:"refund_id"`
	// Amount is that of the order, or of the refund, in minor units; nil where it was not said.
	Amount      *int64 `json:"amount"`
	Currency    string `json:"currency"`
	Merchant    string `json:"merchant"`
	SubMerchant string `json:"sub_merchant"`
	Application string `json:"application"`
	PaidAt      Time   `json:"paid_ms"`
}

// The topics of messages.
const (
	PaymentPaidTopic     = "payment.paid"
	PaymentClosedTopic   = "payment.closed"
	RefundSucceededTopic = "refund.succeeded"
	RefundFailedTopic    = "refund.failed"
	ExceptionRaisedTopic = "exception.raised"
)

// Message tells the rest of the service what took effect. It may be delivered more than once, and not in order.
type Message struct {
	ID    int64 `json:"id"`
	Token int64 `json:"token"`
	// MessageID is unique for ever: consumers drop what they have seen.
	MessageID string `json:"message_id"`
	Topic     string `json:"topic"`
	// OrderNo is the key to order by.
	OrderNo string `json:"order_no"`
	// Payload is a JSON object: type, order_no, account, source, at_ms, exception, fact, order.
	Payload    string `json:"payload"`
	CreatedAt  Time   `json:"created_ms"`
	LeaseUntil Time   `json:"lease_until_ms"`
}

func (m *Message) claim() claim { return claim{Outbox, m.ID, m.Token} }

// Decode reads the payload into v.
func (m *Message) Decode(v any) error { return json.Unmarshal([]byte(m.Payload), v) }

// Claim chooses what is claimed.
type Claim struct {
	// Most is how many there are at most, up to 1000; 0 is one.
	Most int
	// Lease takes the place of the configured one, which 0 leaves: a tenth of a second to a day.
	Lease time.Duration
}

type claimParams struct {
	Queue   Queue `json:"queue"`
	Most    int   `json:"most,omitempty"`
	LeaseMS int64 `json:"lease_ms,omitempty"`
}

// ClaimEvents takes events that are due out of the inbox, oldest first. No two callers get the same one while its lease lasts.
func (p *Payments) ClaimEvents(ctx context.Context, claim Claim) ([]*Event, error) {
	claimed, err := do[struct {
		Events []*Event `json:"events"`
	}](ctx, p, "claim", claimParams{Inbox, claim.Most, ms(claim.Lease)})
	if err != nil {
		return nil, err
	}
	return claimed.Events, nil
}

// ClaimMessages takes messages that are due out of the outbox, oldest first.
func (p *Payments) ClaimMessages(ctx context.Context, claim Claim) ([]*Message, error) {
	claimed, err := do[struct {
		Messages []*Message `json:"messages"`
	}](ctx, p, "claim", claimParams{Outbox, claim.Most, ms(claim.Lease)})
	if err != nil {
		return nil, err
	}
	return claimed.Messages, nil
}

// Extend lets the lease last for lease from now on, 0 for the configured one, and returns its end. That somebody else has the work is
// [payseal.ErrLeaseLost].
func (p *Payments) Extend(ctx context.Context, work Claimed, lease time.Duration) (time.Time, error) {
	extended, err := do[struct {
		LeaseUntilMS Time `json:"lease_until_ms"`
	}](ctx, p, "extend", struct {
		claim
		LeaseMS int64 `json:"lease_ms,omitempty"`
	}{work.claim(), ms(lease)})
	if err != nil {
		return time.Time{}, err
	}
	return extended.LeaseUntilMS.Time, nil
}

// Ack ends work that is done. An event takes effect in the same transaction, and also are statements of the service's own on the same database
// that are written with it: INSERT, UPDATE or DELETE, with ? for values that are int64, string or nil. Nothing is written and nothing takes effect
// where somebody else has the work, [payseal.ErrLeaseLost], or one of the statements changes another number of rows than it must,
// [payseal.ErrOrderState].
func (p *Payments) Ack(ctx context.Context, work Claimed, also ...Statement) error {
	_, err := do[struct{}](ctx, p, "ack", struct {
		claim
		Also []Statement `json:"also,omitempty"`
	}{work.claim(), also})
	if err == nil {
		p.messages.ring() // what took effect is told
	}
	return err
}

// AckAll is [Payments.Ack] for many of the same queue, up to 1000, in one transaction. It returns those that somebody else has by now, of which nothing
// took effect.
func AckAll[W Claimed](ctx context.Context, p *Payments, work []W) (lost []W, err error) {
	if len(work) == 0 {
		return nil, nil
	}
	params := struct {
		Queue Queue   `json:"queue"`
		Work  []claim `json:"work"`
	}{Queue: work[0].claim().Queue}
	for _, each := range work {
		held := each.claim()
		held.Queue = ""
		params.Work = append(params.Work, held)
	}
	done, err := do[struct {
		Lost []claim `json:"lost"`
	}](ctx, p, "ack", params)
	if err != nil {
		return nil, err
	}
	p.messages.ring()
	for _, each := range work {
		for _, one := range done.Lost {
			if held := each.claim(); held.ID == one.ID && held.Token == one.Token {
				lost = append(lost, each)
			}
		}
	}
	return lost, nil
}

// Nacked is what became of work that was given back.
type Nacked struct {
	// Dead is true after too many attempts.
	Dead bool `json:"dead"`
	// DueAt is when it can be claimed again; zero where it is dead.
	DueAt Time `json:"due_ms"`
}

// Nack gives work back, to be claimed again after a random pause that grows with the attempts. After too many it is dead. reason is for
// people; it may be empty, and of a long one the first 1000 characters are kept. That somebody else has the work is [payseal.ErrLeaseLost].
func (p *Payments) Nack(ctx context.Context, work Claimed, reason string) (*Nacked, error) {
	return p.nack(ctx, work, reason, nil)
}

// NackAfter is [Payments.Nack] with a pause of one's own: 0, which is none, to 30 days.
func (p *Payments) NackAfter(ctx context.Context, work Claimed, pause time.Duration, reason string) (*Nacked, error) {
	delay := ms(pause)
	return p.nack(ctx, work, reason, &delay)
}

func (p *Payments) nack(ctx context.Context, work Claimed, reason string, delayMS *int64) (*Nacked, error) {
	return do[Nacked](ctx, p, "nack", struct {
		claim
		DelayMS *int64 `json:"delay_ms,omitempty"`
		Reason  string `json:"reason,omitempty"`
	}{work.claim(), delayMS, strings.ToValidUTF8(reason, "?")})
}

// Dead gives work up: it waits for a person and for [Payments.Redrive]. Of an event, what a notification told has not
// taken effect; what was learned otherwise has. reason is required.
// That somebody else has the work is [payseal.ErrLeaseLost].
func (p *Payments) Dead(ctx context.Context, work Claimed, reason string) error {
	_, err := do[struct{}](ctx, p, "dead", struct {
		claim
		Reason string `json:"reason,omitempty"`
	}{work.claim(), strings.ToValidUTF8(reason, "?")})
	return err
}

// DeadLetter is work that was given up.
type DeadLetter struct {
	ID int64 `json:"id"`
	// Kind is an event's, or a message's topic.
	Kind     string `json:"kind"`
	OrderNo  string `json:"order_no"`
	Attempts int64  `json:"attempts"`
	EndedAt  Time   `json:"ended_ms"`
	Reason   string `json:"reason"`
}

// DeadLetters lists what was given up, newest first: most of it, up to 1000; 0 is 100.
func (p *Payments) DeadLetters(ctx context.Context, queue Queue, most int) ([]DeadLetter, error) {
	found, err := do[struct {
		Dead []DeadLetter `json:"dead"`
	}](ctx, p, "dead_letters", struct {
		Queue Queue `json:"queue"`
		Most  int   `json:"most,omitempty"`
	}{queue, most})
	if err != nil {
		return nil, err
	}
	return found.Dead, nil
}

// Redrive lets what was given up be claimed again, with as many attempts as it had at first. It returns how many it was.
func (p *Payments) Redrive(ctx context.Context, queue Queue, ids ...int64) (int, error) {
	return p.redrive(ctx, queue, append([]int64{}, ids...))
}

// RedriveAll is [Payments.Redrive] for what was given up, the 1000 oldest of it. While it returns 1000 there may be more.
func (p *Payments) RedriveAll(ctx context.Context, queue Queue) (int, error) {
	return p.redrive(ctx, queue, nil)
}

func (p *Payments) redrive(ctx context.Context, queue Queue, ids []int64) (int, error) {
	done, err := asked[struct {
		Redriven int `json:"redriven"`
	}](ctx, p, "redrive", struct {
		Queue Queue   `json:"queue"`
		IDs   []int64 `json:"ids,omitzero"`
	}{queue, ids})
	if err != nil {
		return 0, err
	}
	return done.Redriven, nil
}
