package io.payseal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.payseal.testing.Platform;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Many merchants behind one address, why a notification is refused, and what is wrong with a configuration. */
class RouterTest {
    private static final Platform PLATFORM = new Platform();
    private static final byte[] BODY = PLATFORM.paid("ORDER20260102");

    private static PaysealClient other;
    private static PaysealClient first;

    @BeforeAll
    static void open() {
        other = PaysealClient.of(PLATFORM.configuration()
                .apiv3Key("Another3KeyOf32BytesAltogether00")
                .build());
        first = PaysealClient.of(PLATFORM.configuration().build());
    }

    @AfterAll
    static void close() {
        other.close();
        first.close();
    }

    @Test
    void a_notification_goes_to_the_merchant_whose_it_is() {
        NotificationRouter router = new NotificationRouter(List.of(other, first));
        assertSame(first, router.route(PLATFORM.signed(BODY), BODY));
        assertEquals(
                Platform.MCHID,
                router.openNotification(PLATFORM.signed(BODY), BODY).event().merchant());
    }

    @Test
    void a_router_answers_in_a_clients_place() {
        NotificationService router = new NotificationRouter(List.of(other, first));
        List<Notification> opened = new ArrayList<>();
        Answer accepted = router.answerNotification(PLATFORM.signed(BODY), BODY, null, opened::add);
        assertEquals(200, accepted.reply().status());
        assertNull(accepted.error());
        Answer refused = router.answerNotification(
                PLATFORM.signed(BODY), Arrays.copyOf(BODY, BODY.length - 1), null, opened::add);
        assertEquals(401, refused.reply().status());
        assertEquals(1, opened.size());
    }

    @Test
    void what_is_nobodys_is_refused() {
        NotificationRouter strangers = new NotificationRouter(List.of(other));
        TrustException refused = assertThrows(TrustException.class, () -> strangers.route(PLATFORM.signed(BODY), BODY));
        assertEquals(ErrorCode.DECRYPTION_FAILED, refused.code());
        assertThrows(IllegalArgumentException.class, () -> new NotificationRouter(List.of()));
        PaysealClient closed = PaysealClient.of(PLATFORM.configuration().build());
        closed.close();
        NotificationRouter router = new NotificationRouter(List.of(closed));
        PaysealException gone = assertThrows(PaysealException.class, () -> router.route(PLATFORM.signed(BODY), BODY));
        assertEquals(ErrorCode.INVALID_HANDLE, gone.code());
    }

    @Test
    void a_refused_notification_is_explained() {
        assertTrue(first.explainNotification(PLATFORM.signed(BODY), BODY).accepted());
        byte[] longer = Arrays.copyOf(BODY, BODY.length + 1);
        longer[BODY.length] = '\n';
        Explanation explanation = first.explainNotification(PLATFORM.signed(BODY), longer);
        assertFalse(explanation.accepted());
        assertEquals(ErrorCode.SIGNATURE_INVALID.number(), explanation.code());
        assertEquals("body_reencoded", explanation.cause());
        assertEquals(
                "apiv3_key",
                other.explainNotification(PLATFORM.signed(BODY), BODY).cause());
    }

    @Test
    void the_doctor_tells_every_mistake() {
        assertTrue(Doctor.of(PLATFORM.configuration().build()).examine().healthy());
        Configuration ill = PLATFORM.configuration()
                .apiv3Key("short")
                .merchantSerial("PUB_KEY_ID_0")
                .build();
        Doctor.Report report = Doctor.of(ill).examine();
        assertFalse(report.healthy());
        Set<String> problems = report.findings().stream()
                .filter(finding -> finding.status() == Doctor.Status.PROBLEM)
                .map(Doctor.Finding::check)
                .collect(Collectors.toSet());
        assertTrue(problems.containsAll(Set.of("apiv3_key", "merchant_serial")), problems.toString());
        Doctor impatient = Doctor.of(ill).timeout(java.time.Duration.ZERO);
        assertThrows(ArgumentException.class, impatient::examine);
    }
}
