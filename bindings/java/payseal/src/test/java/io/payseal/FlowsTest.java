package io.payseal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.payseal.testing.Platform;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Flows that wait, whose requests this test answers, and QR codes. */
class FlowsTest {
    private static final Platform PLATFORM = new Platform();

    private static FlowParams quick(int looks) {
        return FlowParams.builder()
                .path("out_trade_no", "ORDER0001")
                .schedule(Collections.nCopies(looks, Duration.ofMillis(1)))
                .build();
    }

    private static Result answered(PaysealClient client, FlowParams params, String... states) throws Exception {
        Iterator<String> left = Arrays.asList(states).iterator();
        try (Call<Result> call = client.newFlowCall("await_payment", params)) {
            while (true) {
                Step step = call.step();
                if (step instanceof Step.Wait wait) {
                    Thread.sleep(wait.delay().toMillis());
                } else if (step instanceof Step.Send) {
                    byte[] body = ("{\"out_trade_no\":\"ORDER0001\",\"trade_state\":\"" + left.next() + "\"}")
                            .getBytes(StandardCharsets.UTF_8);
                    call.respond(200, PLATFORM.signed(body), body);
                } else {
                    return call.result();
                }
            }
        }
    }

    @Test
    void a_payment_is_waited_for_until_its_state_is_final() throws Exception {
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build())) {
            Result result = answered(client, quick(3), "NOTPAY", "USERPAYING", "SUCCESS");
            assertTrue(result.isFinal());
            assertEquals(3, result.info().polls());
            assertEquals("SUCCESS", result.as(JsonNode.class).get("trade_state").asText());
        }
    }

    @Test
    void when_the_looks_are_used_up_the_last_state_is_not_final() throws Exception {
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build())) {
            assertFalse(answered(client, quick(2), "NOTPAY", "NOTPAY").isFinal());
        }
    }

    @Test
    void a_future_that_is_cancelled_ends_the_waiting() {
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build())) {
            FlowParams patient = FlowParams.builder()
                    .path("out_trade_no", "ORDER0001")
                    .schedule(List.of(Duration.ofHours(1)))
                    .build();
            CompletableFuture<Result> waiting = client.runAsync("await_payment", patient);
            assertTrue(waiting.cancel(true));
        }
    }

    @Test
    void a_flow_that_does_not_exist_is_refused() {
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build())) {
            PaysealException refused = assertThrows(
                    PaysealException.class,
                    () -> client.run("await_nothing", FlowParams.builder().build()));
            assertEquals(ErrorCode.UNKNOWN_OPERATION, refused.code());
        }
    }

    @Test
    void a_qr_code_is_an_image() {
        QrCode code = QrCode.of("weixin://wxpay/bizpayurl?pr=p4lpSuKzz").colours("#1aad19", "#ffffff");
        assertArrayEquals(new byte[] {(byte) 0x89, 'P', 'N', 'G'}, Arrays.copyOf(code.png(), 4));
        assertTrue(code.svg().contains("#1aad19"));
        assertThrows(ArgumentException.class, () -> code.scale(0).png());
    }
}
