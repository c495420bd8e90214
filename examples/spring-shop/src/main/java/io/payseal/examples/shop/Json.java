package io.payseal.examples.shop;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import java.io.IOException;
import java.time.Instant;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;

/** Reads requests, and writes what payseal knows as payseal writes it: times are Unix milliseconds, amounts integers in fen. */
final class Json {
    /** An amount is an integer, or it is refused: nothing is cut off or guessed. */
    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT, DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .addModule(new SimpleModule().addSerializer(Instant.class, new Milliseconds()))
            .build();

    private static final class Milliseconds extends JsonSerializer<Instant> {
        @Override
        public void serialize(Instant at, JsonGenerator json, SerializerProvider context) throws IOException {
            json.writeNumber(at.toEpochMilli());
        }
    }

    private Json() {}

    static ResponseEntity<byte[]> answer(Object value) {
        return answer(HttpStatus.OK, value);
    }

    /** As JSON also where the page asked for an image. */
    static ResponseEntity<byte[]> answer(HttpStatus status, Object value) {
        try {
            return ResponseEntity.status(status)
                    .contentType(MediaType.APPLICATION_JSON)
                    .body(MAPPER.writeValueAsBytes(value));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    static <T> T read(String body, Class<T> type) {
        try {
            T read = MAPPER.readValue(body == null ? "" : body, type);
            if (read != null) {
                return read;
            }
        } catch (JsonProcessingException e) {
            throw new BadRequest(e.getOriginalMessage());
        }
        throw new BadRequest("the body must be a JSON object");
    }

    /** One of an enumeration's words. */
    static <T extends Enum<T>> T word(String word, Class<T> type) {
        try {
            return MAPPER.convertValue(word, type);
        } catch (IllegalArgumentException e) {
            throw new BadRequest("\"" + word + "\" is no " + type.getSimpleName());
        }
    }

    /** What came cannot be understood; the message says why. */
    static final class BadRequest extends RuntimeException {
        private static final long serialVersionUID = 1L;

        BadRequest(String message) {
            super(message);
        }
    }
}
