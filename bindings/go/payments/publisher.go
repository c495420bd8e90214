package payments

import "context"

// Publisher hands messages of the outbox to the rest of the service: a broker, a table, another service.
type Publisher interface {
	// Publish returns when every message is durably where it belongs, or is not. It returns nil where all are; otherwise one error for each
	// message, in their order, nil for those that are. What is not comes again, and so may what is. Tell them apart by MessageID.
	Publish(ctx context.Context, messages []*Message) []error
}

// PublisherFunc publishes messages one by one.
type PublisherFunc func(ctx context.Context, message *Message) error

// Publish calls f for each.
func (f PublisherFunc) Publish(ctx context.Context, messages []*Message) []error {
	failed := make([]error, len(messages))
	for i, message := range messages {
		failed[i] = f(ctx, message)
	}
	return failed
}
