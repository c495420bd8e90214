package payments_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/payments"
)

func TestWorkThatSomebodyElseHasIsNotEnded(t *testing.T) {
	s := open(t, sqlite(t), nil)
	orderNo := s.paid(t, "wechat")
	slow := s.claimed(t)
	if lease := slow.LeaseUntil.Sub(s.clock.now()); lease <= 0 || lease > 30*time.Second {
		t.Errorf("a lease of %v", lease)
	}
	if events := s.claimedAll(t); len(events) != 0 {
		t.Fatal("what is claimed was claimed again")
	}
	until, err := s.Extend(t.Context(), slow, time.Minute)
	must(t, err)
	if lease := until.Sub(s.clock.now()); lease < 30*time.Second || lease > time.Minute {
		t.Errorf("a lease of %v", lease)
	}
	s.clock.turn(61 * time.Second)
	quick := s.claimed(t)
	for name, end := range map[string]func() error{
		"ack":    func() error { return s.Ack(t.Context(), slow) },
		"extend": func() error { _, err := s.Extend(t.Context(), slow, 0); return err },
		"nack":   func() error { _, err := s.Nack(t.Context(), slow, "late"); return err },
		"dead":   func() error { return s.Dead(t.Context(), slow, "late") },
	} {
		if err := end(); !errors.Is(err, payseal.ErrLeaseLost) {
			t.Errorf("%s: %v", name, err)
		}
	}
	lost, err := payments.AckAll(t.Context(), s.Payments, []*payments.Event{slow})
	if err != nil || len(lost) != 1 || lost[0] != slow {
		t.Errorf("%v %v", lost, err)
	}
	s.isIn(t, orderNo, payments.StatePaying)
	must(t, s.Ack(t.Context(), quick))
	s.isIn(t, orderNo, payments.StatePaid)
}

func TestWhatFailsComesAgainDiesAndIsRevived(t *testing.T) {
	s := open(t, sqlite(t), func(config *payments.Config) { config.Work.MaxAttempts = 2 })
	orderNo := s.paid(t, "wechat")
	nacked, err := s.NackAfter(t.Context(), s.claimed(t), time.Minute, "the warehouse is away\xff")
	must(t, err)
	if pause := nacked.DueAt.Sub(s.clock.now()); nacked.Dead || pause <= 50*time.Second || pause > time.Minute {
		t.Errorf("%+v", nacked)
	}
	if events := s.claimedAll(t); len(events) != 0 {
		t.Fatal("it came before its time")
	}
	s.clock.turn(time.Minute)
	nacked, err = s.Nack(t.Context(), s.claimed(t), "the warehouse is away")
	must(t, err)
	if !nacked.Dead {
		t.Errorf("%+v", nacked)
	}
	letters, err := s.DeadLetters(t.Context(), payments.Inbox, 0)
	must(t, err)
	if len(letters) != 1 || letters[0].OrderNo != orderNo || letters[0].Kind != payments.PaymentPaidEvent || letters[0].Attempts != 2 || letters[0].Reason != "the warehouse is away" || letters[0].EndedAt.IsZero() {
		t.Fatalf("%+v", letters)
	}
	if revived, err := s.Redrive(t.Context(), payments.Inbox); err != nil || revived != 0 {
		t.Errorf("none was named, and %d came back: %v", revived, err)
	}
	if revived, err := s.Redrive(t.Context(), payments.Inbox, letters[0].ID); err != nil || revived != 1 {
		t.Errorf("%d %v", revived, err)
	}
	must(t, s.Dead(t.Context(), s.claimed(t), "enough"))
	if revived, err := s.RedriveAll(t.Context(), payments.Inbox); err != nil || revived != 1 {
		t.Errorf("%d %v", revived, err)
	}
	must(t, s.Ack(t.Context(), s.claimed(t)))
	s.isIn(t, orderNo, payments.StatePaid)
}

func TestWhatTookEffectIsAMessageOfTheOutbox(t *testing.T) {
	s := open(t, sqlite(t), func(config *payments.Config) { config.Outbox = true })
	orderNo := s.paid(t, "alipay")
	if lost, err := payments.AckAll(t.Context(), s.Payments, s.claimedAll(t)); err != nil || len(lost) != 0 {
		t.Fatalf("%v %v", lost, err)
	}
	messages, err := s.ClaimMessages(t.Context(), payments.Claim{Most: 10, Lease: time.Minute})
	must(t, err)
	if len(messages) != 1 || messages[0].Topic != payments.PaymentPaidTopic || messages[0].OrderNo != orderNo || messages[0].MessageID == "" || messages[0].CreatedAt.IsZero() {
		t.Fatalf("%+v", messages)
	}
	var payload struct {
		Type  string
		Order payments.Order
		Fact  payments.Fact
	}
	must(t, messages[0].Decode(&payload))
	if payload.Type != payments.PaymentPaidTopic || payload.Order.State != payments.StatePaid || payload.Fact.TransactionID == "" {
		t.Errorf("%+v", payload)
	}
	must(t, s.Ack(t.Context(), messages[0]))
	stats, err := s.Stats(t.Context())
	must(t, err)
	if stats.Orders[payments.StatePaid] != 1 || stats.Inbox.Waiting != 0 || stats.Outbox.Waiting != 0 || stats.Exceptions != 0 {
		t.Errorf("%+v", stats)
	}
}

