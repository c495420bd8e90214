package io.payseal.slf4j;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.payseal.LogListener;
import java.io.UncheckedIOException;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * Hands a client's log records to SLF4J: the event and its message are the text, everything else is a key and its value. Needs
 * {@code org.slf4j:slf4j-api} 2, which payseal does not pull in.
 */
public final class Slf4jLog implements LogListener {
    private static final JsonMapper MAPPER = new JsonMapper();

    private final Logger logger;

    /** Logs as {@code io.payseal}. */
    public Slf4jLog() {
        this(LoggerFactory.getLogger("io.payseal"));
    }

    /**
     * Logs to a logger of your own.
     *
     * @param logger the logger
     */
    public Slf4jLog(Logger logger) {
        this.logger = logger;
    }

    @Override
    public void log(System.Logger.Level level, String record) {
        Level as = slf4j(level);
        if (!logger.isEnabledForLevel(as)) {
            return;
        }
        JsonNode fields = parse(record);
        LoggingEventBuilder event = logger.makeLoggingEventBuilder(as);
        for (Map.Entry<String, JsonNode> field : fields.properties()) {
            switch (field.getKey()) {
                case "level", "event", "message" -> {}
                default -> event = event.addKeyValue(field.getKey(), value(field.getValue()));
            }
        }
        String name = fields.path("event").asText();
        String message = fields.path("message").asText();
        event.log(message.isEmpty() ? name : name + ": " + message);
    }

    private static Level slf4j(System.Logger.Level level) {
        return switch (level) {
            case ERROR -> Level.ERROR;
            case WARNING -> Level.WARN;
            case INFO -> Level.INFO;
            default -> Level.DEBUG;
        };
    }

    private static JsonNode parse(String record) {
        try {
            return MAPPER.readTree(record);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Object value(JsonNode node) {
        return node.isIntegralNumber()
                ? (Object) node.longValue()
                : node.isValueNode() ? node.asText() : node.toString();
    }
}
