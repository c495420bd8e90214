package io.payseal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.payseal.wechat.fundapp.Transfer;
import io.payseal.wechat.pay.Transaction;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * The models of all families, held against the table of facts: what is sent has the provider's names, what comes back is
 * read.
 */
class ModelsTest {
    private static final Path CATALOGUE = Path.of("../../../catalogue");

    /** The member of an object of which nothing is known. */
    private static final String UNKNOWN = "something unknown";

    /** By the operation's name: the service's class and the method. */
    private final Map<String, Method> methods = new TreeMap<>();

    private final Map<String, JsonNode> facts = new TreeMap<>();
    private final List<Pattern> corrected = new ArrayList<>();
    private final List<Class<?>> services = new ArrayList<>();

    ModelsTest() throws IOException, ClassNotFoundException {
        for (JsonNode row : read("facts/wechat-v3.json").get("operations")) {
            facts.put(row.get("method").asText() + " " + row.get("path").asText(), row);
        }
        for (JsonNode correction : read("overlay/wechat-v3-corrections.json").get("corrections")) {
            JsonNode set = correction.path("set");
            if (!correction.has("add")
                    && !correction.has("remove")
                    && !correction.has("rename")
                    && !set.has("type")
                    && !set.has("items")) {
                continue; // its fields are those of the facts
            }
            String operation = correction.get("operation").asText();
            corrected.add(Pattern.compile("\\Q" + operation.replace("*", "\\E.*\\Q") + "\\E"));
        }
        JsonNode models = read("overlay/wechat-v3-models.json");
        for (JsonNode family : models.get("models")) {
            services.add(service(family.asText()));
        }
        models.get("operations").properties().forEach(entry -> {
            String id = entry.getValue().path("id").asText();
            if (!id.isEmpty()) {
                methods.put(entry.getKey(), method(entry.getKey(), id));
            }
        });
    }

    /** The one class of the package that is made with a client. */
    private static Class<?> service(String family) throws IOException, ClassNotFoundException {
        try (Stream<Path> files = Files.list(Path.of("src/main/java/io/payseal/wechat", family))) {
            for (Path file : files.toList()) {
                String name = file.getFileName().toString().replace(".java", "");
                if (name.endsWith("Service")) {
                    Class<?> found = Class.forName("io.payseal.wechat." + family + "." + name);
                    if (!found.isRecord()) {
                        return found;
                    }
                }
            }
        }
        throw new AssertionError(family + " has no service");
    }

    @TestFactory
    List<DynamicTest> everyOperationIsAskedWithTheProvidersNames() {
        List<DynamicTest> tests = new ArrayList<>();
        methods.forEach((operation, method) -> {
            Class<?> request = Arrays.stream(method.getParameterTypes())
                    .filter(Class::isRecord)
                    .findFirst()
                    .orElse(null);
            boolean differs = corrected.stream()
                    .anyMatch(pattern -> pattern.matcher(operation).matches());
            if (request != null && !differs) {
                tests.add(DynamicTest.dynamicTest(operation, () -> {
                    Set<String> ours = new TreeSet<>();
                    places(Json.MAPPER.valueToTree(filled(request)), "", ours);
                    Set<String> theirs = new TreeSet<>();
                    described(facts.get(operation).get("request"), "", theirs);
                    assertEquals(theirs, ours);
                }));
            }
        });
        assertTrue(tests.size() > 120, () -> tests.size() + " requests");
        return tests;
    }

    @TestFactory
    List<DynamicTest> everyAnswerIsReadWhateverTheProviderHasAdded() {
        Set<Class<?>> answers = new HashSet<>();
        for (Class<?> service : services) {
            for (Method method : service.getDeclaredMethods()) {
                if (method.getReturnType().isRecord()) {
                    answers.add(method.getReturnType());
                }
            }
        }
        assertTrue(answers.size() > 120, () -> answers.size() + " answers");
        return answers.stream()
                .map(answer -> DynamicTest.dynamicTest(answer.getName(), () -> {
                    Object whole = filled(answer);
                    byte[] more = Json.write(surplus(Json.MAPPER.valueToTree(whole)));
                    assertEquals(whole, Json.read(more, answer));
                }))
                .toList();
    }

    @Test
    void aValueThatTheProviderHasAddedIsKept() {
        assertEquals(
                "NEW", parsed("{\"trade_state\":\"NEW\"}", Transaction.class).tradeState());
        assertEquals(
                "NEW",
                parsed("{\"state\":\"NEW\",\"added\":{}}", Transfer.class).state());
    }

