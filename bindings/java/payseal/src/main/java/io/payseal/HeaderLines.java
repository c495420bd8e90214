package io.payseal;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** HTTP headers as the core reads them: lines {@code Name: value}. */
final class HeaderLines {
    private HeaderLines() {}

    static byte[] of(Map<String, List<String>> headers) {
        StringBuilder lines = new StringBuilder();
        headers.forEach((name, values) -> values.forEach(value ->
                lines.append(oneLine(name)).append(": ").append(oneLine(value)).append("\r\n")));
        return lines.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** A line break inside a value would make a second header of its rest. */
    private static String oneLine(String text) {
        if (text.indexOf('\r') >= 0 || text.indexOf('\n') >= 0) {
            throw new IllegalArgumentException("a header holds a line break");
        }
        return text;
    }
}
