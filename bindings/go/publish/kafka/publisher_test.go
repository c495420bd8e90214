package kafkapub_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/payseal/payseal/bindings/go/internal/publishtest"
	kafkapub "github.com/payseal/payseal/bindings/go/publish/kafka"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const variable = "PAYSEAL_TEST_KAFKA"

func newPublisher(t *testing.T, config kafkapub.Config) *kafkapub.Publisher {
	t.Helper()
	publisher, err := kafkapub.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = publisher.Close() })
	return publisher
}

// newTopic makes one with the test's name.
func newTopic(t *testing.T, address string, partitions int32) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(address))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	request := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = t.Name(), partitions, 1
	request.Topics = append(request.Topics, topic)
	made, err := request.RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	if err := kerr.ErrorForCode(made.Topics[0].ErrorCode); err != nil {
		t.Fatal(err)
	}
}

// consumer returns the next record of the topic each time.
func consumer(t *testing.T, address string) func() *kgo.Record {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.ConsumeTopics(t.Name()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	var records []*kgo.Record
	return func() *kgo.Record {
		for len(records) == 0 {
			fetched := client.PollFetches(t.Context())
			if err := fetched.Err(); err != nil {
				t.Fatal(err)
			}
			records = fetched.Records()
		}
		next := records[0]
		records = records[1:]
		return next
	}
}

func received(t testing.TB, record *kgo.Record) publishtest.Received {
	t.Helper()
	headers := map[string]string{}
	for _, header := range record.Headers {
		headers[header.Key] = string(header.Value)
	}
	created, err := strconv.ParseInt(headers["created_ms"], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if record.Timestamp.UnixMilli() != created {
		t.Fatalf("timestamp %v of %d", record.Timestamp, created)
	}
	return publishtest.Received{
		MessageID: headers["message_id"], Topic: headers["topic"], OrderNo: string(record.Key), Payload: string(record.Value), CreatedMS: created,
	}
}

func TestAMessageIsConfirmedAndArrivesWhole(t *testing.T) {
	address := publishtest.Shared(t, variable)
	newTopic(t, address, 1)
	publisher := newPublisher(t, kafkapub.Config{Brokers: []string{address}, Topic: t.Name()})
	messages := publishtest.Messages(500)
	publishtest.Confirm(t, publisher, messages[:499])
	publishtest.Confirm(t, publisher, messages[499:])
	next := consumer(t, address)
	arrived := make([]publishtest.Received, len(messages))
	for i := range arrived {
		arrived[i] = received(t, next())
	}
	publishtest.Arrived(t, arrived, messages)
}

func TestMessagesAboutOneOrderAreInOnePartitionInTheirOrder(t *testing.T) {
	address := publishtest.Shared(t, variable)
	newTopic(t, address, 8)
	publisher := newPublisher(t, kafkapub.Config{Brokers: []string{address}, Topic: t.Name()})
	messages := publishtest.Messages(300)
	for i := 0; i < len(messages); i += 50 {
		publishtest.Confirm(t, publisher, messages[i:i+50])
	}
	partitions := map[string]int32{}
	last := map[string]int64{}
	next := consumer(t, address)
	for range messages {
		record := next()
		message := received(t, record)
		partition, isKnown := partitions[message.OrderNo]
		if isKnown && partition != record.Partition || message.CreatedMS <= last[message.OrderNo] {
			t.Fatalf("partition %d after %d, created %d after %d", record.Partition, partition, message.CreatedMS, last[message.OrderNo])
		}
		partitions[message.OrderNo], last[message.OrderNo] = record.Partition, message.CreatedMS
	}
}

func TestAnOrderIsInThePartitionThatEveryBindingChooses(t *testing.T) {
	address := publishtest.Shared(t, variable)
	newTopic(t, address, 7)
	publisher := newPublisher(t, kafkapub.Config{
		Brokers: []string{address}, Topic: t.Name(), Options: []kgo.Opt{kgo.RecordPartitioner(kgo.RoundRobinPartitioner())},
	})
	// Kafka's own test vectors of murmur2.
	digests := map[string]int32{"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536}
	messages := publishtest.Messages(len(digests))
	for i, order := range slices.Collect(maps.Keys(digests)) {
		messages[i].OrderNo = order
	}
	publishtest.Confirm(t, publisher, messages)
	next := consumer(t, address)
	for range messages {
		record := next()
		if want := (digests[string(record.Key)] & 0x7FFF_FFFF) % 7; record.Partition != want {
			t.Errorf("%s is in partition %d and not %d", record.Key, record.Partition, want)
		}
	}
}

func TestATopicThatIsMissingIsNamedUntilItIsThere(t *testing.T) {
	address := publishtest.Shared(t, variable)
	publisher := newPublisher(t, kafkapub.Config{Brokers: []string{address}, Topic: t.Name(), Options: []kgo.Opt{kgo.MetadataMinAge(50 * time.Millisecond)}})
	messages := publishtest.Messages(3)
	if err := publishtest.Refuse(t, publisher, messages); !strings.Contains(err.Error(), t.Name()) || !errors.Is(err, kerr.UnknownTopicOrPartition) {
		t.Error(err)
	}
	newTopic(t, address, 1)
	publishtest.Confirm(t, publisher, messages)
}

func TestAMessageThatTheBrokerRefusesIsNotConfirmed(t *testing.T) {
	address := publishtest.Shared(t, variable)
	newTopic(t, address, 1)
	publisher := newPublisher(t, kafkapub.Config{Brokers: []string{address}, Topic: t.Name()})
	messages := publishtest.Messages(3)
	messages[1].Payload = strings.Repeat(" ", 2_000_000)
	for i, err := range publisher.Publish(t.Context(), messages) {
		if (i == 1) != errors.Is(err, kerr.MessageTooLarge) || (i != 1) != (err == nil) {
			t.Errorf("message %d: %v", i+1, err)
		}
	}
}

func TestABrokerThatIsKilledBeforeItConfirmsLosesNothing(t *testing.T) {
	server := publishtest.Start(t, "kafka", variable)
	link := new(publishtest.Link)
	newTopic(t, server.Address, 1)
	publisher := newPublisher(t, kafkapub.Config{
		Brokers: []string{server.Address}, Topic: t.Name(), Timeout: 5 * time.Second, Options: []kgo.Opt{kgo.Dialer(link.Dial)},
	})
	var next func() *kgo.Record
	publishtest.KilledBeforeItsConfirmation(t, server, link, publisher, nil, func() publishtest.Received {
		if next == nil {
			next = consumer(t, server.Address)
		}
		return received(t, next())
	})
}

func TestABrokerThatDoesNotAnswerCostsNoMoreThanTheTimeout(t *testing.T) {
	address := publishtest.Shared(t, variable)
	newTopic(t, address, 1)
	link := new(publishtest.Link)
	publisher := newPublisher(t, kafkapub.Config{
		Brokers: []string{address}, Topic: t.Name(), Timeout: time.Second, Options: []kgo.Opt{kgo.Dialer(link.Dial)},
	})
	link.Hold()
	publishtest.Refuse(t, publisher, publishtest.Messages(1)) // while it connects
	link.Release()
	messages := publishtest.Messages(3)
	publishtest.Confirm(t, publisher, messages[:1])
	link.Hold()
	started := time.Now()
	if err := publishtest.Refuse(t, publisher, messages[1:2]); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if took := time.Since(started); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
	link.Release()
	publishtest.Confirm(t, publisher, messages[2:])
	next := consumer(t, address)
	publishtest.Arrived(t, []publishtest.Received{received(t, next()), received(t, next()), received(t, next())}, messages)
}

func TestNothingIsPublishedAfterTheContextOrTheCloseOfThePublisher(t *testing.T) {
	address := publishtest.Shared(t, variable)
	newTopic(t, address, 1)
	publisher := newPublisher(t, kafkapub.Config{Brokers: []string{address}, Topic: t.Name()})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if failed := publisher.Publish(ended, publishtest.Messages(1)); !errors.Is(failed[0], context.Canceled) {
		t.Error(failed)
	}
	messages := publishtest.Messages(1)
	publishtest.Confirm(t, publisher, messages)
	for range 2 {
		if err := publisher.Close(); err != nil {
			t.Error(err)
		}
	}
	publishtest.Refuse(t, publisher, publishtest.Messages(1))
	publishtest.Arrived(t, []publishtest.Received{received(t, consumer(t, address)())}, messages)
}

func TestAPublisherWithoutBrokersOrTopicIsRefused(t *testing.T) {
	for _, config := range []kafkapub.Config{{}, {Topic: "payments"}, {Brokers: []string{"127.0.0.1:1"}}} {
		if _, err := kafkapub.New(config); err == nil {
			t.Errorf("%+v", config)
		}
	}
	if _, err := kafkapub.New(kafkapub.Config{Brokers: []string{"127.0.0.1:1"}, Topic: "payments", Options: []kgo.Opt{kgo.DisableIdempotentWrite()}}); err == nil {
		t.Error("a producer that is not idempotent")
	}
}
