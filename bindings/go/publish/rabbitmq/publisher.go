// Package rabbitpub publishes the outbox to RabbitMQ.
//
//	publisher, err := rabbitpub.New(rabbitpub.Config{URL: "amqps://user:password@mq.example/", Exchange: "payments"})
//	if err != nil {
//		return err
//	}
//	defer publisher.Close()
//	runner := payments.Runner{Payments: p, Publisher: publisher}
//
// A message is confirmed once RabbitMQ has it in every queue that it belongs in: on the disk where the queue is durable, with a majority of the
// replicas where it is a quorum queue. A message that no queue takes is not confirmed.
//
// Its routing key is its topic, so that bindings choose. The properties are message_id, type (the topic), timestamp, content_type
// (application/json) and delivery_mode 2, the headers order_no and created_ms, the body is the payload. Messages that are published by one
// process arrive in a queue in their order, except where one has to come again. Consumers drop what they have seen, by message_id.
package rabbitpub

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/payseal/payseal/bindings/go/payments"
	amqp "github.com/rabbitmq/amqp091-go"
)

// Config says where messages go.
type Config struct {
	// URL is amqp://user:password@host:port/vhost, or amqps:// for TLS. Required.
	URL string
	// Exchange takes the messages. It has to exist, and so have its bindings. Without it a message goes to the queue that is called like its topic.
	Exchange string
	// Timeout ends a call of Publish, with all that it takes; 10 seconds unless given. Keep it below the lease of messages.
	Timeout time.Duration
	// AMQP is what the client is told besides, such as TLS and heartbeats. Its Recovery is not used: the publisher connects anew by itself.
	AMQP amqp.Config
}

// Publisher is a [payments.Publisher]. It connects when there is something to publish, and anew after a connection was lost or a confirmation did
// not come. Any goroutine may call it; calls take place one after the other.
type Publisher struct {
	config  Config
	mutex   sync.Mutex
	session *session // nil while there is none
	closed  bool
}

var _ payments.Publisher = (*Publisher)(nil)

// New checks the configuration. It does not connect.
func New(config Config) (*Publisher, error) {
	if _, err := amqp.ParseURI(config.URL); err != nil {
		return nil, errors.New("rabbitmq: URL is no AMQP address: amqp://user:password@host:port/vhost, with reserved characters percent-encoded")
	}
	config.Timeout = cmp.Or(config.Timeout, 10*time.Second)
	config.AMQP.Recovery = nil
	return &Publisher{config: config}, nil
}

// Publish returns an error for each message that was not confirmed, nil for each that was.
func (p *Publisher) Publish(ctx context.Context, messages []*payments.Message) []error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	if err := p.connect(ctx); err != nil {
		return slices.Repeat([]error{err}, len(messages))
	}
	failed, isSound := p.session.publish(ctx, p.config.Exchange, messages)
	if !isSound {
		p.disconnect()
	}
	return failed
}

// Close ends the connection, once what is being published is. What is published later is not confirmed.
func (p *Publisher) Close() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.closed = true
	p.disconnect()
	return nil
}

func (p *Publisher) connect(ctx context.Context) (err error) {
	if p.closed {
		return errors.New("rabbitmq: the publisher is closed")
	}
	if p.session != nil && p.session.channel.IsClosed() {
		p.disconnect()
	}
	if p.session == nil {
		p.session, err = connect(ctx, p.config)
	}
	return err
}

func (p *Publisher) disconnect() {
	if p.session != nil {
		p.session.close()
		p.session = nil
	}
}