    @TestFactory
    List<DynamicTest> aNotificationsPlaintextIsRead() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode events : read("overlay/wechat-v3-notifications.json").get("notifications")) {
            for (JsonNode notification : events.get("notifications")) {
                String model = "io.payseal.wechat." + events.get("family").asText() + "."
                        + notification.get("plaintext").asText();
                tests.add(DynamicTest.dynamicTest(notification.get("events") + " " + model, () -> {
                    Class<?> plaintext = Class.forName(model);
                    Object whole = filled(plaintext);
                    byte[] more = Json.write(surplus(Json.MAPPER.valueToTree(whole)));
                    assertEquals(whole, Json.read(more, plaintext));
                }));
            }
        }
        return tests;
    }

    private static <T> T parsed(String json, Class<T> type) {
        return Json.read(json.getBytes(StandardCharsets.UTF_8), type);
    }

    static JsonNode read(String file) throws IOException {
        return Json.MAPPER.readTree(Files.readAllBytes(CATALOGUE.resolve(file)));
    }

    /** The overload with the most parameters, of the service whose source calls the operation. */
    private Method method(String operation, String id) {
        String[] words = id.split("_");
        StringBuilder camel = new StringBuilder(words[0]);
        for (String word : Arrays.asList(words).subList(1, words.length)) {
            camel.append(word.substring(0, 1).toUpperCase()).append(word.substring(1));
        }
        String family = family(operation);
        return services.stream()
                .filter(service -> service.getPackageName().endsWith("." + family))
                .flatMap(service -> Arrays.stream(service.getDeclaredMethods()))
                .filter(method -> method.getName().equals(camel.toString())
                        || method.getName().equalsIgnoreCase(camel + family))
                .max((one, other) -> Integer.compare(one.getParameterCount(), other.getParameterCount()))
                .orElseThrow(() -> new AssertionError(operation + " is not in " + family));
    }

    /** The family whose beginning of a path is the longest that fits. */
    private static String family(String operation) {
        String path = operation.substring(operation.indexOf(' ') + 1);
        String best = "";
        int length = 0;
        try {
            for (JsonNode family : read("overlay/wechat-v3-families.json").get("families")) {
                for (JsonNode beginning : family.get("paths")) {
                    String text = beginning.asText();
                    if (path.startsWith(text) && text.length() > length) {
                        length = text.length();
                        best = family.get("name").asText();
                    }
                }
            }
        } catch (IOException failure) {
            throw new AssertionError(failure);
        }
        return best;
    }

    /** A record with every component set. */
    static Object filled(Class<?> record) throws ReflectiveOperationException {
        RecordComponent[] components = record.getRecordComponents();
        Class<?>[] types = new Class<?>[components.length];
        Object[] values = new Object[components.length];
        for (int i = 0; i < components.length; i++) {
            types[i] = components[i].getType();
            values[i] = sample(components[i].getGenericType());
        }
        Constructor<?> constructor = record.getDeclaredConstructor(types);
        return constructor.newInstance(values);
    }

    private static Object sample(Type type) throws ReflectiveOperationException {
        if (type instanceof ParameterizedType list) {
            return List.of(sample(list.getActualTypeArguments()[0]));
        }
        if (type == String.class) {
            return "text";
        }
        if (type == Long.class || type == long.class) {
            return 7L;
        }
        if (type == Boolean.class || type == boolean.class) {
            return true;
        }
        if (type == JsonNode.class) {
            return Json.MAPPER.createObjectNode().put(UNKNOWN, "value");
        }
        return filled((Class<?>) type);
    }

    /** The value with a member that nobody knows in every object. */
    static JsonNode surplus(JsonNode value) {
        if (value.isObject() && !value.has(UNKNOWN)) {
            ObjectNode more = Json.MAPPER.createObjectNode();
            value.properties().forEach(member -> more.set(member.getKey(), surplus(member.getValue())));
            more.putObject("new_member").put("of", "the provider");
            return more;
        }
        return value.isArray() ? Json.MAPPER.createArrayNode().add(surplus(value.get(0))) : value;
    }

    static void places(JsonNode value, String place, Set<String> found) {
        if (value.isArray()) {
            places(value.get(0), place + "[]", found);
            return;
        }
        found.add(place);
        if (value.isObject() && !value.has(UNKNOWN)) {
            value.properties().forEach(member -> places(member.getValue(), place + "." + member.getKey(), found));
        }
    }

    private static void described(JsonNode schema, String place, Set<String> found) {
        if (schema.has("items")) {
            described(schema.get("items"), place + "[]", found);
            return;
        }
        found.add(place);
        schema.path("properties").properties().forEach(member -> {
            described(member.getValue(), place + "." + member.getKey(), found);
        });
    }
}