func TestMoneyThatDoesNotFitIsAnExceptionForAPerson(t *testing.T) {
	s := open(t, sqlite(t), nil)
	request := s.request("wechat")
	s.create(t, request)
	order, err := s.Report(t.Context(), payments.Report{
		Source: payments.SourceBill, OrderNo: request.OrderNo, TransactionID: "42000001", Amount: 8887, PaidAt: time.Now(),
	})
	must(t, err)
	if order.State != payments.StateException {
		t.Fatalf("%+v", order)
	}
	open, err := s.Exceptions(t.Context(), payments.ExceptionFilter{})
	must(t, err)
	if len(open) != 1 || open[0].Kind != payments.AmountMismatch || open[0].OrderNo != request.OrderNo || open[0].Source != payments.SourceBill || !open[0].ResolvedAt.IsZero() {
		t.Fatalf("%+v", open)
	}
	evidence := decode[struct{ Fact payments.Fact }](t, open[0].Evidence)
	if *evidence.Fact.Amount != 8887 {
		t.Errorf("%s", open[0].Evidence)
	}
	order, err = s.Resolve(t.Context(), payments.Resolution{ID: open[0].ID, Note: "a fen is forgiven", State: payments.StatePaid})
	must(t, err)
	if order.State != payments.StatePaid || order.TransactionID != "42000001" {
		t.Errorf("%+v", order)
	}
	all, err := s.Exceptions(t.Context(), payments.ExceptionFilter{All: true, Most: 1})
	must(t, err)
	if len(all) != 1 || all[0].Resolution != "a fen is forgiven" || all[0].ResolvedAt.IsZero() {
		t.Errorf("%+v", all)
	}
	older, err := s.Exceptions(t.Context(), payments.ExceptionFilter{All: true, BeforeID: all[0].ID})
	if err != nil || len(older) != 0 {
		t.Errorf("%+v %v", older, err)
	}
}

func TestOrdersAreListedByPages(t *testing.T) {
	s := open(t, sqlite(t), nil)
	var numbers []string
	for range 3 {
		request := s.request("wechat")
		s.create(t, request)
		numbers = append(numbers, request.OrderNo)
		s.clock.turn(time.Second)
	}
	first, err := s.Orders(t.Context(), payments.OrderFilter{State: payments.StatePaying, Most: 2})
	must(t, err)
	if len(first) != 2 || first[0].OrderNo != numbers[2] || first[1].OrderNo != numbers[1] {
		t.Fatalf("%+v", first)
	}
	second, err := s.Orders(t.Context(), payments.OrderFilter{Before: first[1].CreatedAt.Time})
	must(t, err)
	if len(second) != 1 || second[0].OrderNo != numbers[0] {
		t.Fatalf("%+v", second)
	}
	for range 2 {
		s.create(t, s.request("wechat")) // at the same millisecond
	}
	newest, err := s.Orders(t.Context(), payments.OrderFilter{Most: 1})
	must(t, err)
	rest, err := s.Orders(t.Context(), payments.OrderFilter{Before: newest[0].CreatedAt.Time, BeforeOrderNo: newest[0].OrderNo})
	must(t, err)
	if len(rest) != 4 {
		t.Fatalf("%+v", rest)
	}
	_, err = s.Orders(t.Context(), payments.OrderFilter{State: "sold"})
	failure(t, err, payseal.ErrParamsInvalid, payseal.OutcomeNotSent)
}

// transaction keeps what is run in it, and changes as many rows as it is told to.
type transaction struct {
	ran     []string
	values  [][]any
	changes int64
}

func (x *transaction) ExecContext(_ context.Context, query string, args ...any) (sql.Result, error) {
	x.ran, x.values = append(x.ran, query), append(x.values, args)
	return driver.RowsAffected(x.changes), nil
}

func TestWhatTheServiceWritesIsWrittenWithTheEffectOrNotAtAll(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store string) {
		s := open(t, store, nil)
		orderNo := s.paid(t, "wechat")
		event := s.claimed(t)
		administer(t, store, "CREATE TABLE parcels (order_no VARCHAR(64) NOT NULL PRIMARY KEY)")
		one := int64(1)
		insert := payments.Statement{SQL: "INSERT INTO parcels (order_no) VALUES (?)", Values: []any{orderNo}, Changes: &one}
		nothing := payments.Statement{SQL: "DELETE FROM parcels WHERE order_no = ?", Values: []any{"another"}, Changes: &one}
		err := s.Ack(t.Context(), event, insert, nothing)
		failure(t, err, payseal.ErrOrderState, payseal.OutcomeNotSent)
		s.isIn(t, orderNo, payments.StatePaying)
		must(t, s.Ack(t.Context(), event, insert)) // it was not there
		s.isIn(t, orderNo, payments.StatePaid)
	})
}

func TestAnEventIsAcknowledgedInATransactionOfTheServicesOwn(t *testing.T) {
	s := open(t, sqlite(t), nil)
	orderNo := s.paid(t, "wechat")
	event := s.claimed(t)
	tx := &transaction{changes: 1}
	must(t, s.AckIn(t.Context(), tx, event, payments.Question))
	statements, err := s.AckStatements(t.Context(), event, payments.Question)
	must(t, err)
	if len(statements) < 3 || len(tx.ran) != len(statements) {
		t.Fatalf("%d statements, %d were run", len(statements), len(tx.ran))
	}
	for i, statement := range statements {
		if tx.ran[i] != statement.SQL || len(tx.values[i]) != len(statement.Values) {
			t.Errorf("%q was run, not %q", tx.ran[i], statement.SQL)
		}
		for _, value := range statement.Values {
			if !driver.IsValue(value) {
				t.Errorf("%T is nothing that a driver takes", value)
			}
		}
	}
	if _, err := s.AckStatements(t.Context(), event, "?1"); !errors.Is(err, payseal.ErrParamsInvalid) {
		t.Error(err)
	}
	if err := s.AckIn(t.Context(), &transaction{changes: 0}, event, payments.Dollar); !errors.Is(err, payseal.ErrLeaseLost) {
		t.Error(err)
	}
	s.isIn(t, orderNo, payments.StatePaying) // nothing was run on the database
}
