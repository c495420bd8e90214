package rabbitpub

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/payseal/payseal/bindings/go/payments"
	amqp "github.com/rabbitmq/amqp091-go"
)

// window is how many messages wait for their confirmation at once; as many may be returned before one of them is looked at.
const window = 256

// closing is how long the server may take to agree to the end of a connection.
const closing = time.Second

// session is a connection with one channel that confirms.
type session struct {
	socket     net.Conn
	connection *amqp.Connection
	channel    *amqp.Channel
	returned   <-chan amqp.Return
	ended      <-chan *amqp.Error
	reason     *amqp.Error
}

func connect(ctx context.Context, config Config) (*session, error) {
	s := &session{reason: amqp.ErrClosed}
	dial := config.AMQP.Dial
	if dial == nil {
		dial = func(network, address string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		}
	}
	release := func() bool { return true }
	config.AMQP.Dial = func(network, address string) (net.Conn, error) {
		socket, err := dial(network, address)
		if err != nil {
			return nil, err
		}
		s.socket = socket
		release = s.boundedBy(ctx)
		return socket, nil
	}
	defer func() { release() }()
	var err error
	if s.connection, err = amqp.DialConfig(config.URL, config.AMQP); err != nil {
		return nil, fmt.Errorf("rabbitmq: cannot connect: %w", err)
	}
	if err := s.open(); err != nil {
		s.close()
		return nil, fmt.Errorf("rabbitmq: cannot open a channel that confirms: %w", err)
	}
	return s, nil
}

func (s *session) open() (err error) {
	if s.channel, err = s.connection.Channel(); err != nil {
		return err
	}
	s.returned = s.channel.NotifyReturn(make(chan amqp.Return, window))
	s.ended = s.channel.NotifyClose(make(chan *amqp.Error, 1))
	return s.channel.Confirm(false)
}

// boundedBy cuts the connection when ctx ends, since the client's own waits know no context.
func (s *session) boundedBy(ctx context.Context) (release func() bool) {
	return context.AfterFunc(ctx, func() { _ = s.socket.Close() })
}

func (s *session) close() {
	_ = s.connection.CloseDeadline(time.Now().Add(closing))
}

// publish reports besides whether the session is sound: it knows of every message what became of it.
func (s *session) publish(ctx context.Context, exchange string, messages []*payments.Message) (failed []error, isSound bool) {
	release := s.boundedBy(ctx)
	defer release()
	isSound = true
	for messages := range slices.Chunk(messages, window) {
		errs, isKnown := s.publishWindow(ctx, exchange, messages)
		failed = append(failed, errs...)
		isSound = isSound && isKnown
	}
	return failed, isSound
}

func (s *session) publishWindow(ctx context.Context, exchange string, messages []*payments.Message) (failed []error, isKnown bool) {
	failed = make([]error, len(messages))
	confirmations := make([]*amqp.DeferredConfirmation, len(messages))
	for i, message := range messages {
		confirmations[i], failed[i] = s.channel.PublishWithDeferredConfirmWithContext(ctx, exchange, message.Topic, true, false, publishing(message))
	}
	isKnown = true
	for i, confirmation := range confirmations {
		if confirmation != nil {
			failed[i] = s.confirmed(ctx, confirmation)
		}
		isKnown = isKnown && (failed[i] == nil || errors.Is(failed[i], errRefused))
	}
	// A message that was returned is confirmed as well, but only after its return.
	for {
		select {
		case returned, isOpen := <-s.returned:
			if !isOpen {
				return failed, isKnown
			}
			i := slices.IndexFunc(messages, func(m *payments.Message) bool { return m.MessageID == returned.MessageId })
			if i >= 0 && failed[i] == nil {
				failed[i] = fmt.Errorf("rabbitmq: no queue takes routing key %q of exchange %q: %s", returned.RoutingKey, returned.Exchange, returned.ReplyText)
			}
		default:
			return failed, isKnown
		}
	}
}

var errRefused = errors.New("rabbitmq: the broker refused the message")

func (s *session) confirmed(ctx context.Context, confirmation *amqp.DeferredConfirmation) error {
	isConfirmed, err := confirmation.WaitContext(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("rabbitmq: not confirmed: %w", err)
	case isConfirmed:
		return nil
	case !s.channel.IsClosed():
		return errRefused
	}
	return fmt.Errorf("rabbitmq: not confirmed: %w", s.end())
}

// end is why the channel has ended.
func (s *session) end() error {
	select {
	case reason := <-s.ended:
		if reason != nil {
			s.reason = reason
		}
	default:
	}
	return s.reason
}

func publishing(message *payments.Message) amqp.Publishing {
	return amqp.Publishing{
		MessageId: message.MessageID, Type: message.Topic, Timestamp: message.CreatedAt.Time, ContentType: "application/json", DeliveryMode: amqp.Persistent,
		Headers: amqp.Table{"order_no": message.OrderNo, "created_ms": message.CreatedAt.UnixMilli()},
		Body:    []byte(message.Payload),
	}
}
