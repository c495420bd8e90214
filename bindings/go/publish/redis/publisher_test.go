package redispub_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/payseal/payseal/bindings/go/internal/publishtest"
	redispub "github.com/payseal/payseal/bindings/go/publish/redis"
	"github.com/redis/go-redis/v9"
)

const variable = "PAYSEAL_TEST_REDIS"

func at(t *testing.T, address string) redis.UniversalOptions {
	t.Helper()
	options, err := redis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	return redis.UniversalOptions{Addrs: []string{options.Addr}}
}

func newPublisher(t *testing.T, config redispub.Config) *redispub.Publisher {
	t.Helper()
	publisher, err := redispub.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = publisher.Close() })
	return publisher
}

// reader makes the stream, called as the test is, as its consumers do.
func reader(t *testing.T, address string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	if err := client.XGroupCreateMkStream(t.Context(), t.Name(), "warehouse", "$").Err(); err != nil {
		t.Fatal(err)
	}
	return client
}

func entries(t *testing.T, client *redis.Client) (all []publishtest.Received) {
	t.Helper()
	found, err := client.XRange(t.Context(), t.Name(), "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range found {
		text := func(name string) string { return entry.Values[name].(string) }
		created, err := strconv.ParseInt(text("created_ms"), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, publishtest.Received{
			MessageID: text("message_id"), Topic: text("topic"), OrderNo: text("order_no"), Payload: text("payload"), CreatedMS: created,
		})
	}
	return all
}

func TestAMessageIsConfirmedAndArrivesWhole(t *testing.T) {
	address := publishtest.Shared(t, variable)
	client := reader(t, address)
	publisher := newPublisher(t, redispub.Config{Redis: at(t, address), Stream: t.Name()})
	messages := publishtest.Messages(500)
	publishtest.Confirm(t, publisher, messages[:499])
	publishtest.Confirm(t, publisher, messages[499:])
	publishtest.Arrived(t, entries(t, client), messages)
}

func TestAStreamThatNobodyHasMadeIsNamed(t *testing.T) {
	address := publishtest.Shared(t, variable)
	publisher := newPublisher(t, redispub.Config{Redis: at(t, address), Stream: t.Name()})
	messages := publishtest.Messages(3)
	if err := publishtest.Refuse(t, publisher, messages); !strings.Contains(err.Error(), t.Name()) {
		t.Error(err)
	}
	client := reader(t, address)
	publishtest.Confirm(t, publisher, messages)
	publishtest.Arrived(t, entries(t, client), messages)
}

func TestAStreamKeepsAsMuchAsItIsTold(t *testing.T) {
	address := publishtest.Shared(t, variable)
	client := reader(t, address)
	publisher := newPublisher(t, redispub.Config{Redis: at(t, address), Stream: t.Name(), MaxLen: 100})
	messages := publishtest.Messages(1000)
	publishtest.Confirm(t, publisher, messages)
	kept := entries(t, client)
	if len(kept) < 100 || len(kept) > 300 {
		t.Fatalf("%d entries", len(kept))
	}
	publishtest.Arrived(t, kept, messages[1000-len(kept):])
}

func TestReplicasThatAreMissingConfirmNothing(t *testing.T) {
	address := publishtest.Shared(t, variable)
	reader(t, address)
	publisher := newPublisher(t, redispub.Config{Redis: at(t, address), Stream: t.Name(), Replicas: 1, Timeout: 400 * time.Millisecond})
	if err := publishtest.Refuse(t, publisher, publishtest.Messages(2)); !strings.Contains(err.Error(), "0 of 1 replicas") {
		t.Error(err)
	}
	options := at(t, address)
	options.IsClusterMode = true
	if _, err := redispub.New(redispub.Config{Redis: options, Stream: t.Name(), Replicas: 1}); err == nil {
		t.Error("a cluster is asked for replicas")
	}
}

func TestABrokerThatIsKilledBeforeItConfirmsLosesNothing(t *testing.T) {
	server := publishtest.Start(t, "redis", variable)
	link := new(publishtest.Link)
	client := reader(t, server.Address)
	options := at(t, server.Address)
	options.Dialer = link.Dial
	publisher := newPublisher(t, redispub.Config{Redis: options, Stream: t.Name()})
	var left []publishtest.Received
	publishtest.KilledBeforeItsConfirmation(t, server, link, publisher, nil, func() publishtest.Received {
		if left == nil {
			left = entries(t, client)
		}
		next := left[0]
		left = left[1:]
		return next
	})
}

func TestABrokerThatDoesNotAnswerCostsNoMoreThanTheTimeout(t *testing.T) {
	address := publishtest.Shared(t, variable)
	client := reader(t, address)
	link := new(publishtest.Link)
	options := at(t, address)
	options.Dialer = link.Dial
	publisher := newPublisher(t, redispub.Config{Redis: options, Stream: t.Name(), Timeout: 200 * time.Millisecond})
	link.Hold()
	publishtest.Refuse(t, publisher, publishtest.Messages(1)) // while it connects
	link.Release()
	publishtest.Confirm(t, publisher, publishtest.Messages(1))
	link.Hold()
	publishtest.Refuse(t, publisher, publishtest.Messages(1))
	link.Release()
	publishtest.Confirm(t, publisher, publishtest.Messages(1))
	if arrived := entries(t, client); len(arrived) != 3 {
		t.Errorf("%d messages", len(arrived))
	}
}

func TestNothingIsPublishedAfterTheContextOrTheCloseOfThePublisher(t *testing.T) {
	address := publishtest.Shared(t, variable)
	client := reader(t, address)
	publisher := newPublisher(t, redispub.Config{Redis: at(t, address), Stream: t.Name()})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if failed := publisher.Publish(ended, publishtest.Messages(1)); !errors.Is(failed[0], context.Canceled) {
		t.Error(failed)
	}
	publishtest.Confirm(t, publisher, publishtest.Messages(1))
	if err := publisher.Close(); err != nil {
		t.Error(err)
	}
	publishtest.Refuse(t, publisher, publishtest.Messages(1))
	if arrived := entries(t, client); len(arrived) != 1 {
		t.Errorf("%d messages", len(arrived))
	}
}

func TestAPublisherWithoutAStreamIsRefused(t *testing.T) {
	if _, err := redispub.New(redispub.Config{}); err == nil || !strings.Contains(err.Error(), "Stream") {
		t.Error(err)
	}
}
