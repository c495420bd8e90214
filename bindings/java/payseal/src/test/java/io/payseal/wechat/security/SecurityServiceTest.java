package io.payseal.wechat.security;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.payseal.testing.EachScheme;
import io.payseal.testing.Merchant;
import java.util.Map;

class SecurityServiceTest {
    @EachScheme
    void bothTextsComeBackAndOneTravelsSealed(Merchant merchant) {
        EchoRequest request = EchoRequest.builder()
                .echoMessage("一杯茶")
                .encryptedEchoMessage("两杯茶")
                .build();
        EchoResponse answer = new SecurityService(merchant.client()).echo(request);
        assertEquals(new EchoResponse("一杯茶", "两杯茶"), answer);
        Map<String, String> places = Map.of("/encrypted_echo_message", "两杯茶");
        merchant.hasSentSealed("POST /v3/security/echo", places);
        merchant.wasAnsweredSealed("POST /v3/security/echo", places);
    }
}
