package publishtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/payseal/payseal/bindings/go/payments"
)

// Received is what a consumer finds of a message.
type Received struct {
	MessageID, Topic, OrderNo, Payload string
	CreatedMS                          int64
}

// Messages are n new ones, in turn about three orders.
func Messages(n int) []*payments.Message {
	messages := make([]*payments.Message, n)
	for i := range messages {
		order := fmt.Sprintf("ORDER%d", i%3)
		messages[i] = &payments.Message{
			ID: int64(i + 1), MessageID: rand.Text(), Topic: payments.PaymentPaidTopic, OrderNo: order,
			Payload:   fmt.Sprintf(`{"type":"payment.paid","order_no":%q,"subject":"一杯茶"}`, order),
			CreatedAt: payments.Time{Time: time.UnixMilli(1_750_000_000_123 + int64(i))},
		}
	}
	return messages
}

// Confirm publishes and fails the test unless every message is confirmed.
func Confirm(t testing.TB, publisher payments.Publisher, messages []*payments.Message) {
	t.Helper()
	for i, err := range publisher.Publish(t.Context(), messages) {
		if err != nil {
			t.Fatalf("message %d of %d: %v", i+1, len(messages), err)
		}
	}
}

// Refuse publishes and fails the test unless no message is confirmed. It returns the first error.
func Refuse(t testing.TB, publisher payments.Publisher, messages []*payments.Message) error {
	t.Helper()
	failed := publisher.Publish(t.Context(), messages)
	if len(failed) != len(messages) {
		t.Fatalf("%d results for %d messages", len(failed), len(messages))
	}
	for i, err := range failed {
		if err == nil {
			t.Fatalf("message %d of %d is said to be confirmed", i+1, len(messages))
		}
	}
	return failed[0]
}

// Arrived fails the test unless what was received is what was published, whole and in order.
func Arrived(t testing.TB, received []Received, messages []*payments.Message) {
	t.Helper()
	if len(received) != len(messages) {
		t.Fatalf("%d of %d messages arrived", len(received), len(messages))
	}
	for i, message := range messages {
		if want := received[i]; want != of(message) {
			t.Fatalf("message %d is %+v and not %+v", i+1, want, of(message))
		}
	}
}

func of(message *payments.Message) Received {
	return Received{message.MessageID, message.Topic, message.OrderNo, message.Payload, message.CreatedAt.UnixMilli()}
}

// KilledBeforeItsConfirmation publishes, loses the confirmations of what it publishes next, kills the server, and publishes that once more to
// the server that was started again. It fails the test unless the publisher has told the truth about each, and the consumer, whose next message
// receive returns, finds everything, first things first. again, if there is one, makes what the server may have forgotten of moments before.
func KilledBeforeItsConfirmation(t testing.TB, server *Server, link *Link, publisher payments.Publisher, again func(), receive func() Received) {
	t.Helper()
	messages := Messages(20)
	before, during := messages[:10], messages[10:]
	Confirm(t, publisher, before)

	lost := link.Hold()
	failed := make(chan []error, 1)
	go func() { failed <- publisher.Publish(context.Background(), during) }()
	<-lost
	server.Kill(t)
	for i, err := range <-failed {
		if err == nil {
			t.Fatalf("message %d is said to be confirmed", i+1)
		}
		t.Log(err)
	}
	Refuse(t, publisher, during)

	server.Restart(t)
	if again != nil {
		again()
	}
	link.Release()
	Confirm(t, publisher, during)

	var distinct []Received
	seen := map[string]bool{}
	for len(seen) < len(messages) {
		next := receive()
		if !seen[next.MessageID] {
			distinct = append(distinct, next)
		}
		seen[next.MessageID] = true
	}
	Arrived(t, distinct, messages)
}
