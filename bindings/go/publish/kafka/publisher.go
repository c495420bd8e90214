// Package kafkapub publishes the outbox to Kafka.
//
//	publisher, err := kafkapub.New(kafkapub.Config{Brokers: []string{"kafka-1.example:9092"}, Topic: "payments"})
//	if err != nil {
//		return err
//	}
//	defer publisher.Close()
//	runner := payments.Runner{Payments: p, Publisher: publisher}
//
// A message is confirmed once all replicas that are in sync have it (acks=all, an idempotent producer). How many those must be is the topic's
// min.insync.replicas: 2 of 3 outlive any one broker.
//
// All messages go to one topic of Kafka, with the order's number as their key: so those about one order are in one partition. Their own topic is a
// header, as are message_id and created_ms; the value is the payload. What one process publishes is in its partition in its order, except where
// something has to come again. Consumers drop what they have seen, by message_id.
package kafkapub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/payseal/payseal/bindings/go/payments"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Config says where messages go.
type Config struct {
	// Brokers are a few of the cluster, each host:port. Required.
	Brokers []string
	// Topic is that of Kafka, which has to exist. Required.
	Topic string
	// Timeout ends a call of Publish, with all that it takes; 10 seconds unless given. Keep it below the lease of messages.
	Timeout time.Duration
	// Options are what the client is told besides, such as TLS and SASL. They do not make it confirm less, or choose other partitions.
	Options []kgo.Opt
}

// Publisher is a [payments.Publisher]. It connects when there is something to publish, and anew after a connection was lost or a confirmation did
// not come. Any goroutine may call it; calls take place one after the other.
type Publisher struct {
	topic   string
	timeout time.Duration
	options []kgo.Opt
	mutex   sync.Mutex
	client  *kgo.Client // nil while there is none
	closed  bool
}

var _ payments.Publisher = (*Publisher)(nil)

// New checks the configuration. It does not connect.
func New(config Config) (*Publisher, error) {
	if len(config.Brokers) == 0 || config.Topic == "" {
		return nil, errors.New("kafka: Brokers and Topic are required")
	}
	options := slices.Concat(config.Options, []kgo.Opt{
		kgo.SeedBrokers(config.Brokers...),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), // murmur2, as all other bindings
		kgo.ProducerLinger(0),                                // a call brings all there is
	})
	p := &Publisher{topic: config.Topic, timeout: cmp.Or(config.Timeout, 10*time.Second), options: options}
	if err := p.open(); err != nil {
		return nil, err
	}
	if disabled, _ := p.client.OptValue(kgo.DisableIdempotentWrite).(bool); disabled {
		p.drop()
		return nil, errors.New("kafka: DisableIdempotentWrite is not for payments: what the client sends again would be there twice, or in another order")
	}
	return p, nil
}

// Publish returns an error for each message that was not confirmed, nil for each that was.
func (p *Publisher) Publish(ctx context.Context, messages []*payments.Message) []error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	if err := p.open(); err != nil {
		return slices.Repeat([]error{err}, len(messages))
	}
	failed, isSound := p.publish(ctx, messages)
	if !isSound {
		p.drop()
	}
	return failed
}

// Close ends the connections, once what is being published is. What is published later is not confirmed.
func (p *Publisher) Close() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.closed = true
	p.drop()
	return nil
}

func (p *Publisher) open() (err error) {
	switch {
	case p.closed:
		err = errors.New("kafka: the publisher is closed")
	case p.client == nil:
		if p.client, err = kgo.NewClient(p.options...); err != nil {
			err = fmt.Errorf("kafka: %w", err)
		}
	}
	return err
}

// drop makes the client forget what it still holds: an idempotent producer does not give up what it has sent, and the next call would wait behind it.
func (p *Publisher) drop() {
	if p.client != nil {
		p.client.Close()
		p.client = nil
	}
}

var errPending = errors.New("kafka: the outcome is not known yet")

// publish reports besides whether the client is sound: it knows of every message what became of it.
func (p *Publisher) publish(ctx context.Context, messages []*payments.Message) (failed []error, isSound bool) {
	type outcome struct {
		of  int
		err error
	}
	outcomes := make(chan outcome, len(messages))
	for i, message := range messages {
		p.client.Produce(ctx, p.record(message), func(_ *kgo.Record, err error) { outcomes <- outcome{i, err} })
	}
	failed = slices.Repeat([]error{errPending}, len(messages))
	isSound = true
	for range messages {
		select {
		case outcome := <-outcomes:
			failed[outcome.of] = outcome.err
		case <-ctx.Done():
			isSound = false
		}
	}
	for i, err := range failed {
		if err == errPending {
			err = ctx.Err()
		}
		if err != nil {
			failed[i] = fmt.Errorf("kafka: not confirmed by topic %q: %w", p.topic, err)
		}
	}
	return failed, isSound
}

func (p *Publisher) record(message *payments.Message) *kgo.Record {
	return &kgo.Record{
		Topic: p.topic, Key: []byte(message.OrderNo), Value: []byte(message.Payload), Timestamp: message.CreatedAt.Time,
		Headers: []kgo.RecordHeader{
			{Key: "message_id", Value: []byte(message.MessageID)},
			{Key: "topic", Value: []byte(message.Topic)},
			{Key: "created_ms", Value: strconv.AppendInt(nil, message.CreatedAt.UnixMilli(), 10)},
		},
	}
}
