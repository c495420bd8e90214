package rabbitpub_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/payseal/payseal/bindings/go/internal/publishtest"
	"github.com/payseal/payseal/bindings/go/payments"
	rabbitpub "github.com/payseal/payseal/bindings/go/publish/rabbitmq"
	amqp "github.com/rabbitmq/amqp091-go"
)

const variable = "PAYSEAL_TEST_RABBITMQ"

func newPublisher(t *testing.T, config rabbitpub.Config) *rabbitpub.Publisher {
	t.Helper()
	publisher, err := rabbitpub.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = publisher.Close() })
	return publisher
}

// topology is an exchange called as the test is, with a durable queue for payments, and a channel to look into it.
func topology(t *testing.T, address string) (exchange string, channel *amqp.Channel) {
	t.Helper()
	connection, err := amqp.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	channel, err = connection.Channel()
	if err != nil {
		t.Fatal(err)
	}
	name := t.Name()
	if err := channel.ExchangeDeclare(name, amqp.ExchangeTopic, true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := channel.QueueDeclare(name, true, false, false, false, amqp.Table{"x-max-length": 1000, "x-overflow": "reject-publish"}); err != nil {
		t.Fatal(err)
	}
	if err := channel.QueueBind(name, "payment.*", name, false, nil); err != nil {
		t.Fatal(err)
	}
	return name, channel
}

func received(t testing.TB, delivery amqp.Delivery) publishtest.Received {
	t.Helper()
	if delivery.DeliveryMode != amqp.Persistent || delivery.ContentType != "application/json" || delivery.RoutingKey != delivery.Type {
		t.Fatalf("delivery mode %d, content type %q, routing key %q", delivery.DeliveryMode, delivery.ContentType, delivery.RoutingKey)
	}
	created := delivery.Headers["created_ms"].(int64)
	if delivery.Timestamp.Unix() != created/1000 {
		t.Fatalf("timestamp %v of %d", delivery.Timestamp, created)
	}
	return publishtest.Received{
		MessageID: delivery.MessageId, Topic: delivery.Type, OrderNo: delivery.Headers["order_no"].(string), Payload: string(delivery.Body), CreatedMS: created,
	}
}

func drain(t *testing.T, channel *amqp.Channel) (all []publishtest.Received) {
	t.Helper()
	for {
		delivery, isThere, err := channel.Get(t.Name(), true)
		if err != nil {
			t.Fatal(err)
		}
		if !isThere {
			return all
		}
		all = append(all, received(t, delivery))
	}
}

func TestAMessageIsConfirmedAndArrivesWhole(t *testing.T) {
	address := publishtest.Shared(t, variable)
	exchange, channel := topology(t, address)
	publisher := newPublisher(t, rabbitpub.Config{URL: address, Exchange: exchange})
	messages := publishtest.Messages(600) // more than wait for their confirmation at once
	publishtest.Confirm(t, publisher, messages[:599])
	publishtest.Confirm(t, publisher, messages[599:])
	publishtest.Arrived(t, drain(t, channel), messages)
}

func TestAMessageThatNoQueueTakesIsNotConfirmed(t *testing.T) {
	address := publishtest.Shared(t, variable)
	exchange, channel := topology(t, address)
	publisher := newPublisher(t, rabbitpub.Config{URL: address, Exchange: exchange})
	messages := publishtest.Messages(5)
	messages[1].Topic, messages[3].Topic = payments.ExceptionRaisedTopic, payments.RefundFailedTopic
	failed := publisher.Publish(t.Context(), messages)
	for i, err := range failed {
		isOdd := i == 1 || i == 3
		if (err != nil) != isOdd || isOdd && !strings.Contains(err.Error(), messages[i].Topic) {
			t.Errorf("message %d: %v", i+1, err)
		}
	}
	publishtest.Arrived(t, drain(t, channel), []*payments.Message{messages[0], messages[2], messages[4]})
}

func TestAMessageThatTheBrokerRefusesIsNotConfirmed(t *testing.T) {
	address := publishtest.Shared(t, variable)
	exchange, channel := topology(t, address)
	if _, err := channel.QueuePurge(exchange, false); err != nil {
		t.Fatal(err)
	}
	publisher := newPublisher(t, rabbitpub.Config{URL: address, Exchange: exchange})
	publishtest.Confirm(t, publisher, publishtest.Messages(1000)) // as many as the queue takes
	if err := publishtest.Refuse(t, publisher, publishtest.Messages(1)); !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
	if _, err := channel.QueuePurge(exchange, false); err != nil {
		t.Fatal(err)
	}
	publishtest.Confirm(t, publisher, publishtest.Messages(1))
}

func TestAnExchangeThatIsMissingIsNamedUntilItIsThere(t *testing.T) {
	address := publishtest.Shared(t, variable)
	publisher := newPublisher(t, rabbitpub.Config{URL: address, Exchange: t.Name()})
	messages := publishtest.Messages(3)
	if err := publishtest.Refuse(t, publisher, messages); !strings.Contains(err.Error(), t.Name()) {
		t.Error(err)
	}
	_, channel := topology(t, address)
	publishtest.Confirm(t, publisher, messages)
	publishtest.Arrived(t, drain(t, channel), messages)
}

func TestABrokerThatIsKilledBeforeItConfirmsLosesNothing(t *testing.T) {
	server := publishtest.Start(t, "rabbitmq", variable)
	link := new(publishtest.Link)
	topology(t, server.Address)
	publisher := newPublisher(t, rabbitpub.Config{URL: server.Address, Exchange: t.Name(), AMQP: amqp.Config{
		Dial: func(network, address string) (net.Conn, error) { return link.Dial(t.Context(), network, address) },
	}})
	var deliveries <-chan amqp.Delivery
	publishtest.KilledBeforeItsConfirmation(t, server, link, publisher, func() { topology(t, server.Address) }, func() publishtest.Received {
		if deliveries == nil {
			_, channel := topology(t, server.Address)
			var err error
			if deliveries, err = channel.ConsumeWithContext(t.Context(), t.Name(), "", true, false, false, false, nil); err != nil {
				t.Fatal(err)
			}
		}
		return received(t, <-deliveries)
	})
}

func TestABrokerThatDoesNotAnswerCostsNoMoreThanTheTimeout(t *testing.T) {
	address := publishtest.Shared(t, variable)
	exchange, channel := topology(t, address)
	link := new(publishtest.Link)
	publisher := newPublisher(t, rabbitpub.Config{URL: address, Exchange: exchange, Timeout: 200 * time.Millisecond, AMQP: amqp.Config{
		Dial: func(network, address string) (net.Conn, error) { return link.Dial(t.Context(), network, address) },
	}})
	link.Hold()
	for range 2 { // while it connects, both times
		publishtest.Refuse(t, publisher, publishtest.Messages(1))
	}
	link.Release()
	publishtest.Confirm(t, publisher, publishtest.Messages(1))
	link.Hold()
	if err := publishtest.Refuse(t, publisher, publishtest.Messages(1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	link.Release()
	publishtest.Confirm(t, publisher, publishtest.Messages(1))
	if arrived := drain(t, channel); len(arrived) != 3 {
		t.Errorf("%d messages", len(arrived))
	}
}

func TestNothingIsPublishedAfterTheContextOrTheCloseOfThePublisher(t *testing.T) {
	address := publishtest.Shared(t, variable)
	exchange, channel := topology(t, address)
	publisher := newPublisher(t, rabbitpub.Config{URL: address, Exchange: exchange})
	publishtest.Confirm(t, publisher, publishtest.Messages(1))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if failed := publisher.Publish(ended, publishtest.Messages(1)); !errors.Is(failed[0], context.Canceled) {
		t.Error(failed)
	}
	publishtest.Confirm(t, publisher, publishtest.Messages(1))
	for range 2 {
		if err := publisher.Close(); err != nil {
			t.Error(err)
		}
	}
	publishtest.Refuse(t, publisher, publishtest.Messages(1))
	if arrived := drain(t, channel); len(arrived) != 2 {
		t.Errorf("%d messages", len(arrived))
	}
}

func TestAnAddressThatIsNoneIsRefusedWithoutItsPassword(t *testing.T) {
	for _, address := range []string{"", "http://mq.example", "amqp://user:secret%@mq.example"} {
		publisher, err := rabbitpub.New(rabbitpub.Config{URL: address})
		if err == nil || publisher != nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", address, err)
		}
	}
}
