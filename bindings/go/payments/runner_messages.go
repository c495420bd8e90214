package payments

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// takeMessages publishes the outbox in batches, one after the other.
func (r *running) takeMessages(ctx context.Context) {
	pauses := r.pauses(r.Poll)
	for ctx.Err() == nil {
		rung := r.Payments.messages.wait()
		messages, err := r.Payments.ClaimMessages(ctx, Claim{Most: r.Batch, Lease: r.Lease})
		if len(messages) > 0 {
			r.publish(messages)
		}
		if err != nil || len(messages) < r.Batch {
			r.pause(ctx, "publish messages", pauses, rung, err)
		}
	}
}

func (r *running) publish(messages []*Message) {
	held := make([]Claimed, len(messages))
	for i, message := range messages {
		held[i] = message
	}
	lease := r.Payments.left(messages[0].LeaseUntil)
	ctx, release := r.hold(held, lease)
	defer release()
	failed := r.deliver(ctx, messages)
	var delivered []*Message
	for i, message := range messages {
		if failed == nil || failed[i] == nil {
			delivered = append(delivered, message)
			continue
		}
		r.Logger.Warn("payments: a message was not published, and comes again", "message_id", message.MessageID, "topic", message.Topic, "error", failed[i])
		if _, err := r.Payments.Nack(ctx, message, reason(failed[i])); err != nil {
			r.Logger.Warn("payments: a message was not given back; it comes again when its lease is over", "message_id", message.MessageID, "error", err)
		}
	}
	if len(delivered) == 0 {
		return
	}
	ack := func() error {
		lost, err := AckAll(ctx, r.Payments, delivered)
		if len(lost) > 0 {
			r.Logger.Warn("payments: messages were published after their lease, and may be again", "messages", len(lost))
		}
		return err
	}
	if err := r.insist(ctx, lease, ack); err != nil {
		r.Logger.Warn("payments: messages were published and not acknowledged; they come again", "messages", len(delivered), "error", err)
	}
}

// deliver returns nil, or an error or nil for each message, whatever the publisher does.
func (r *running) deliver(ctx context.Context, messages []*Message) (failed []error) {
	all := func(err error) []error {
		failed := make([]error, len(messages))
		for i := range failed {
			failed[i] = err
		}
		return failed
	}
	done := make(chan struct{})
	go func() { // of its own, since runtime.Goexit ends it
		defer close(done)
		failed = all(errors.New("the publisher ended its goroutine"))
		defer func() {
			if panicked := recover(); panicked != nil {
				r.Logger.Error("payments: the publisher panicked", "panic", panicked, "stack", string(debug.Stack()))
				failed = all(fmt.Errorf("the publisher panicked: %v", panicked))
			}
		}()
		failed = r.Publisher.Publish(ctx, messages)
		if failed != nil && len(failed) != len(messages) {
			failed = all(fmt.Errorf("the publisher gave %d results for %d messages", len(failed), len(messages)))
		}
	}()
	<-done
	return failed
}
