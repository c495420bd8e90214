package io.payseal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpServer;
import io.payseal.testing.Merchant;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every known event of every family, told by the sandbox and opened into its model. */
class EventsTest {
    private static final Path CATALOGUE = Path.of("../../../catalogue");
    private static final Merchant MERCHANT = Merchant.ofEachScheme().findFirst().orElseThrow();
    private static final BlockingQueue<Notification> HEARD = new LinkedBlockingQueue<>();

    private static HttpServer shop;

    @BeforeAll
    static void open() throws IOException {
        shop = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        shop.createContext("/notify", exchange -> {
            byte[] body = exchange.getRequestBody().readAllBytes();
            Answer answer = MERCHANT.client().answerNotification(exchange.getRequestHeaders(), body, HEARD::add);
            exchange.sendResponseHeaders(answer.reply().status(), -1);
            exchange.close();
        });
        shop.start();
    }

    @AfterAll
    static void close() {
        shop.stop(0);
    }

    /** Family, event and the name of the plaintext's model, as the catalogue says: none is left out. */
    static List<Arguments> known() throws IOException {
        List<Arguments> known = new ArrayList<>();
        for (JsonNode family : read("overlay/wechat-v3-notifications.json").get("notifications")) {
            add(family.get("family").asText(), family, known);
        }
        for (JsonNode family : read("wechat-v3.json").get("families")) {
            add(family.get("name").asText(), family, known);
        }
        return known;
    }

    private static void add(String name, JsonNode family, List<Arguments> known) {
        for (JsonNode notification : family.path("notifications")) {
            for (JsonNode event : notification.get("events")) {
                known.add(Arguments.of(
                        name, event.asText(), notification.get("plaintext").asText()));
            }
        }
    }

    private static JsonNode read(String file) throws IOException {
        return Json.MAPPER.readTree(Files.readAllBytes(CATALOGUE.resolve(file)));
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("known")
    void anEventIsOpenedIntoTheModelOfItsFamily(String family, String event, String plaintext)
            throws ReflectiveOperationException, InterruptedException {
        Class<?> model = Class.forName("io.payseal.wechat." + family + "." + plaintext);
        Object whole = ModelsTest.filled(model);
        String notifyUrl = "http://127.0.0.1:" + shop.getAddress().getPort() + "/notify";
        MERCHANT.sandbox().tell(event, notifyUrl, Json.MAPPER.valueToTree(whole));
        Notification notification = HEARD.poll(30, TimeUnit.SECONDS);
        assertNotNull(notification, "no notification arrived");
        assertEquals(event, notification.event().eventType());
        assertEquals(whole, notification.as(model));
    }
}
