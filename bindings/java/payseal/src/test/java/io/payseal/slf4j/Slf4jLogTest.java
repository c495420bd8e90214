package io.payseal.slf4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.payseal.CallOptions;
import io.payseal.PaysealClient;
import io.payseal.testing.Platform;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class Slf4jLogTest {
    private static final Platform PLATFORM = new Platform();

    private final Logger logger = (Logger) LoggerFactory.getLogger("payments");
    private final ListAppender<ILoggingEvent> events = new ListAppender<>();

    @BeforeEach
    void listen() {
        logger.setLevel(Level.INFO);
        logger.setAdditive(false);
        events.start();
        logger.addAppender(events);
    }

    @Test
    void a_record_is_an_event_with_keys_and_values() {
        byte[] body = PLATFORM.paid("SLF4J2026");
        try (PaysealClient client = PaysealClient.builder(
                        PLATFORM.configuration().build())
                .log(new Slf4jLog(logger))
                .build()) {
            client.openNotification(
                    PLATFORM.signed(body),
                    body,
                    CallOptions.builder().traceId("trace-1").build());
            client.answerNotification(Map.of(), body, notification -> {});
        }
        assertEquals(2, events.list.size());
        ILoggingEvent opened = events.list.get(0);
        assertEquals(Level.INFO, opened.getLevel());
        assertEquals("notification.opened", opened.getFormattedMessage());
        Map<String, Object> fields =
                opened.getKeyValuePairs().stream().collect(Collectors.toMap(pair -> pair.key, pair -> pair.value));
        assertEquals("trace-1", fields.get("trace_id"));
        assertEquals(Platform.MCHID, fields.get("merchant"));
        assertTrue(fields.get("ts_ms") instanceof Long);
        ILoggingEvent refused = events.list.get(1);
        assertEquals(Level.WARN, refused.getLevel());
        assertTrue(refused.getFormattedMessage().startsWith("notification.refused: "), refused.getFormattedMessage());
    }

    @Test
    void a_level_that_is_off_costs_no_parsing() {
        logger.setLevel(Level.ERROR);
        new Slf4jLog(logger).log(System.Logger.Level.DEBUG, "this is not even JSON");
        assertEquals(0, events.list.size());
    }

    @Test
    void every_level_has_its_counterpart() {
        logger.setLevel(Level.TRACE);
        Slf4jLog log = new Slf4jLog(logger);
        log.log(System.Logger.Level.ERROR, "{\"event\":\"a\"}");
        log.log(System.Logger.Level.WARNING, "{\"event\":\"a\"}");
        log.log(System.Logger.Level.INFO, "{\"event\":\"a\"}");
        log.log(System.Logger.Level.DEBUG, "{\"event\":\"a\"}");
        assertEquals(
                java.util.List.of(Level.ERROR, Level.WARN, Level.INFO, Level.DEBUG),
                events.list.stream().map(ILoggingEvent::getLevel).toList());
    }
}
