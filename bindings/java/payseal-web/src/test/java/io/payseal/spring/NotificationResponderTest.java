package io.payseal.spring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.payseal.CallOptions;
import io.payseal.Notification;
import io.payseal.NotificationHandler;
import io.payseal.PaysealClient;
import io.payseal.servlet.NotificationEndpoint;
import io.payseal.testing.Platform;
import io.payseal.web.Container;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.RequestEntity;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.context.support.AnnotationConfigWebApplicationContext;
import org.springframework.web.servlet.DispatcherServlet;
import org.springframework.web.servlet.config.annotation.EnableWebMvc;

/** Spring MVC in a real container: a controller with entities, and one with the servlet's request and response. */
class NotificationResponderTest {
    private static final Platform PLATFORM = new Platform();

    @RestController
    @EnableWebMvc
    static class Controller {
        private final NotificationResponder responder;
        private final NotificationEndpoint endpoint;

        Controller(NotificationResponder responder, NotificationEndpoint endpoint) {
            this.responder = responder;
            this.endpoint = endpoint;
        }

        @PostMapping("/entity")
        ResponseEntity<byte[]> entity(RequestEntity<byte[]> request) {
            return responder.answer(request);
        }

        @PostMapping("/servlet")
        void servlet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            endpoint.handle(request, response);
        }

        @PostMapping("/entity/{fen}")
        ResponseEntity<byte[]> entity(RequestEntity<byte[]> request, @PathVariable("fen") long fen) {
            return responder.answer(request, costs(fen));
        }

        @PostMapping("/servlet/{fen}")
        void servlet(HttpServletRequest request, HttpServletResponse response, @PathVariable("fen") long fen)
                throws IOException {
            endpoint.handle(request, response, costs(fen));
        }

        private static CallOptions costs(long fen) {
            return CallOptions.builder().expect("amount.total", fen).build();
        }
    }

    private static Container container(PaysealClient client, NotificationHandler handler) {
        AnnotationConfigWebApplicationContext context = new AnnotationConfigWebApplicationContext();
        context.addBeanFactoryPostProcessor(beans -> {
            beans.registerSingleton("responder", new NotificationResponder(client, handler));
            beans.registerSingleton("endpoint", new NotificationEndpoint(client, handler));
        });
        context.register(Controller.class);
        return new Container(new DispatcherServlet(context));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/entity", "/servlet"})
    void a_genuine_notification_reaches_the_handler_and_is_acknowledged(String path) {
        BlockingQueue<Notification> seen = new LinkedBlockingQueue<>();
        byte[] body = PLATFORM.paid("SPRING2026");
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build());
                Container container = container(client, seen::add)) {
            int status = container.post(path, PLATFORM.signed(body), body).statusCode();
            assertTrue(status == 200 || status == 204, () -> "answered " + status);
            assertEquals(
                    "SPRING2026",
                    seen.remove().as(JsonNode.class).path("out_trade_no").asText());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/entity", "/servlet"})
    void a_forged_notification_is_refused_and_reaches_nobody(String path) {
        byte[] body = PLATFORM.paid("SPRING2026");
        Map<String, List<String>> twice = PLATFORM.signed(body);
        twice.get("Wechatpay-Signature").add("AAAA");
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build());
                Container container = container(client, notification -> {
                    throw new AssertionError("called");
                })) {
            HttpResponse<String> unsigned =
                    container.post(path, Map.of("Content-Type", List.of("application/json")), body);
            assertEquals(401, unsigned.statusCode());
            assertTrue(unsigned.body().contains("\"FAIL\""), unsigned.body());
            assertEquals(400, container.post(path, twice, body).statusCode());
            assertEquals(
                    401,
                    container
                            .post(path, Map.of("Content-Type", List.of("application/json")), new byte[0])
                            .statusCode());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/entity", "/servlet"})
    void a_handler_that_fails_makes_the_provider_repeat(String path) {
        byte[] body = PLATFORM.paid("SPRING2026");
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build());
                Container container = container(client, notification -> {
                    throw new IllegalStateException("the database is away");
                })) {
            HttpResponse<String> answer = container.post(path, PLATFORM.signed(body), body);
            assertEquals(500, answer.statusCode());
            assertTrue(answer.body().contains("\"FAIL\""), answer.body());
            assertFalse(answer.body().contains("database"), answer.body());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/entity", "/servlet"})
    void a_notification_that_says_something_else_than_expected_reaches_nobody(String path) {
        BlockingQueue<Notification> seen = new LinkedBlockingQueue<>();
        byte[] body = PLATFORM.paid("SPRING2026");
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build());
                Container container = container(client, seen::add)) {
            int other = container.post(path + "/2", PLATFORM.signed(body), body).statusCode();
            assertTrue(other >= 400, () -> "answered " + other);
            assertTrue(seen.isEmpty());
            int same = container.post(path + "/1", PLATFORM.signed(body), body).statusCode();
            assertTrue(same == 200 || same == 204, () -> "answered " + same);
            assertEquals(1, seen.size());
        }
    }

    @Test
    void a_handler_that_is_interrupted_makes_the_provider_repeat_and_the_interrupt_stays_set() {
        byte[] body = PLATFORM.paid("SPRING2026");
        HttpHeaders headers = new HttpHeaders();
        PLATFORM.signed(body).forEach(headers::addAll);
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build())) {
            NotificationResponder responder = new NotificationResponder(client, notification -> {
                throw new InterruptedException("stop");
            });
            ResponseEntity<byte[]> answer =
                    responder.answer(new RequestEntity<>(body, headers, HttpMethod.POST, URI.create("/entity")));
            assertTrue(Thread.interrupted(), "the interrupt was lost");
            assertEquals(500, answer.getStatusCode().value());
        }
    }
}
