package io.payseal.micrometer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.simple.SimpleConfig;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.payseal.Params;
import io.payseal.PaysealClient;
import io.payseal.PaysealException;
import io.payseal.testing.Loopback;
import io.payseal.testing.Orders;
import io.payseal.testing.Platform;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

class PaysealMetricsTest {
    private static final Platform PLATFORM = new Platform();
    private static final byte[] ANSWER = "{\"code_url\":\"weixin://x\"}".getBytes(StandardCharsets.UTF_8);

    /** Time passes only when the test says so. */
    private static final class Hands implements Clock {
        private long nanos;

        @Override
        public long wallTime() {
            return nanos / 1_000_000;
        }

        @Override
        public long monotonicTime() {
            return nanos;
        }
    }

    @Test
    void calls_are_counted_and_timed_in_the_registry() {
        Hands clock = new Hands();
        SimpleMeterRegistry registry = new SimpleMeterRegistry(SimpleConfig.DEFAULT, clock);
        try (Loopback server =
                        new Loopback((request, to) -> Loopback.respond(to, 200, PLATFORM.signed(ANSWER), ANSWER));
                PaysealClient client = PaysealClient.of(PLATFORM.configuration()
                        .hosts(List.of(server.address()))
                        .build())) {
            new PaysealMetrics(client, List.of(Tag.of("merchant", "a"))).bindTo(registry);
            assertNotNull(registry.find("payseal.circuit.open")
                    .tag("host", server.address())
                    .gauge());
            assertNull(registry.find("payseal.requests").functionCounter());

            client.execute(Orders.NATIVE, Orders.order(Orders.number()));
            client.execute(Orders.NATIVE, Orders.order(Orders.number()));
            Assertions.assertThrows(PaysealException.class, () -> client.execute("GET /v3/{x}", Params.none()));
            publish(registry, clock);

            FunctionCounter ok = registry.find("payseal.requests")
                    .tags("operation", Orders.NATIVE, "outcome", "ok", "merchant", "a", "provider", "wechat")
                    .functionCounter();
            assertEquals(2, ok.count());
            FunctionTimer time = registry.find("payseal.request.duration")
                    .tags("operation", Orders.NATIVE, "outcome", "ok")
                    .functionTimer();
            assertEquals(2, time.count());
            assertTrue(time.totalTime(TimeUnit.SECONDS) > 0);

            client.execute(Orders.NATIVE, Orders.order(Orders.number()));
            publish(registry, clock);
            assertEquals(3, ok.count());
            client.answerNotification(Map.of(), ANSWER, notification -> {});
            publish(registry, clock);
            assertEquals(
                    1,
                    registry.find("payseal.notifications")
                            .tag("outcome", "unauthentic")
                            .functionCounter()
                            .count());
        }
    }

    /** As a registry does it: reads every meter, at a later time. */
    private static void publish(SimpleMeterRegistry registry, Hands clock) {
        clock.nanos += TimeUnit.SECONDS.toNanos(10);
        registry.getMeters().forEach(meter -> meter.measure().forEach(measurement -> measurement.getValue()));
    }

    @Test
    void meters_live_as_long_as_their_registry() {
        Hands clock = new Hands();
        SimpleMeterRegistry registry = new SimpleMeterRegistry(SimpleConfig.DEFAULT, clock);
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build())) {
            client.answerNotification(Map.of(), ANSWER, notification -> {});
            new PaysealMetrics(client).bindTo(registry);
            System.gc();
            client.answerNotification(Map.of(), ANSWER, notification -> {});
            publish(registry, clock);
            assertEquals(
                    2, registry.find("payseal.notifications").functionCounter().count());
        }
    }

    @Test
    void the_text_format_is_read_with_its_escapes() {
        Map<Series, Double> samples = Series.parse(
                "# HELP a b\n# TYPE a counter\na 1\na{x=\"1\",y=\"q\\\"\\\\n\\n,}\"} 2.5e3\nb{le=\"+Inf\"} +Inf\n");
        assertEquals(
                List.of(1.0, 2500.0, Double.POSITIVE_INFINITY),
                samples.values().stream().toList());
        Series second = samples.keySet().stream().skip(1).findFirst().orElseThrow();
        assertEquals(
                List.of(Tag.of("x", "1"), Tag.of("y", "q\"\\n\n,}")),
                second.tags().stream().toList());
    }
}
