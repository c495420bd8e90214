package io.payseal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.payseal.alipay.fund.Participant;
import io.payseal.alipay.trade.PayRequest;
import io.payseal.alipay.trade.PrecreateRequest;
import io.payseal.alipay.trade.TradeNotification;
import io.payseal.alipay.trade.TradeStatus;
import io.payseal.alipay.user.OauthTokenResponse;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The models of Alipay, held against the catalogue: what is sent has the provider's names, what comes back is read. */
class AlipayModelsTest {
    private final JsonNode catalogue = ModelsTest.read("alipay.json");

    AlipayModelsTest() throws IOException {}

    @TestFactory
    List<DynamicTest> everyOperationIsAMethodWithTheProvidersNames() {
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode family : catalogue.get("families")) {
            for (JsonNode operation : family.get("operations")) {
                tests.add(DynamicTest.dynamicTest(operation.get("name").asText(), () -> isAMethod(family, operation)));
            }
        }
        assertEquals(40, tests.size());
        return tests;
    }

    private void isAMethod(JsonNode family, JsonNode operation) throws ReflectiveOperationException {
        String name = camel(operation.get("id").asText());
        List<String> names = new ArrayList<>();
        operation.path("makes").forEach(make -> names.add(name + pascal(make.asText())));
        if (names.isEmpty()) {
            names.add(name);
        }
        for (String wanted : names) {
            Method method = longest(family, wanted);
            Class<?> answer = method.getReturnType();
            if (operation.has("makes")) {
                assertEquals(String.class, answer);
            } else if (operation.has("answer")) {
                assertEquals(operation.get("answer").asText(), answer.getSimpleName());
                assertAllIsRead(answer);
            }
            long texts = Arrays.stream(method.getParameterTypes())
                    .filter(type -> type == String.class)
                    .count();
            long parameters = operation.path("query").size() + typedCommon() + (operation.has("file") ? 1 : 0);
            assertEquals(parameters, texts, "query parameters of " + wanted);
            if (operation.has("body")) {
                Class<?> request = Arrays.stream(method.getParameterTypes())
                        .filter(Class::isRecord)
                        .findFirst()
                        .orElseThrow();
                assertEquals(operation.get("body").asText(), request.getSimpleName());
                Set<String> ours = new TreeSet<>();
                ModelsTest.places(Json.MAPPER.valueToTree(ModelsTest.filled(request)), "", ours);
                Set<String> theirs = new TreeSet<>();
                described(family, named(family, operation.get("body").asText()), "", theirs);
                assertEquals(theirs, ours);
            }
        }
    }

    private long typedCommon() {
        long typed = 0;
        for (JsonNode parameter : catalogue.get("common")) {
            typed += parameter.has("untyped") ? 0 : 1;
        }
        return typed;
    }

    private static Method longest(JsonNode family, String name) throws ClassNotFoundException {
        String service = pascal(family.get("name").asText()) + "Service";
        Class<?> found = Class.forName("io.payseal.alipay." + family.get("name").asText() + "." + service);
        return Arrays.stream(found.getDeclaredMethods())
                .filter(method -> method.getName().equals(name))
                .max((one, other) -> Integer.compare(one.getParameterCount(), other.getParameterCount()))
                .orElseThrow(() -> new AssertionError(name + " is not in " + service));
    }

    @TestFactory
    List<DynamicTest> aNotificationsPlaintextIsReadAndAllOfItIsText() {
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode family : catalogue.get("families")) {
            for (JsonNode notification : family.path("notifications")) {
                String model = "io.payseal.alipay." + family.get("name").asText() + "."
                        + notification.get("plaintext").asText();
                tests.add(DynamicTest.dynamicTest(notification.get("events") + " " + model, () -> {
                    Class<?> plaintext = Class.forName(model);
                    assertAllIsRead(plaintext);
                    assertTrue(Arrays.stream(plaintext.getRecordComponents())
                            .allMatch(component -> component.getType() == String.class));
                }));
            }
        }
        assertEquals(6, tests.size());
        return tests;
    }

    private static void assertAllIsRead(Class<?> type) throws ReflectiveOperationException {
        Object whole = ModelsTest.filled(type);
        byte[] more = Json.write(ModelsTest.surplus(Json.MAPPER.valueToTree(whole)));
        assertEquals(whole, Json.read(more, type));
    }

    @Test
    void whatIsNotGivenIsNotAsked() {
        PrecreateRequest request = PrecreateRequest.builder()
                .outTradeNo("T1")
                .totalAmount("0.01")
                .subject("茶")
                .build();
        Params params = Params.builder().query("notify_url", null).body(request).build();
        assertEquals(
                "{\"body\":{\"out_trade_no\":\"T1\",\"total_amount\":\"0.01\",\"subject\":\"茶\"}}",
                new String(params.json(), StandardCharsets.UTF_8));
        assertEquals(
                "{\"query\":{\"return_url\":\"https://shop.example/\"},\"operation\":\"alipay.trade.page.pay\"}",
                new String(
                        Params.builder()
                                .query("return_url", "https://shop.example/")
                                .build()
                                .json("alipay.trade.page.pay"),
                        StandardCharsets.UTF_8));
    }

    @Test
    void aPaidTradeIsRead() {
        byte[] plaintext = "{\"trade_status\":\"TRADE_SUCCESS\",\"total_amount\":\"88.88\",\"new\":\"1\"}"
                .getBytes(StandardCharsets.UTF_8);
        TradeNotification paid = Json.read(plaintext, TradeNotification.class);
        assertEquals(TradeStatus.TRADE_SUCCESS, paid.tradeStatus());
        assertEquals("88.88", paid.totalAmount());
    }

    @Test
    void nobodyElsesBusinessIsNotPrinted() {
        String printed = PayRequest.builder().authCode("SECRET").build()
                + "" + Participant.builder().certNo("SECRET").build()
                + Json.read("{\"access_token\":\"SECRET\"}".getBytes(StandardCharsets.UTF_8), OauthTokenResponse.class);
        assertFalse(printed.contains("SECRET"), printed);
    }

    private static void described(JsonNode family, JsonNode schema, String place, Set<String> found) {
        if (schema.has("items")) {
            described(family, schema.get("items"), place + "[]", found);
            return;
        }
        JsonNode whole = schema.has("ref") ? named(family, schema.get("ref").asText()) : schema;
        found.add(place);
        whole.path("fields")
                .forEach(field ->
                        described(family, field, place + "." + field.get("name").asText(), found));
    }

    private static JsonNode named(JsonNode family, String name) {
        for (JsonNode schema : family.get("schemas")) {
            if (schema.get("name").asText().equals(name)) {
                return schema;
            }
        }
        throw new AssertionError(name + " is not described");
    }

    private static String camel(String id) {
        String name = pascal(id);
        return name.substring(0, 1).toLowerCase() + name.substring(1);
    }

    private static String pascal(String id) {
        StringBuilder name = new StringBuilder();
        for (String word : id.split("_")) {
            name.append(word.substring(0, 1).toUpperCase()).append(word.substring(1));
        }
        return name.toString();
    }
}
