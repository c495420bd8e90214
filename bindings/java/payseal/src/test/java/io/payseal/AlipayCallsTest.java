package io.payseal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.payseal.alipay.merchant.MerchantService;
import io.payseal.alipay.trade.AppPayRequest;
import io.payseal.alipay.trade.PagePayRequest;
import io.payseal.alipay.trade.PrecreateRequest;
import io.payseal.alipay.trade.PrecreateResponse;
import io.payseal.alipay.trade.TradeService;
import io.payseal.alipay.user.GrantType;
import io.payseal.alipay.user.OauthTokenResponse;
import io.payseal.alipay.user.UserService;
import io.payseal.testing.Loopback;
import io.payseal.testing.Platform;
import java.io.IOException;
import java.net.Socket;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.Signature;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Typed operations of Alipay all the way to a gateway and back, which checks and signs with the JDK's own crypto. */
class AlipayCallsTest {
    private static final KeyPair APP = Platform.rsa(2048);
    private static final KeyPair ALIPAY = Platform.rsa(2048);
    private static final String NOTIFY_URL = "https://shop.example/notify";

    private final ObjectNode answer = Json.MAPPER.createObjectNode().put("code", "10000");
    private final Loopback gateway = new Loopback(this::answer);
    private final PaysealClient client = PaysealClient.of(Configuration.alipay()
            .appId("2021000000000001")
            .privateKey(Base64.getEncoder().encodeToString(APP.getPrivate().getEncoded()))
            .alipayPublicKey(Platform.pem("PUBLIC KEY", ALIPAY.getPublic()))
            .notifyUrl(NOTIFY_URL)
            .hosts(List.of(gateway.address()))
            .build());

    @AfterEach
    void stop() {
        client.close();
        gateway.close();
    }

    private void answer(Loopback.Request request, Socket connection) throws IOException, GeneralSecurityException {
        String method = fields(request).get("method");
        byte[] content = Json.write(answer);
        String body = "{\"" + method.replace('.', '_') + "_response\":" + new String(content, StandardCharsets.UTF_8)
                + ",\"sign\":\"" + signed(content) + "\"}";
        Map<String, List<String>> headers = Map.of("Content-Type", List.of("text/html;charset=utf-8"));
        Loopback.respond(connection, 200, headers, body.getBytes(StandardCharsets.UTF_8));
    }

    private static String signed(byte[] content) throws GeneralSecurityException {
        Signature signature = Signature.getInstance("SHA256withRSA");
        signature.initSign(ALIPAY.getPrivate());
        signature.update(content);
        return Base64.getEncoder().encodeToString(signature.sign());
    }

    /** What stands in the address and in the form; a file is not among it. */
    private static Map<String, String> fields(Loopback.Request request) {
        String query = request.target().substring(request.target().indexOf('?') + 1);
        boolean form = request.header("Content-Type").startsWith("application/x-www-form-urlencoded");
        return parsed(form ? query + "&" + new String(request.body(), StandardCharsets.UTF_8) : query);
    }

