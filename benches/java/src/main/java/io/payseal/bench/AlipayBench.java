package io.payseal.bench;

import com.alipay.api.AlipayApiException;
import com.alipay.api.AlipayClient;
import com.alipay.api.DefaultAlipayClient;
import com.alipay.api.domain.AlipayTradeAppPayModel;
import com.alipay.api.internal.util.AlipaySignature;
import com.alipay.api.request.AlipayTradeAppPayRequest;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.payseal.Configuration;
import io.payseal.Notification;
import io.payseal.Params;
import io.payseal.PaysealClient;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** What an app's backend does at Alipay: it signs an order for the app, and opens a notification. */
final class AlipayBench {
    private static final String SUBJECT = "Image形象店-深圳腾大-QQ公仔";
    private static final String NUMBER = "1217752501201407033233368018";
    private static final String NOTIFY_URL = "https://shop.example/notify";

    private final PaysealClient client;
    private final AlipayClient peer;
    private final String publicKey;
    private final byte[] notification;

    private AlipayBench(PaysealClient client, AlipayClient peer, String publicKey, byte[] notification) {
        this.client = client;
        this.peer = peer;
        this.publicKey = publicKey;
        this.notification = notification;
    }

    static AlipayBench read(Path folder) throws IOException {
        String text = Files.readString(folder.resolve("alipay.json"));
        JsonNode config = new ObjectMapper().readTree(text);
        String publicKey = config.get("alipay_public_key").asText();
        AlipayClient peer = new DefaultAlipayClient(
                "http://127.0.0.1:1/gateway.do",
                config.get("app_id").asText(),
                config.get("private_key").asText(),
                "json",
                "utf-8",
                publicKey,
                "RSA2");
        byte[] notification = Files.readAllBytes(folder.resolve("alipay-notification.txt"));
        return new AlipayBench(PaysealClient.of(Configuration.fromJson(text)), peer, publicKey, notification);
    }

    void sign() {
        Map<String, String> order = Map.of(
                "out_trade_no", NUMBER,
                "total_amount", "88.88",
                "subject", SUBJECT,
                "product_code", "QUICK_MSECURITY_PAY");
        Params params = Params.builder().query("notify_url", NOTIFY_URL).body(order).build();
        if (client.invoke("order_string", "alipay.trade.app.pay", params).isEmpty()) {
            throw new AssertionError("no order string");
        }
    }

    void signPeer() {
        AlipayTradeAppPayModel order = new AlipayTradeAppPayModel();
        order.setOutTradeNo(NUMBER);
        order.setTotalAmount("88.88");
        order.setSubject(SUBJECT);
        order.setProductCode("QUICK_MSECURITY_PAY");
        AlipayTradeAppPayRequest request = new AlipayTradeAppPayRequest();
        request.setBizModel(order);
        request.setNotifyUrl(NOTIFY_URL);
        try {
            if (peer.sdkExecute(request).getBody().isEmpty()) {
                throw new AssertionError("no order string");
            }
        } catch (AlipayApiException e) {
            throw new AssertionError(e);
        }
    }

    void openNotification() {
        Notification opened = client.openNotification(Map.of(), notification);
        if (!opened.as(Trade.class).status().equals("TRADE_SUCCESS")) {
            throw new AssertionError("another trade");
        }
    }

    /** What a service reads of it. */
    record Trade(@JsonProperty("trade_status") String status) {}

    void openNotificationPeer() {
        Map<String, String> fields = new HashMap<>();
        for (String pair : new String(notification, StandardCharsets.US_ASCII).split("&")) {
            int at = pair.indexOf('=');
            fields.put(pair.substring(0, at), URLDecoder.decode(pair.substring(at + 1), StandardCharsets.UTF_8));
        }
        try {
            boolean genuine = AlipaySignature.rsaCheckV1(fields, publicKey, "utf-8", "RSA2");
            if (!genuine || !fields.get("trade_status").equals("TRADE_SUCCESS")) {
                throw new AssertionError("another trade");
            }
        } catch (AlipayApiException e) {
            throw new AssertionError(e);
        }
    }
}
