package io.payseal.micrometer;

import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One sample of Prometheus text format 0.0.4, without its value.
 *
 * @param name the name, e.g. {@code payseal_requests_total}
 * @param tags its labels
 */
record Series(String name, Tags tags) {
    private static final Pattern TYPE = Pattern.compile("# TYPE (\\S+) (\\S+)");
    private static final Pattern SAMPLE = Pattern.compile("([a-zA-Z_:][\\w:]*)(?:\\{(.*)})? (\\S+)");
    private static final Pattern LABEL = Pattern.compile("([a-zA-Z_]\\w*)=\"((?:[^\"\\\\]|\\\\.)*)\"");

    private static final Pattern ESCAPE = Pattern.compile("\\\\(.)");

    /** All samples and their values, in order. */
    static Map<Series, Double> parse(String text) {
        Map<Series, Double> samples = new LinkedHashMap<>();
        text.lines()
                .map(SAMPLE::matcher)
                .filter(Matcher::matches)
                .forEach(line -> samples.put(new Series(line.group(1), tags(line.group(2))), value(line.group(3))));
        return samples;
    }

    /** The types of all names: {@code counter}, {@code gauge} or {@code histogram}. */
    static Map<String, String> types(String text) {
        Map<String, String> types = new LinkedHashMap<>();
        text.lines()
                .map(TYPE::matcher)
                .filter(Matcher::matches)
                .forEach(line -> types.put(line.group(1), line.group(2)));
        return types;
    }

    private static Tags tags(String labels) {
        Tags tags = Tags.empty();
        if (labels != null) {
            for (Matcher label = LABEL.matcher(labels); label.find(); ) {
                tags = tags.and(Tag.of(label.group(1), unescape(label.group(2))));
            }
        }
        return tags;
    }

    private static String unescape(String value) {
        return ESCAPE.matcher(value)
                .replaceAll(escape -> Matcher.quoteReplacement(escape.group(1).equals("n") ? "\n" : escape.group(1)));
    }

    private static double value(String text) {
        return switch (text) {
            case "+Inf" -> Double.POSITIVE_INFINITY;
            case "-Inf" -> Double.NEGATIVE_INFINITY;
            default -> Double.parseDouble(text);
        };
    }
}