    private static Map<String, String> parsed(String form) {
        Map<String, String> fields = new TreeMap<>();
        for (String pair : form.split("&")) {
            if (!pair.isEmpty()) {
                String[] parts = pair.split("=", 2);
                fields.put(parts[0], URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
            }
        }
        return fields;
    }

    /** The fields, once the app's signature over them has been found good. */
    private static Map<String, String> checked(Map<String, String> fields) throws GeneralSecurityException {
        byte[] signature = Base64.getDecoder().decode(fields.remove("sign"));
        String canonical = fields.entrySet().stream()
                .filter(field -> !field.getValue().isEmpty())
                .map(field -> field.getKey() + "=" + field.getValue())
                .collect(Collectors.joining("&"));
        Signature verifier = Signature.getInstance("SHA256withRSA");
        verifier.initVerify(APP.getPublic());
        verifier.update(canonical.getBytes(StandardCharsets.UTF_8));
        assertTrue(verifier.verify(signature), canonical);
        return fields;
    }

    private Map<String, String> lastFields() throws GeneralSecurityException {
        return checked(fields(gateway.requests.get(gateway.requests.size() - 1)));
    }

    private static PrecreateRequest order(String amount) {
        return PrecreateRequest.builder()
                .outTradeNo("T1")
                .totalAmount(amount)
                .subject("一杯茶 & 🧸")
                .build();
    }

    @Test
    void anOrderIsSignedAndItsAnswerRead() throws Exception {
        answer.put("out_trade_no", "T1").put("qr_code", "https://qr.alipay.com/bax");
        TradeService trade = new TradeService(client);
        PrecreateResponse ordered = trade.precreate(order("88.88"));
        assertEquals("https://qr.alipay.com/bax", ordered.qrCode());
        Map<String, String> fields = lastFields();
        assertEquals("alipay.trade.precreate", fields.get("method"));
        assertEquals(NOTIFY_URL, fields.get("notify_url"));
        assertFalse(fields.containsKey("app_auth_token"));
        JsonNode content = Json.MAPPER.readTree(fields.get("biz_content"));
        assertEquals(
                Json.MAPPER.readTree("{\"out_trade_no\":\"T1\",\"total_amount\":\"88.88\",\"subject\":\"一杯茶 & 🧸\"}"),
                content);

        trade.precreate(order("88.88"), "https://shop.example/other", "another's", null);
        fields = lastFields();
        assertEquals("https://shop.example/other", fields.get("notify_url"));
        assertEquals("another's", fields.get("app_auth_token"));
    }

    @Test
    void anAmountThatIsNoneNeverLeaves() {
        TradeService trade = new TradeService(client);
        for (String wrong : List.of("0", "1.234", "1e2", "88,88", "")) {
            ArgumentException refused = assertThrows(ArgumentException.class, () -> trade.precreate(order(wrong)));
            assertEquals("body.total_amount", refused.details().field());
        }
        assertTrue(gateway.requests.isEmpty());
    }

    @Test
    void parametersThatAreNotInBizContentAndFilesHaveTheirPlace() throws Exception {
        answer.put("access_token", "a").put("expires_in", 3600);
        OauthTokenResponse token =
                new UserService(client).oauthToken(GrantType.AUTHORIZATION_CODE, "c", null, null, null);
        assertEquals("a", token.accessToken());
        assertEquals(3600L, token.expiresIn());
        Map<String, String> fields = lastFields();
        assertEquals("c", fields.get("code"));
        assertFalse(fields.containsKey("biz_content"));

        answer.put("material_id", "M1");
        byte[] file = {(byte) 0x89, 'P', 'N', 'G'};
        assertEquals(
                "M1",
                new MerchantService(client)
                        .uploadFile("tea.png", file, "SYNC_ORDER")
                        .materialId());
        byte[] body = gateway.requests.get(gateway.requests.size() - 1).body();
        String text = new String(body, StandardCharsets.ISO_8859_1);
        assertTrue(text.contains("name=\"file_content\"; filename=\"tea.png\"") && text.contains("\u0089PNG"), text);
    }

    @Test
    void pagesAndOrderStringsAreSignedAndNothingIsSent() throws Exception {
        TradeService trade = new TradeService(client);
        PagePayRequest page = PagePayRequest.builder()
                .outTradeNo("T1")
                .totalAmount("1")
                .subject("茶")
                .productCode("FAST_INSTANT_TRADE_PAY")
                .build();
        String address = trade.pagePayUrl(page, null, "https://shop.example/back", null);
        assertTrue(address.startsWith(gateway.address() + "/gateway.do?"), address);
        Map<String, String> fields = checked(parsed(address.substring(address.indexOf('?') + 1)));
        assertEquals("alipay.trade.page.pay", fields.get("method"));
        assertEquals("https://shop.example/back", fields.get("return_url"));
        assertTrue(trade.pagePayForm(page).startsWith("<form"));

        AppPayRequest order = AppPayRequest.builder()
                .outTradeNo("T1")
                .totalAmount("1")
                .subject("茶")
                .build();
        String text = trade.appPayOrderString(order);
        assertEquals("alipay.trade.app.pay", checked(parsed(text)).get("method"));
        assertTrue(gateway.requests.isEmpty());
    }
}
