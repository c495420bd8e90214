package io.payseal.spring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.payseal.CallOptions;
import io.payseal.PaysealClient;
import io.payseal.payments.Event;
import io.payseal.payments.Payments;
import io.payseal.payments.PaymentsConfiguration;
import io.payseal.servlet.AcceptEndpoint;
import io.payseal.testing.Platform;
import io.payseal.web.Container;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.http.RequestEntity;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.context.support.AnnotationConfigWebApplicationContext;
import org.springframework.web.servlet.DispatcherServlet;
import org.springframework.web.servlet.config.annotation.EnableWebMvc;

/** Notifications into payments, in a real container: by a controller with entities, and by one with the servlet's request and response. */
class AcceptTest {
    private static final Platform PLATFORM = new Platform();

    @TempDir
    Path folder;

    @RestController
    @EnableWebMvc
    static class Controller {
        private final AcceptResponder responder;
        private final AcceptEndpoint endpoint;

        Controller(AcceptResponder responder, AcceptEndpoint endpoint) {
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

        @PostMapping("/entity/two")
        ResponseEntity<byte[]> costs(RequestEntity<byte[]> request) {
            return responder.answer(request, costsTwo());
        }

        @PostMapping("/servlet/two")
        void costs(HttpServletRequest request, HttpServletResponse response) throws IOException {
            endpoint.handle(request, response, costsTwo());
        }

        private static CallOptions costsTwo() {
            return CallOptions.builder().expect("amount.total", 2).build();
        }
    }

    private static Container container(Payments payments) {
        AnnotationConfigWebApplicationContext context = new AnnotationConfigWebApplicationContext();
        context.addBeanFactoryPostProcessor(beans -> {
            beans.registerSingleton("responder", new AcceptResponder(payments));
            beans.registerSingleton("endpoint", new AcceptEndpoint(payments, "wechat"));
        });
        context.register(Controller.class);
        return new Container(new DispatcherServlet(context));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/entity", "/servlet"})
    void what_is_genuine_is_stored_before_it_is_answered_with_success(String path) {
        byte[] body = PLATFORM.paid("SPRING2026");
        PaymentsConfiguration configuration = PaymentsConfiguration.builder("sqlite:" + folder.resolve("pay.db"))
                .build();
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build());
                Payments payments = Payments.builder(configuration)
                        .account("wechat", client)
                        .build();
                Container container = container(payments)) {
            for (int time = 0; time < 2; time++) {
                HttpResponse<String> answer = container.post(path, PLATFORM.signed(body), body);
                assertEquals(200, answer.statusCode());
                assertTrue(answer.body().contains("SUCCESS"), answer.body());
            }
            List<Event> events = payments.claimEvents(10);
            assertEquals(1, events.size());
            assertEquals("SPRING2026", events.get(0).orderNo());

            byte[] forged = Arrays.copyOf(body, body.length - 1);
            assertEquals(
                    401, container.post(path, PLATFORM.signed(body), forged).statusCode());
            assertEquals(401, container.post(path, Map.of(), new byte[0]).statusCode());
            assertTrue(
                    container.post(path + "/two", PLATFORM.signed(body), body).statusCode() >= 400);
            assertEquals(1, payments.stats().inbox().waiting());
        }
    }
}
