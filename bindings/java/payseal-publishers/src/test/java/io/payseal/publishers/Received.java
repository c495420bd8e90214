package io.payseal.publishers;

import io.payseal.payments.Message;
import io.payseal.payments.Topic;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;

/** What a consumer finds of a message. */
record Received(String messageId, String topic, String orderNo, String payload, long createdMs) {
    static List<Received> of(List<Message> messages) {
        return messages.stream()
                .map(each -> new Received(
                        each.messageId(),
                        each.topic(),
                        each.orderNo(),
                        each.payload(),
                        each.createdAt().toEpochMilli()))
                .toList();
    }

    /** New ones, in turn about three orders. */
    static List<Message> messages(int count) {
        return IntStream.range(0, count)
                .mapToObj(at -> message(at, Topic.PAYMENT_PAID, "ORDER" + at % 3))
                .toList();
    }

    static Message message(int at, String topic, String orderNo) {
        return new Message(
                at + 1,
                1,
                UUID.randomUUID().toString(),
                topic,
                orderNo,
                "{\"type\":\"payment.paid\",\"subject\":\"一杯茶\",\"at\":" + at + "}",
                Instant.ofEpochMilli(1_750_000_000_123L + at),
                Instant.EPOCH);
    }
}
