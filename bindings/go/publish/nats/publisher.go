// Package natspub publishes the outbox to NATS JetStream.
//
//	publisher, err := natspub.New(natspub.Config{URL: "nats://nats.example", Prefix: "shop."})
//	if err != nil {
//		return err
//	}
//	defer publisher.Close()
//	runner := payments.Runner{Payments: p, Publisher: publisher}
//
// A message is confirmed once a stream has it, as many times as the stream has replicas. A message whose subject no stream listens to is not
// confirmed.
//
// Its subject is the prefix and its topic, shop.payment.paid. The headers are Nats-Msg-Id (the message's id, by which the stream drops what it has seen
// within its duplicate window), topic, order_no and created_ms; the data are the payload. Messages that are published by one process are in the stream
// in their order, except where one has to come again. Consumers drop what they have seen, by Nats-Msg-Id: the window ends.
package natspub

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/payseal/payseal/bindings/go/payments"
)

// Config says where messages go.
type Config struct {
	// URL is nats://host:port, tls:// for TLS, or several with commas between them. Required.
	URL string
	// Prefix comes before the topic in a message's subject.
	Prefix string
	// Timeout ends a call of Publish, with all that it takes; 10 seconds unless given. Keep it below the lease of messages.
	Timeout time.Duration
	// Options are what the client is told besides, such as TLS and credentials. Its own reconnection is not used: the publisher connects anew by itself.
	Options []nats.Option
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
	for address := range strings.SplitSeq(config.URL, ",") {
		// What url.Parse says may contain a password.
		if parsed, err := url.Parse(strings.TrimSpace(address)); err != nil || parsed.Host == "" {
			return nil, errors.New("nats: URL is no address of NATS: nats://user:password@host:port, with reserved characters percent-encoded")
		}
	}
	config.Timeout = cmp.Or(config.Timeout, 10*time.Second)
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
	failed, isSound := p.session.publish(ctx, p.config.Prefix, messages)
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
		return errors.New("nats: the publisher is closed")
	}
	if p.session != nil && p.session.connection.IsClosed() {
		p.disconnect()
	}
	if p.session == nil {
		p.session, err = connect(ctx, p.config)
	}
	return err
}

func (p *Publisher) disconnect() {
	if p.session != nil {
		p.session.connection.Close()
		p.session = nil
	}
}
