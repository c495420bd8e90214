package io.payseal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.payseal.testing.Loopback;
import io.payseal.testing.Orders;
import io.payseal.testing.Platform;
import io.payseal.testing.Transport;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** There is no way to switch the verification of TLS off; a request is never sent to a server that is not the right one. */
@Timeout(120)
class TlsTest {
    private static final Platform PLATFORM = new Platform();
    private static final byte[] ANSWER = "{}".getBytes(StandardCharsets.UTF_8);

    @TempDir
    Path folder;

    /** A server with a self-signed certificate for this name, made by the JDK's keytool. */
    private Loopback server(String name) throws Exception {
        ServerSocket socket =
                context(name).getServerSocketFactory().createServerSocket(0, 50, InetAddress.getLoopbackAddress());
        return new Loopback(socket, (request, to) -> Loopback.respond(to, 200, PLATFORM.signed(ANSWER), ANSWER));
    }

    private SSLContext context(String name) throws Exception {
        KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
        keys.init(keyStore(name), "changeit".toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        return context;
    }

    private KeyStore keyStore(String name) throws Exception {
        Path file = folder.resolve("server.p12");
        if (!Files.exists(file)) {
            Process keytool = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "keytool")
                                    .toString(),
                            "-genkeypair",
                            "-alias",
                            "server",
                            "-keyalg",
                            "RSA",
                            "-keysize",
                            "2048",
                            "-validity",
                            "2",
                            "-dname",
                            "CN=test",
                            "-ext",
                            "san=" + name,
                            "-storetype",
                            "PKCS12",
                            "-storepass",
                            "changeit",
                            "-keystore",
                            file.toString())
                    .redirectErrorStream(true)
                    .start();
            String output = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertEquals(0, keytool.waitFor(), output);
        }
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(file)) {
            store.load(in, "changeit".toCharArray());
        }
        return store;
    }

    private String certificate(String name) throws Exception {
        Certificate certificate = keyStore(name).getCertificate("server");
        return "-----BEGIN CERTIFICATE-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(certificate.getEncoded())
                + "\n-----END CERTIFICATE-----\n";
    }

    @ParameterizedTest
    @EnumSource
    void a_server_that_nobody_vouches_for_gets_no_request(Transport transport) throws Exception {
        try (Loopback server = server("ip:127.0.0.1");
                PaysealClient client = transport.client(PLATFORM.configuration()
                        .hosts(List.of("https://127.0.0.1:" + server.port()))
                        .build())) {
            PaysealException error = assertThrows(
                    TransportException.class, () -> client.execute(Orders.NATIVE, Orders.once(Orders.number())));
            assertEquals(Outcome.NOT_SENT, error.outcome(), error.toString());
            assertTrue(server.requests.isEmpty());
        }
    }

    @Test
    void the_right_server_is_trusted_by_the_configured_roots() throws Exception {
        try (Loopback server = server("ip:127.0.0.1");
                PaysealClient client = PaysealClient.of(PLATFORM.configuration()
                        .hosts(List.of("https://127.0.0.1:" + server.port()))
                        .rootCertificates(certificate("ip:127.0.0.1"))
                        .build())) {
            assertTrue(client.execute(Orders.NATIVE, Orders.once(Orders.number()))
                    .info()
                    .verified());
        }
    }

    @Test
    void a_server_with_another_name_gets_no_request() throws Exception {
        try (Loopback server = server("dns:elsewhere.example");
                PaysealClient client = PaysealClient.of(PLATFORM.configuration()
                        .hosts(List.of("https://127.0.0.1:" + server.port()))
                        .rootCertificates(certificate("dns:elsewhere.example"))
                        .build())) {
            PaysealException error = assertThrows(
                    TransportException.class, () -> client.execute(Orders.NATIVE, Orders.once(Orders.number())));
            assertEquals(ErrorCode.TLS_FAILED, error.code());
            assertEquals(Outcome.NOT_SENT, error.outcome());
            assertTrue(server.requests.isEmpty());
        }
    }

    /** The one's settings of trust are the caller's own; verification of the answer is still payseal's. */
    @Test
    void an_http_client_brings_its_own_trust() throws Exception {
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(keyStore("ip:127.0.0.1"));
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        try (Loopback server = server("ip:127.0.0.1");
                PaysealClient client = PaysealClient.builder(PLATFORM.configuration()
                                .hosts(List.of("https://127.0.0.1:" + server.port()))
                                .build())
                        .httpClient(HttpClient.newBuilder().sslContext(context).build())
                        .build()) {
            assertTrue(client.execute(Orders.NATIVE, Orders.once(Orders.number()))
                    .info()
                    .verified());
        }
    }

    @Test
    void plain_http_is_for_loopback_addresses_only() {
        ConfigurationException error = assertThrows(
                ConfigurationException.class,
                () -> PaysealClient.of(PLATFORM.configuration()
                        .hosts(List.of("http://api.example.com"))
                        .build()));
        assertTrue(error.details().field().startsWith("hosts"), error.toString());
    }
}
