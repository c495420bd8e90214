package io.payseal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Vectors of the provider and of its SDKs, where the folder beside the checkout exists. */
class PublishedVectorsTest {
    @TestFactory
    Stream<DynamicTest> published_vectors_hold() throws IOException {
        Path file = Path.of(System.getProperty("payseal.checkout"), "../shared/vectors/wechat/vectors.json");
        assumeTrue(Files.exists(file), "published vectors: 0 run, all skipped: ../shared/vectors is not there");
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode vector : Json.MAPPER.readTree(Files.readAllBytes(file))) {
            String id = vector.path("id").asText();
            tests.add(DynamicTest.dynamicTest(id, () -> replay(id, vector, vector.path("expect"))));
        }
        System.out.println("published vectors: " + tests.size() + " run, 0 skipped");
        return tests.stream();
    }

    private static void replay(String id, JsonNode vector, JsonNode expect) throws CertificateException {
        switch (id) {
            case "rsa/sign" -> {
                byte[] signature =
                        Base64.getDecoder().decode(expect.path("signature").asText());
                assertArrayEquals(
                        signature, Crypto.sign("RSA-SHA256", text(vector, "private_key_pem"), text(vector, "message")));
                byte[] publicKey = certificate(text(vector, "certificate_pem"))
                        .getPublicKey()
                        .getEncoded();
                Crypto.verify("RSA-SHA256", publicKey, text(vector, "message"), signature);
            }
            case "rsa/oaep-decrypt" ->
                assertArrayEquals(
                        text(expect, "plaintext"),
                        Crypto.open(
                                "RSA-OAEP-SHA1",
                                text(vector, "private_key_pem"),
                                null,
                                null,
                                base64(vector, "ciphertext")));
            case "aead/aes-256-gcm" ->
                assertArrayEquals(
                        text(expect, "plaintext"),
                        Crypto.open(
                                "AES-256-GCM",
                                text(vector, "key"),
                                text(vector, "nonce"),
                                text(vector, "associated_data"),
                                base64(vector, "ciphertext")));
            case "certificates/bootstrap" -> bootstrap(vector, expect);
            case "v2/sign-md5" -> v2("MD5", vector, expect);
            case "v2/sign-hmac-sha256" -> v2("HMAC-SHA256", vector, expect);
            case "sm2/verify" -> {
                byte[] key = sm2Key(text(vector, "certificate_pem"));
                byte[] signature = base64(vector, "signature");
                Crypto.verify("SM2-SM3", key, text(vector, "message"), signature);
                assertThrows(
                        TrustException.class, () -> Crypto.verify("SM2-SM3", key, text(vector, "serial"), signature));
            }
            case "sm2/decrypt" ->
                assertArrayEquals(
                        text(expect, "plaintext"),
                        Crypto.open("SM2", text(vector, "private_key_pem"), null, null, base64(vector, "ciphertext")));
            case "sm4/gcm" ->
                assertArrayEquals(
                        text(expect, "plaintext"),
                        Crypto.open(
                                "SM4-GCM",
                                Arrays.copyOf(Crypto.digest("SM3", null, text(vector, "key")), 16),
                                text(vector, "nonce"),
                                text(vector, "associated_data"),
                                base64(vector, "ciphertext")));
            default -> throw new AssertionError("nobody knows how to replay " + id);
        }
    }

    /** A message with the published signature is believed, and one with any other is not. */
    private static void v2(String signType, JsonNode vector, JsonNode expect) {
        Configuration configuration = Configuration.wechatV2()
                .mchid(vector.at("/params/mch_id").asText())
                .apiv2Key(vector.path("key").asText())
                .signType(signType)
                .build();
        StringBuilder elements = new StringBuilder("<xml>");
        vector.path("params")
                .properties()
                .forEach(field -> elements.append('<' + field.getKey() + '>')
                        .append(field.getValue().asText())
                        .append("</" + field.getKey() + '>'));
        String sign = expect.path("sign").asText();
        String body = elements + "<sign>" + sign + "</sign></xml>";
        try (PaysealClient client = PaysealClient.of(configuration)) {
            Notification opened = client.openNotification(Map.of(), body.getBytes(StandardCharsets.UTF_8));
            assertEquals(vector.path("params"), opened.as(JsonNode.class));
            byte[] other = body.replace(sign, sign.replace('A', 'B')).getBytes(StandardCharsets.UTF_8);
            assertThrows(TrustException.class, () -> client.openNotification(Map.of(), other));
        }
    }

    private static void bootstrap(JsonNode vector, JsonNode expect) throws CertificateException {
        JsonNode sealed = Json.read(text(vector, "body"), JsonNode.class).at("/data/0/encrypt_certificate");
        byte[] pem = Crypto.open(
                "AES-256-GCM",
                text(vector, "apiv3_key"),
                text(sealed, "nonce"),
                text(sealed, "associated_data"),
                base64(sealed, "ciphertext"));
        assertEquals(
                expect.path("serial").asText(),
                String.format("%040X", certificate(pem).getSerialNumber()));
    }

    private static X509Certificate certificate(byte[] pem) throws CertificateException {
        return (X509Certificate)
                CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(pem));
    }

    /** SubjectPublicKeyInfo of an SM2 key, which the JDK does not read: 91 bytes with the algorithm at their start. */
    private static byte[] sm2Key(byte[] pem) {
        String body = new String(pem, StandardCharsets.US_ASCII).replaceAll("-----[A-Z ]+-----", "");
        String hex = HexFormat.of().formatHex(Base64.getMimeDecoder().decode(body));
        int at = hex.indexOf("301306072a8648ce3d020106082a811ccf5501822d") - 4;
        return HexFormat.of().parseHex(hex, at, at + 2 * 91);
    }

    private static byte[] text(JsonNode node, String member) {
        return node.path(member).asText().getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] base64(JsonNode node, String member) {
        return Base64.getDecoder().decode(node.path(member).asText());
    }
}
