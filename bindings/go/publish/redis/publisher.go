// Package redispub publishes the outbox to a stream of Redis.
//
//	publisher, err := redispub.New(redispub.Config{Redis: redis.UniversalOptions{Addrs: []string{"redis.example:6379"}}, Stream: "payments"})
//	if err != nil {
//		return err
//	}
//	defer publisher.Close()
//	runner := payments.Runner{Payments: p, Publisher: publisher}
//
// A message is confirmed once Redis has added it to the stream, and as many replicas as are asked for have it too. Whether that outlives the machine
// is a setting of Redis: only with appendfsync always is it on the disk by then. The stream has to exist, as it does from the time on at which a consumer
// group was made (XGROUP CREATE payments warehouse $ MKSTREAM); without it a message would have no reader, and is not confirmed.
//
// The fields of an entry are message_id, topic, order_no, created_ms and payload. What one process publishes is in the stream in its order, except
// where something has to come again. Consumers drop what they have seen, by message_id.
package redispub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/payseal/payseal/bindings/go/payments"
	"github.com/redis/go-redis/v9"
)

// Config says where messages go.
type Config struct {
	// Redis is what the client is told: a server, a cluster, or sentinels. Its MaxRetries, ReadTimeout and WriteTimeout are not used: what is not confirmed within
	// Timeout comes again anyway.
	Redis redis.UniversalOptions
	// Stream is the key of the stream. Required.
	Stream string
	// MaxLen is how many entries the stream keeps, or somewhat more; older ones are gone, whether they were read or not. 0 keeps all.
	MaxLen int64
	// Replicas is how many of them must have a message; 0 asks for none. Not for a cluster.
	Replicas int
	// Timeout ends a call of Publish, with all that it takes; 10 seconds unless given. Keep it below the lease of messages.
	Timeout time.Duration
}

// Publisher is a [payments.Publisher]. It connects when there is something to publish, and anew when a connection was lost. Any goroutine may call
// it, also at once.
type Publisher struct {
	config Config
	client redis.UniversalClient
}

var _ payments.Publisher = (*Publisher)(nil)

// New checks the configuration. It does not connect.
func New(config Config) (*Publisher, error) {
	if config.Stream == "" {
		return nil, errors.New("redis: Stream is required")
	}
	config.Timeout = cmp.Or(config.Timeout, 10*time.Second)
	options := config.Redis
	options.MaxRetries = -1 // none: a pipeline that is sent again is all there twice
	options.ContextTimeoutEnabled = true
	options.ReadTimeout, options.WriteTimeout = config.Timeout, config.Timeout
	client := redis.NewUniversalClient(&options)
	if _, isOne := client.(*redis.Client); !isOne && config.Replicas > 0 {
		_ = client.Close()
		return nil, errors.New("redis: Replicas cannot be asked for in a cluster, which does not say which node answers")
	}
	return &Publisher{config, client}, nil
}

// Publish returns an error for each message that was not confirmed, nil for each that was.
func (p *Publisher) Publish(ctx context.Context, messages []*payments.Message) []error {
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	pipeline := p.client.Pipeline()
	added := make([]*redis.StringCmd, len(messages))
	for i, message := range messages {
		added[i] = pipeline.XAdd(ctx, p.entry(message))
	}
	copied := p.wait(ctx, pipeline)
	_, _ = pipeline.Exec(ctx) // each command has its own error
	if err := copied(); err != nil {
		return slices.Repeat([]error{err}, len(messages))
	}
	failed := make([]error, len(messages))
	for i, entry := range added {
		switch err := entry.Err(); {
		case errors.Is(err, redis.Nil):
			failed[i] = fmt.Errorf("redis: there is no stream %q: it is made by XGROUP CREATE with MKSTREAM", p.config.Stream)
		case err != nil:
			failed[i] = fmt.Errorf("redis: not confirmed by stream %q: %w", p.config.Stream, err)
		}
	}
	return failed
}

// wait asks for replicas, behind all that is in the pipeline. Once that was executed, copied tells whether there were enough.
func (p *Publisher) wait(ctx context.Context, pipeline redis.Pipeliner) (copied func() error) {
	if p.config.Replicas <= 0 {
		return func() error { return nil }
	}
	// Less than there is, so that the answer comes in time.
	deadline, _ := ctx.Deadline()
	count := pipeline.Do(ctx, "WAIT", p.config.Replicas, max(1, (time.Until(deadline)/2).Milliseconds()))
	return func() error {
		have, err := count.Int64()
		if err != nil {
			return fmt.Errorf("redis: not confirmed by replicas: %w", err)
		}
		if have < int64(p.config.Replicas) {
			return fmt.Errorf("redis: confirmed by %d of %d replicas", have, p.config.Replicas)
		}
		return nil
	}
}

// Close ends the connections. What is being published, or later, is not confirmed.
func (p *Publisher) Close() error {
	return p.client.Close()
}

func (p *Publisher) entry(message *payments.Message) *redis.XAddArgs {
	return &redis.XAddArgs{
		Stream: p.config.Stream, NoMkStream: true, MaxLen: p.config.MaxLen, Approx: true,
		Values: []any{
			"message_id", message.MessageID, "topic", message.Topic, "order_no", message.OrderNo,
			"created_ms", message.CreatedAt.UnixMilli(), "payload", message.Payload,
		},
	}
}
