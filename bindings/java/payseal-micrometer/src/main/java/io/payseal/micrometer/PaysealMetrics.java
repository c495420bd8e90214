package io.payseal.micrometer;

import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.payseal.PaysealClient;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Brings a client's metrics into a meter registry: {@code payseal.requests}, {@code payseal.request.duration},
 * {@code payseal.notifications}, {@code payseal.key.refreshes}, {@code payseal.circuit.open}.
 *
 * <p>Series appear when something has happened for the first time: a new one is found while the registry reads the others, so it
 * is published from the next time on. The buckets of the histogram are only in {@link PaysealClient#metrics()}, because Micrometer
 * cannot take counts that were made elsewhere as a histogram.
 */
public final class PaysealMetrics implements MeterBinder {
    /** The text is read once for all meters that are published together. */
    private static final long FRESH_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final PaysealClient client;
    private final Tags extra;

    /**
     * Metrics of one client.
     *
     * @param client the client
     * @param extra tags to tell several clients apart, e.g. {@code merchant}
     */
    public PaysealMetrics(PaysealClient client, Iterable<Tag> extra) {
        this.client = Objects.requireNonNull(client, "client");
        this.extra = Tags.of(extra);
    }

    /**
     * Metrics of the only client.
     *
     * @param client the client
     */
    public PaysealMetrics(PaysealClient client) {
        this(client, Tags.empty());
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        new Binding(registry, registry.config().clock()).refresh();
    }

    /** What one registry knows of the client. */
    private final class Binding {
        private final MeterRegistry registry;
        private final Clock clock;
        private final Set<Series> registered = new HashSet<>();
        private Map<Series, Double> samples = Map.of();
        private long readAt;

        Binding(MeterRegistry registry, Clock clock) {
            this.registry = registry;
            this.clock = clock;
        }

        synchronized double value(Series series) {
            if (clock.monotonicTime() - readAt >= FRESH_NANOS) {
                refresh();
            }
            return samples.getOrDefault(series, 0.0);
        }

        synchronized void refresh() {
            String text = client.metrics();
            readAt = clock.monotonicTime();
            samples = Series.parse(text);
            Map<String, String> types = Series.types(text);
            for (Series series : samples.keySet()) {
                if (registered.add(series)) {
                    register(series, types);
                }
            }
        }

        private void register(Series series, Map<String, String> types) {
            Tags tags = extra.and(series.tags());
            switch (types.getOrDefault(series.name(), "part")) {
                case "counter" ->
                    FunctionCounter.builder(meter(series.name(), "_total"), this, it -> it.value(series))
                            .tags(tags)
                            .register(registry);
                // Functions are held weakly by the registry; this one reference keeps the binding as long as the
                // registry.
                case "gauge" ->
                    Gauge.builder(meter(series.name(), ""), this, it -> it.value(series))
                            .tags(tags)
                            .strongReference(true)
                            .register(registry);
                default -> registerTimer(series, types, tags);
            }
        }

        private void registerTimer(Series series, Map<String, String> types, Tags tags) {
            String histogram = series.name().replaceAll("_count$", "");
            if (!"histogram".equals(types.get(histogram)) || histogram.equals(series.name())) {
                return;
            }
            Series sum = new Series(histogram + "_sum", series.tags());
            FunctionTimer.builder(
                            meter(histogram, "_seconds"),
                            this,
                            it -> (long) it.value(series),
                            it -> it.value(sum),
                            TimeUnit.SECONDS)
                    .tags(tags)
                    .register(registry);
        }

        private String meter(String name, String unit) {
            return name.substring(0, name.endsWith(unit) ? name.length() - unit.length() : name.length())
                    .replace('_', '.');
        }
    }
}
