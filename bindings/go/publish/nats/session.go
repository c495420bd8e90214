package natspub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/payseal/payseal/bindings/go/payments"
)

// session is a connection that is given up once it is lost.
type session struct {
	connection *nats.Conn
	stream     jetstream.JetStream
	lost       <-chan struct{}
}

func connect(ctx context.Context, config Config) (*session, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("nats: cannot connect: %w", err)
	}
	lost := make(chan struct{})
	deadline, _ := ctx.Deadline()
	connection, err := nats.Connect(config.URL, slices.Concat(config.Options, []nats.Option{
		nats.NoReconnect(), nats.RetryOnFailedConnect(false),
		nats.Timeout(time.Until(deadline)), nats.FlusherTimeout(config.Timeout),
		nats.ClosedHandler(func(*nats.Conn) { close(lost) }),
	})...)
	if err != nil {
		return nil, fmt.Errorf("nats: cannot connect: %w", err)
	}
	stream, err := jetstream.New(connection)
	if err != nil {
		connection.Close()
		return nil, fmt.Errorf("nats: %w", err)
	}
	return &session{connection, stream, lost}, nil
}

// publish reports besides whether the session is sound: it knows of every message what became of it.
func (s *session) publish(ctx context.Context, prefix string, messages []*payments.Message) (failed []error, isSound bool) {
	failed = make([]error, len(messages))
	answers := make([]jetstream.PubAckFuture, len(messages))
	for i, message := range messages {
		if failed[i] = ctx.Err(); failed[i] == nil {
			// Without attempts of the client's own, which would let a later message pass by.
			answers[i], failed[i] = s.stream.PublishMsgAsync(encode(prefix, message), jetstream.WithRetryAttempts(0))
		}
	}
	isSound = true
	for i, answer := range answers {
		if answer != nil {
			var isKnown bool
			failed[i], isKnown = s.confirmed(ctx, answer)
			isSound = isSound && isKnown
		}
		if failed[i] != nil {
			failed[i] = fmt.Errorf("nats: not confirmed with subject %q: %w", prefix+messages[i].Topic, failed[i])
		}
	}
	return failed, isSound
}

// confirmed returns nil once a stream has the message, and whether that is known.
func (s *session) confirmed(ctx context.Context, answer jetstream.PubAckFuture) (err error, isKnown bool) {
	select {
	case <-answer.Ok():
		return nil, true
	case err := <-answer.Err():
		return err, true
	default:
	}
	select {
	case <-answer.Ok():
		return nil, true
	case err := <-answer.Err():
		return err, true
	case <-s.lost:
		if cause := s.connection.LastError(); cause != nil {
			return cause, false
		}
		return errors.New("the connection was lost"), false
	case <-ctx.Done():
		return ctx.Err(), false
	}
}

func encode(prefix string, message *payments.Message) *nats.Msg {
	return &nats.Msg{
		Subject: prefix + message.Topic,
		Header: nats.Header{
			jetstream.MsgIDHeader: {message.MessageID},
			"topic":               {message.Topic},
			"order_no":            {message.OrderNo},
			"created_ms":          {strconv.FormatInt(message.CreatedAt.UnixMilli(), 10)},
		},
		Data: []byte(message.Payload),
	}
}
