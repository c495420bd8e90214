package payments

import (
	"context"
	"encoding/json"
	"net/http"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/internal/engine"
)

// Accepted is what became of a notification, and what to answer.
type Accepted struct {
	// Reply is to be written in any case: success where the notification is stored, or was before; otherwise what makes the provider send
	// it again.
	Reply *payseal.Reply
	// Err is why it was refused; nil where it is stored.
	Err error
	// Account is whom it is for; empty where that was not found out.
	Account string
	// Duplicate is true where it was stored before.
	Duplicate bool
	// Kind is that of the event.
	Kind string
	// OrderNo is empty for what is about no order.
	OrderNo string
}

// Accept takes in a notification: it reads the body of r, at most [payseal.MaxNotificationBytes], verifies it, stores it with a durable commit and
// only then has a reply that says success. account names whom it is for; empty finds out. Nothing may have read the body before.
//
// Whatever became of the notification, it returns an Accepted with the reply to write. An error is returned where the call itself was wrong: for an
// account that there is not, for payments that are closed, for a context that ended. Answer 500 then, so that the provider sends it again.
func (p *Payments) Accept(ctx context.Context, account string, r *http.Request) (*Accepted, error) {
	body, err := engine.ReadNotification(r)
	if err != nil {
		return p.refused(account, err)
	}
	return p.AcceptRaw(ctx, account, r.Header, body)
}

// AcceptRaw is [Payments.Accept] for a header and the bytes of a body, exactly as received.
func (p *Payments) AcceptRaw(ctx context.Context, account string, header http.Header, body []byte) (*Accepted, error) {
	reply, info, err := p.engine.Accept(ctx, account, header, body)
	if payseal.CodeOf(err) == payseal.ErrHeaderInvalid {
		return p.refused(account, err) // before the library saw it
	}
	if err != nil {
		return nil, err
	}
	var wire struct {
		Status    int         `json:"status"`
		Headers   [][2]string `json:"headers"`
		Account   string      `json:"account"`
		Duplicate bool        `json:"duplicate"`
		Kind      string      `json:"kind"`
		OrderNo   string      `json:"order_no"`
		Accepted  bool        `json:"accepted"`
		Error     struct {
			Code    payseal.Code    `json:"code"`
			Outcome payseal.Outcome `json:"outcome"`
			Message string          `json:"message"`
			Details json.RawMessage `json:"details"`
		} `json:"error"`
	}
	if err := json.Unmarshal(info, &wire); err != nil {
		return nil, unreadable("account of a notification", err)
	}
	accepted := &Accepted{
		Reply:   &payseal.Reply{Status: wire.Status, Header: http.Header{}, Body: reply},
		Account: wire.Account, Duplicate: wire.Duplicate, Kind: wire.Kind, OrderNo: wire.OrderNo,
	}
	for _, header := range wire.Headers {
		accepted.Reply.Header.Add(header[0], header[1])
	}
	if wire.Accepted {
		p.events.ring()
		return accepted, nil
	}
	refusal := &payseal.Error{Code: wire.Error.Code, Outcome: wire.Error.Outcome, Message: wire.Error.Message}
	refusal.Details.Raw = wire.Error.Details
	_ = json.Unmarshal(wire.Error.Details, &refusal.Details) // a help for people: the refusal stands without
	accepted.Err = refusal
	return accepted, nil
}

// refused answers what the library never saw, as the account's provider expects.
func (p *Payments) refused(account string, why error) (*Accepted, error) {
	client := p.accounts[0].Client
	for _, each := range p.accounts {
		if each.Name == account {
			client = each.Client
		}
	}
	reply, err := client.NotificationReply(payseal.CodeOf(why))
	if err != nil {
		return nil, why // the client is closed
	}
	return &Accepted{Reply: reply, Err: why}, nil
}

// Handler serves the address that the provider of an account sends notifications to; with an empty account that of all of them. It accepts each one
// and writes the reply; a [Runner] or [Payments.ClaimEvents] has the event afterwards. The provider waits five seconds for the reply.
func Handler(p *Payments, account string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		accepted, err := p.Accept(r.Context(), account, r)
		if err != nil {
			http.Error(w, "", http.StatusInternalServerError)
			return
		}
		_ = accepted.Reply.Write(w) // the provider is gone and will send it again
	})
}
