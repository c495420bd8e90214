package io.payseal.payments;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.deser.std.StdDeserializer;
import java.io.IOException;
import java.time.Instant;

/** Unix milliseconds as a moment. */
final class Milliseconds extends StdDeserializer<Instant> {
    private static final long serialVersionUID = 1L;

    Milliseconds() {
        super(Instant.class);
    }

    @Override
    public Instant deserialize(JsonParser json, DeserializationContext context) throws IOException {
        return Instant.ofEpochMilli(json.getLongValue());
    }
}
