package io.payseal.payments;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.deser.std.StdDeserializer;
import java.io.IOException;

/** The envelope of a notification; an empty one, where there was none, is {@code null}. */
final class Envelope extends StdDeserializer<io.payseal.Event> {
    private static final long serialVersionUID = 1L;

    Envelope() {
        super(io.payseal.Event.class);
    }

    @Override
    public io.payseal.Event deserialize(JsonParser json, DeserializationContext context) throws IOException {
        JsonNode envelope = context.readTree(json);
        return envelope.isEmpty() ? null : context.readTreeAsValue(envelope, io.payseal.Event.class);
    }
}
