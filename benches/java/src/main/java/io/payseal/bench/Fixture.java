package io.payseal.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** What benches/fixture.py wrote. */
record Fixture(String configText, JsonNode config, Map<String, String> headers, String body) {
    static Fixture read(Path folder) throws IOException {
        ObjectMapper json = new ObjectMapper();
        String configText = Files.readString(folder.resolve("config.json"));
        JsonNode notification = json.readTree(folder.resolve("notification.json").toFile());
        Map<String, String> headers = new TreeMap<>();
        notification.get("headers").properties().forEach(header -> headers.put(header.getKey(), header.getValue().asText()));
        return new Fixture(configText, json.readTree(configText), headers, notification.get("body").asText());
    }

    String text(String key) {
        return config.get(key).asText();
    }
}
