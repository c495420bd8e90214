package natspub_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/payseal/payseal/bindings/go/internal/publishtest"
	"github.com/payseal/payseal/bindings/go/payments"
	natspub "github.com/payseal/payseal/bindings/go/publish/nats"
)

const variable = "PAYSEAL_TEST_NATS"

func newPublisher(t *testing.T, config natspub.Config) *natspub.Publisher {
	t.Helper()
	publisher, err := natspub.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = publisher.Close() })
	return publisher
}

// stream is one that listens to payments, below a prefix that is the test's name.
func stream(t *testing.T, address string) (prefix string, consumer jetstream.Consumer) {
	t.Helper()
	connection, err := nats.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(connection.Close)
	js, err := jetstream.New(connection)
	if err != nil {
		t.Fatal(err)
	}
	made, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{
		Name: t.Name(), Subjects: []string{t.Name() + ".payment.*"}, Storage: jetstream.FileStorage, MaxMsgSize: 4096,
	})
	if err != nil {
		t.Fatal(err)
	}
	if consumer, err = made.OrderedConsumer(t.Context(), jetstream.OrderedConsumerConfig{}); err != nil {
		t.Fatal(err)
	}
	return t.Name() + ".", consumer
}

func received(t testing.TB, message jetstream.Msg) publishtest.Received {
	t.Helper()
	header := message.Headers()
	text := func(name string) string {
		if values := header[name]; len(values) == 1 {
			return values[0]
		}
		t.Fatalf("header %s of %v", name, header)
		return ""
	}
	if !strings.HasSuffix(message.Subject(), "."+text("topic")) {
		t.Fatalf("subject %s", message.Subject())
	}
	created, err := strconv.ParseInt(text("created_ms"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return publishtest.Received{
		MessageID: text(nats.MsgIdHdr), Topic: text("topic"), OrderNo: text("order_no"), Payload: string(message.Data()), CreatedMS: created,
	}
}

// all is what is in the stream.
func all(t *testing.T, consumer jetstream.Consumer) (found []publishtest.Received) {
	t.Helper()
	batch, err := consumer.FetchNoWait(10_000)
	if err != nil {
		t.Fatal(err)
	}
	for message := range batch.Messages() {
		found = append(found, received(t, message))
	}
	return found
}

func TestAMessageIsConfirmedAndArrivesWhole(t *testing.T) {
	address := publishtest.Shared(t, variable)
	prefix, consumer := stream(t, address)
	publisher := newPublisher(t, natspub.Config{URL: address, Prefix: prefix})
	messages := publishtest.Messages(500)
	publishtest.Confirm(t, publisher, messages[:499])
	publishtest.Confirm(t, publisher, messages[499:])
	publishtest.Arrived(t, all(t, consumer), messages)
}

func TestAMessageThatIsPublishedTwiceIsInTheStreamOnce(t *testing.T) {
	address := publishtest.Shared(t, variable)
	prefix, consumer := stream(t, address)
	publisher := newPublisher(t, natspub.Config{URL: address, Prefix: prefix})
	messages := publishtest.Messages(3)
	publishtest.Confirm(t, publisher, messages[:2])
	publishtest.Confirm(t, newPublisher(t, natspub.Config{URL: address, Prefix: prefix}), messages)
	publishtest.Arrived(t, all(t, consumer), messages)
}

func TestAMessageThatNoStreamTakesIsNotConfirmed(t *testing.T) {
	address := publishtest.Shared(t, variable)
	prefix, consumer := stream(t, address)
	publisher := newPublisher(t, natspub.Config{URL: address, Prefix: prefix})
	messages := publishtest.Messages(5)
	messages[1].Topic = payments.ExceptionRaisedTopic // nobody listens
	messages[3].Payload = strings.Repeat(" ", 5000)   // larger than the stream takes
	for i, err := range publisher.Publish(t.Context(), messages) {
		isOdd := i == 1 || i == 3
		if (err != nil) != isOdd || isOdd && !strings.Contains(err.Error(), prefix+messages[i].Topic) {
			t.Errorf("message %d: %v", i+1, err)
		}
	}
	publishtest.Arrived(t, all(t, consumer), []*payments.Message{messages[0], messages[2], messages[4]})
}

func TestABrokerThatIsKilledBeforeItConfirmsLosesNothing(t *testing.T) {
	server := publishtest.Start(t, "nats", variable)
	link := new(publishtest.Link)
	prefix, _ := stream(t, server.Address)
	publisher := newPublisher(t, natspub.Config{URL: server.Address, Prefix: prefix, Options: []nats.Option{nats.SetCustomDialer(dialer{link})}})
	var left []publishtest.Received
	publishtest.KilledBeforeItsConfirmation(t, server, link, publisher, nil, func() publishtest.Received {
		if left == nil {
			_, consumer := stream(t, server.Address)
			left = all(t, consumer)
		}
		next := left[0]
		left = left[1:]
		return next
	})
}

func TestABrokerThatDoesNotAnswerCostsNoMoreThanTheTimeout(t *testing.T) {
	address := publishtest.Shared(t, variable)
	prefix, consumer := stream(t, address)
	link := new(publishtest.Link)
	publisher := newPublisher(t, natspub.Config{
		URL: address, Prefix: prefix, Timeout: 200 * time.Millisecond, Options: []nats.Option{nats.SetCustomDialer(dialer{link})},
	})
	link.Hold()
	publishtest.Refuse(t, publisher, publishtest.Messages(1)) // while it connects
	link.Release()
	publishtest.Confirm(t, publisher, publishtest.Messages(1))
	link.Hold()
	if err := publishtest.Refuse(t, publisher, publishtest.Messages(1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	link.Release()
	publishtest.Confirm(t, publisher, publishtest.Messages(1))
	if arrived := all(t, consumer); len(arrived) != 3 {
		t.Errorf("%d messages", len(arrived))
	}
}

func TestNothingIsPublishedAfterTheContextOrTheCloseOfThePublisher(t *testing.T) {
	address := publishtest.Shared(t, variable)
	prefix, consumer := stream(t, address)
	publisher := newPublisher(t, natspub.Config{URL: address, Prefix: prefix})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 2 { // before and after it has connected
		if failed := publisher.Publish(ended, publishtest.Messages(1)); !errors.Is(failed[0], context.Canceled) {
			t.Error(failed)
		}
		publishtest.Confirm(t, publisher, publishtest.Messages(1))
	}
	for range 2 {
		if err := publisher.Close(); err != nil {
			t.Error(err)
		}
	}
	publishtest.Refuse(t, publisher, publishtest.Messages(1))
	if arrived := all(t, consumer); len(arrived) != 2 {
		t.Errorf("%d messages", len(arrived))
	}
}

func TestAnAddressThatIsNoneIsRefusedWithoutItsPassword(t *testing.T) {
	for _, address := range []string{"", "nats.example", "nats://user:secret%@nats.example", "nats://nats.example,nats://user:secret/@nats.example"} {
		publisher, err := natspub.New(natspub.Config{URL: address})
		if err == nil || publisher != nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", address, err)
		}
	}
	publisher := newPublisher(t, natspub.Config{URL: "nats://user:secret@127.0.0.1:1"})
	if err := publishtest.Refuse(t, publisher, publishtest.Messages(1)); strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

type dialer struct{ link *publishtest.Link }

func (d dialer) Dial(network, address string) (net.Conn, error) {
	return d.link.Dial(context.Background(), network, address)
}
