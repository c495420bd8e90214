package io.payseal.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.payseal.Configuration;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * A merchant and its provider, played with the Java Cryptography Architecture: an oracle that shares no code with payseal. Keys
 * are made anew in every run.
 */
public final class Platform {
    public static final String MCHID = "1900000109";
    public static final String SERIAL = "0C4AEF3425D5B0E1B7E9AA6F4A86D5C8B2D66E10";
    public static final String APIV3_KEY = "j8Kd72hsPqz0wX5vRb3nTy6mLc9fGa1e";
    public static final String KEY_ID = "PUB_KEY_ID_0119000001092026010100000001";

    private static final ObjectMapper JSON = new ObjectMapper();

    public final KeyPair merchant = rsa(2048);
    public final KeyPair platform = rsa(2048);

    public static KeyPair rsa(int bits) {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
            generator.initialize(bits);
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    public static String pem(String kind, Key key) {
        return "-----BEGIN " + kind + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(key.getEncoded())
                + "\n-----END " + kind + "-----\n";
    }

    public String privateKeyPem() {
        return pem("PRIVATE KEY", merchant.getPrivate());
    }

    /** Everything but hosts and what a test is about. */
    public Configuration.Builder configuration() {
        return configurationWithoutPrivateKey().privateKey(privateKeyPem());
    }

    public Configuration.Builder configurationWithoutPrivateKey() {
        return Configuration.wechat()
                .mchid(MCHID)
                .merchantSerial(SERIAL)
                .apiv3Key(APIV3_KEY)
                .appid("wx0000000000000001")
                .platformPublicKeys(Map.of(KEY_ID, pem("PUBLIC KEY", platform.getPublic())));
    }

    /** The headers of an answer or a notification with this body, signed now. */
    public Map<String, List<String>> signed(byte[] body) {
        return signed(body, Instant.now().getEpochSecond());
    }

    public Map<String, List<String>> signed(byte[] body, long timestamp) {
        return signed(body, Long.toString(timestamp));
    }

    /** Signed with the time in this form. */
    public Map<String, List<String>> signed(byte[] body, String timestamp) {
        String nonce = UUID.randomUUID().toString().replace("-", "");
        byte[] head = (timestamp + "\n" + nonce + "\n").getBytes(StandardCharsets.UTF_8);
        Map<String, List<String>> headers = new LinkedHashMap<>();
        headers.put("Content-Type", list("application/json"));
        headers.put("Wechatpay-Timestamp", list(timestamp));
        headers.put("Wechatpay-Nonce", list(nonce));
        headers.put("Wechatpay-Serial", list(KEY_ID));
        headers.put("Wechatpay-Signature", list(Base64.getEncoder().encodeToString(sign(head, body))));
        return headers;
    }

    private static List<String> list(String value) {
        return new ArrayList<>(List.of(value));
    }

    private byte[] sign(byte[] head, byte[] body) {
        try {
            Signature signature = Signature.getInstance("SHA256withRSA");
            signature.initSign(platform.getPrivate());
            signature.update(head);
            signature.update(body);
            signature.update((byte) '\n');
            return signature.sign();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The body of a notification about this resource. */
    public byte[] notification(String eventType, JsonNode resource) {
        String nonce = UUID.randomUUID().toString().substring(0, 12);
        ObjectNode body = JSON.createObjectNode();
        body.put("id", UUID.randomUUID().toString());
        body.put("create_time", "2026-01-02T03:04:05+08:00");
        body.put("event_type", eventType);
        body.put("resource_type", "encrypt-resource");
        body.put("summary", "支付成功");
        body.putObject("resource")
                .put("original_type", "transaction")
                .put("algorithm", "AEAD_AES_256_GCM")
                .put("ciphertext", seal(nonce, "transaction", resource.toString()))
                .put("nonce", nonce)
                .put("associated_data", "transaction");
        return body.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** A payment of one fen. */
    public byte[] paid(String outTradeNo) {
        ObjectNode transaction = JSON.createObjectNode();
        transaction.put("mchid", MCHID).put("appid", "wx0000000000000001").put("out_trade_no", outTradeNo);
        transaction.put("transaction_id", "4200000000202601020000000001").put("trade_state", "SUCCESS");
        transaction.put("success_time", "2026-01-02T03:04:05+08:00");
        transaction.putObject("amount").put("total", 1).put("currency", "CNY");
        return notification("TRANSACTION.SUCCESS", transaction);
    }

    private static String seal(String nonce, String associatedData, String plaintext) {
        try {
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(
                    Cipher.ENCRYPT_MODE,
                    new SecretKeySpec(APIV3_KEY.getBytes(StandardCharsets.UTF_8), "AES"),
                    new GCMParameterSpec(128, nonce.getBytes(StandardCharsets.UTF_8)));
            cipher.updateAAD(associatedData.getBytes(StandardCharsets.UTF_8));
            return Base64.getEncoder().encodeToString(cipher.doFinal(plaintext.getBytes(StandardCharsets.UTF_8)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
