package io.payseal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.payseal.testing.Orders;
import io.payseal.testing.Platform;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.MessageDigest;
import java.security.Signature;
import java.security.spec.MGF1ParameterSpec;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/** The Java Cryptography Architecture, which shares no code with payseal, agrees with it. */
class OracleTest {
    private static final Platform PLATFORM = new Platform();
    private static final Pattern MEMBER = Pattern.compile("(\\w+)=\"([^\"]*)\"");
    private static final OAEPParameterSpec OAEP =
            new OAEPParameterSpec("SHA-1", "MGF1", MGF1ParameterSpec.SHA1, PSource.PSpecified.DEFAULT);

    /** Varies from run to run; a failure prints what it was about. */
    private static final Random RANDOM = new Random();

    private static byte[] random(int most) {
        byte[] bytes = new byte[RANDOM.nextInt(most + 1)];
        RANDOM.nextBytes(bytes);
        return bytes;
    }

    private static byte[] privateKey(KeyPair keys) {
        return Platform.pem("PRIVATE KEY", keys.getPrivate()).getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] publicKey(KeyPair keys) {
        return Platform.pem("PUBLIC KEY", keys.getPublic()).getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void the_signature_of_a_request_covers_method_path_query_and_body_as_sent() throws Exception {
        Params params = Params.builder()
                .path("out_trade_no", "A_B-C*1|2")
                .query("mchid", Platform.MCHID)
                .query("note", "空 格&=+/%?")
                .build();
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build());
                Call<Result> query = client.newCall("GET /v3/any/path/{out_trade_no}", params);
                Call<Result> order = client.newCall(Orders.NATIVE, Orders.order("ORACLE2026"))) {
            assertSigned((Step.Send) query.step());
            assertSigned((Step.Send) order.step());
        }
    }

    private static void assertSigned(Step.Send send) throws Exception {
        String authorization = null;
        for (Map.Entry<String, String> header : send.headers()) {
            authorization = header.getKey().equals("Authorization") ? header.getValue() : authorization;
        }
        Map<String, String> members = new HashMap<>();
        for (Matcher member = MEMBER.matcher(authorization); member.find(); ) {
            members.put(member.group(1), member.group(2));
        }
        assertTrue(authorization.startsWith("WECHATPAY2-SHA256-RSA2048 "), authorization);
        assertEquals(Platform.MCHID, members.get("mchid"));
        assertEquals(Platform.SERIAL, members.get("serial_no"));
        String query = send.uri().getRawQuery();
        String head = send.method() + "\n" + send.uri().getRawPath() + (query == null ? "" : "?" + query) + "\n"
                + members.get("timestamp") + "\n" + members.get("nonce_str") + "\n";
        Signature verifier = Signature.getInstance("SHA256withRSA");
        verifier.initVerify(PLATFORM.merchant.getPublic());
        verifier.update(head.getBytes(StandardCharsets.UTF_8));
        verifier.update(send.body());
        verifier.update((byte) '\n');
        assertTrue(verifier.verify(Base64.getDecoder().decode(members.get("signature"))), head);
    }

    @Test
    void the_signature_for_the_mini_program_covers_its_four_lines() throws Exception {
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build())) {
            Map<String, String> invoke =
                    client.invoke("jsapi", Map.of("prepay_id", "wx201410272009395522657a690389285100"));
            String message = String.join(
                            "\n",
                            invoke.get("appId"),
                            invoke.get("timeStamp"),
                            invoke.get("nonceStr"),
                            invoke.get("package"))
                    + "\n";
            Signature verifier = Signature.getInstance("SHA256withRSA");
            verifier.initVerify(PLATFORM.merchant.getPublic());
            verifier.update(message.getBytes(StandardCharsets.UTF_8));
            assertTrue(verifier.verify(Base64.getDecoder().decode(invoke.get("paySign"))));
            assertEquals("RSA", invoke.get("signType"));
        }
    }

    @RepeatedTest(3)
    void signatures_are_the_same_byte_for_byte_and_verified_by_each_other() throws Exception {
        KeyPair keys = Platform.rsa(2048 + 1024 * RANDOM.nextInt(2));
        for (int i = 0; i < 30; i++) {
            byte[] message = random(2000);
            Signature signer = Signature.getInstance("SHA256withRSA");
            signer.initSign(keys.getPrivate());
            signer.update(message);
            byte[] theirs = signer.sign();
            assertArrayEquals(theirs, Crypto.sign("RSA-SHA256", privateKey(keys), message));
            Crypto.verify("RSA-SHA256", publicKey(keys), message, theirs);

            byte[] mutated = theirs.clone();
            mutated[RANDOM.nextInt(mutated.length)] ^= (byte) (1 << RANDOM.nextInt(8));
            TrustException error = assertThrows(
                    TrustException.class, () -> Crypto.verify("RSA-SHA256", publicKey(keys), message, mutated));
            assertEquals(ErrorCode.SIGNATURE_INVALID, error.code());
        }
    }

    @Test
    void sensitive_fields_are_sealed_and_opened_by_each_other() throws Exception {
        KeyPair keys = PLATFORM.merchant;
        for (int i = 0; i < 20; i++) {
            byte[] plaintext = random(214);
            Cipher cipher = Cipher.getInstance("RSA/ECB/OAEPWithSHA-1AndMGF1Padding");
            cipher.init(Cipher.DECRYPT_MODE, keys.getPrivate(), OAEP);
            assertArrayEquals(
                    plaintext, cipher.doFinal(Crypto.seal("RSA-OAEP-SHA1", publicKey(keys), null, null, plaintext)));
            cipher.init(Cipher.ENCRYPT_MODE, keys.getPublic(), OAEP);
            assertArrayEquals(
                    plaintext, Crypto.open("RSA-OAEP-SHA1", privateKey(keys), null, null, cipher.doFinal(plaintext)));
        }
    }

    @Test
    void aes_gcm_is_the_same_byte_for_byte_and_a_changed_bit_is_refused() throws Exception {
        for (int i = 0; i < 200; i++) {
            byte[] key = new byte[32];
            byte[] nonce = new byte[12];
            RANDOM.nextBytes(key);
            RANDOM.nextBytes(nonce);
            byte[] aad = random(15);
            byte[] plaintext = random(500);
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "AES"), new GCMParameterSpec(128, nonce));
            cipher.updateAAD(aad);
            byte[] theirs = cipher.doFinal(plaintext);
            assertArrayEquals(theirs, Crypto.seal("AES-256-GCM", key, nonce, aad, plaintext));
            assertArrayEquals(plaintext, Crypto.open("AES-256-GCM", key, nonce, aad, theirs));
            theirs[RANDOM.nextInt(theirs.length)] ^= (byte) (1 << RANDOM.nextInt(8));
            TrustException error =
                    assertThrows(TrustException.class, () -> Crypto.open("AES-256-GCM", key, nonce, aad, theirs));
            assertEquals(ErrorCode.DECRYPTION_FAILED, error.code());
        }
    }

    @Test
    void digests_are_the_same() throws Exception {
        byte[] key = random(100);
        for (int i = 0; i < 50; i++) {
            byte[] message = random(1000);
            for (String algorithm : new String[] {"SHA-1", "SHA-256"}) {
                assertArrayEquals(
                        MessageDigest.getInstance(algorithm).digest(message), Crypto.digest(algorithm, null, message));
            }
            if (key.length > 0) {
                Mac mac = Mac.getInstance("HmacSHA256");
                mac.init(new SecretKeySpec(key, "HmacSHA256"));
                assertArrayEquals(mac.doFinal(message), Crypto.digest("HMAC-SHA256", key, message));
            }
        }
    }
}
