package io.payseal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.payseal.testing.Loopback;
import io.payseal.testing.Orders;
import io.payseal.testing.Platform;
import io.payseal.testing.Sandbox;
import io.payseal.testing.Transport;
import io.payseal.wechat.files.Files;
import io.payseal.wechat.files.Uploads;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.zip.GZIPOutputStream;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Files: whole and right, or an exception; over both transports. Packed by the JDK. */
@Timeout(60)
class DownloadTest {
    private static final Platform PLATFORM = new Platform();
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final DownloadParams BILL =
            Files.tradeBill("2026-01-02", "ALL").build();

    @TempDir
    Path folder;

    private static byte[] bill(int rows) {
        StringBuilder text = new StringBuilder("\ufeff交易时间,微信订单号,应结订单金额\r\n");
        for (int n = 0; n < rows; n++) {
            text.append(String.format("`2026-01-02 09:00:00,`420000%010d,`%d.%02d\r\n", n, n / 100, n % 100));
        }
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] gzip(byte[] plain) {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
            out.write(plain);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return packed.toByteArray();
    }

    private static String sha1(byte[] plain) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(plain));
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    private static String url(String origin, String token) {
        return origin + "/v3/billdownload/file?token=" + token;
    }

    private static ObjectNode named(String origin, byte[] plain) {
        return JSON.createObjectNode()
                .put("download_url", url(origin, "t"))
                .put("hash_type", "SHA1")
                .put("hash_value", sha1(plain));
    }

    /** A provider that answers the application, and then hands out a file as the test wants. */
    private static Loopback provider(Function<String, ObjectNode> answer, Loopback.Behaviour file) {
        AtomicReference<String> origin = new AtomicReference<>();
        Loopback server = new Loopback((request, to) -> {
            if (request.target().startsWith("/v3/billdownload/file")) {
                file.answer(request, to);
                return;
            }
            byte[] body = JSON.writeValueAsBytes(answer.apply(origin.get()));
            Loopback.respond(to, 200, PLATFORM.signed(body), body);
        });
        origin.set(server.address());
        return server;
    }

    private static Loopback.Behaviour writes(byte[] file) {
        return (request, to) -> Loopback.respond(to, 200, Map.of(), file);
    }

    private static PaysealClient client(Transport transport, Loopback server) {
        return transport.client(
                PLATFORM.configuration().hosts(List.of(server.address())).build());
    }

    @ParameterizedTest
    @EnumSource
    void a_bill_is_read_to_its_verified_end(Transport transport) throws IOException {
        byte[] plain = bill(20_000);
        try (Loopback server = provider(origin -> named(origin, plain), writes(gzip(plain)));
                PaysealClient client = client(transport, server);
                Download download = client.download(BILL)) {
            assertArrayEquals(plain, download.readAllBytes());
            assertEquals(-1, download.read(), "the end stays the end");
            DownloadInfo info = download.info();
            assertTrue(info.complete() && info.verified());
            assertEquals(plain.length, info.bytes());
            assertEquals(
                    "/v3/bill/tradebill?bill_date=2026-01-02&bill_type=ALL&tar_type=GZIP",
                    server.requests.get(0).target());
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_bill_is_saved_whole_or_not_at_all(Transport transport) throws IOException {
        byte[] plain = bill(100);
        Path path = folder.resolve("bill.csv");
        java.nio.file.Files.writeString(path, "yesterday's");
        try (Loopback server = provider(origin -> named(origin, plain), writes(gzip(bill(101))));
                PaysealClient client = client(transport, server);
                Download download = client.download(BILL)) {
            PaysealException error = assertThrows(TrustException.class, () -> download.saveTo(path));
            assertEquals(ErrorCode.HASH_MISMATCH, error.code());
        }
        assertEquals("yesterday's", java.nio.file.Files.readString(path));
        try (Loopback server = provider(origin -> named(origin, plain), writes(gzip(plain)));
                PaysealClient client = client(transport, server);
                Download download = client.download(BILL)) {
            assertTrue(download.saveTo(path).verified());
        }
        assertArrayEquals(plain, java.nio.file.Files.readAllBytes(path));
        try (var names = java.nio.file.Files.list(folder)) {
            assertEquals(1, names.count(), "nothing else stays");
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_wrong_file_never_comes_to_a_good_end(Transport transport) {
        byte[] plain = bill(1000), packed = gzip(plain);
        byte[] more = java.util.Arrays.copyOf(packed, packed.length + 4);
        Map<ErrorCode, Loopback.Behaviour> wrong = Map.of(
                ErrorCode.HASH_MISMATCH,
                writes(gzip(bill(999))),
                ErrorCode.BODY_INVALID,
                writes(more),
                ErrorCode.CONNECTION_LOST,
                (request, to) -> cutShort(to, packed),
                ErrorCode.RESPONSE_INVALID,
                (request, to) -> Loopback.respond(to, 302, Map.of("Location", List.of("http://127.0.0.1:1/")), plain));
        wrong.forEach((code, file) -> {
            try (Loopback server = provider(origin -> named(origin, plain), file);
                    PaysealClient client = client(transport, server);
                    Download download = client.download(BILL)) {
                PaysealException error = assertThrows(PaysealException.class, download::readAllBytes);
                assertEquals(code, error.code(), error.getMessage());
                assertThrows(PaysealException.class, download::read, "it stays an error");
            }
        });
    }

    private static void cutShort(Socket to, byte[] packed) throws IOException {
        to.getOutputStream()
                .write(("HTTP/1.1 200 x\r\nContent-Length: " + packed.length + "\r\n\r\n")
                        .getBytes(StandardCharsets.ISO_8859_1));
        to.getOutputStream().write(packed, 0, packed.length - 20);
    }

    @ParameterizedTest
    @EnumSource
    void an_encrypted_bill_is_decrypted(Transport transport) throws Exception {
        byte[] plain = bill(50), key = new byte[32];
        new SecureRandom().nextBytes(key);
        String nonce = "nonce-of-sixteen";
        Cipher gcm = Cipher.getInstance("AES/GCM/NoPadding");
        gcm.init(
                Cipher.ENCRYPT_MODE,
                new SecretKeySpec(key, "AES"),
                new GCMParameterSpec(128, nonce.getBytes(StandardCharsets.US_ASCII)));
        byte[] sealed = gcm.doFinal(gzip(plain));
        Cipher oaep = Cipher.getInstance("RSA/ECB/OAEPWithSHA-1AndMGF1Padding");
        oaep.init(Cipher.ENCRYPT_MODE, PLATFORM.merchant.getPublic());
        String wrapped = Base64.getEncoder().encodeToString(oaep.doFinal(key));
        Function<String, ObjectNode> answer = origin -> {
            ObjectNode body = JSON.createObjectNode().put("download_bill_count", 1);
            body.putArray("download_bill_list")
                    .add(named(origin, plain)
                            .put("bill_sequence", 1)
                            .put("encrypt_key", wrapped)
                            .put("nonce", nonce));
            return body;
        };
        DownloadParams params = Files.subMerchantFundFlowBill("1900000110", "2026-01-02", "BASIC")
                .build();
        try (Loopback server = provider(answer, writes(sealed));
                PaysealClient client = client(transport, server);
                Download download = client.download(params)) {
            assertArrayEquals(plain, download.readAllBytes());
        }
    }

    @ParameterizedTest
    @EnumSource
    void an_interrupt_ends_a_download_in_the_middle(Transport transport) throws Exception {
        byte[] plain = bill(1000);
        CountDownLatch half = new CountDownLatch(1), over = new CountDownLatch(1);
        Loopback.Behaviour file = (request, to) -> {
            cutShort(to, gzip(plain));
            half.countDown();
            over.await();
        };
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        try (Loopback server = provider(origin -> named(origin, plain), file);
                PaysealClient client = client(transport, server)) {
            Thread reader = new Thread(() -> {
                try (Download download = client.download(BILL)) {
                    download.readAllBytes();
                } catch (Throwable failure) {
                    thrown.set(failure);
                }
            });
            reader.start();
            half.await();
            reader.interrupt();
            reader.join();
            over.countDown();
        }
        assertEquals(ErrorCode.CANCELLED, ((PaysealException) thrown.get()).code());
    }

    @ParameterizedTest
    @EnumSource
    void a_bill_is_saved_and_streamed_without_waiting(Transport transport) throws Exception {
        byte[] plain = bill(20_000);
        Path path = folder.resolve("bill.csv");
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (Loopback server = provider(origin -> named(origin, plain), writes(gzip(plain)));
                PaysealClient client = client(transport, server)) {
            CompletableFuture<DownloadInfo> saved = client.downloadAsync(BILL, path);
            CompletableFuture<DownloadInfo> streamed = client.downloadAsync(BILL, out);
            for (CompletableFuture<DownloadInfo> future : List.of(saved, streamed)) {
                DownloadInfo info = future.get(30, TimeUnit.SECONDS);
                assertTrue(info.complete() && info.verified());
                assertEquals(plain.length, info.bytes());
            }
        }
        assertArrayEquals(plain, java.nio.file.Files.readAllBytes(path));
        assertArrayEquals(plain, out.toByteArray());
    }

    @ParameterizedTest
    @EnumSource
    void what_is_wrong_with_a_file_comes_through_the_future(Transport transport) throws Exception {
        byte[] plain = bill(10);
        Path path = folder.resolve("bill.csv");
        java.io.OutputStream full = new java.io.OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException("the disk is full");
            }
        };
        try (Loopback server = provider(origin -> named(origin, plain), writes(gzip(bill(11))));
                PaysealClient client = client(transport, server)) {
            assertEquals(ErrorCode.HASH_MISMATCH, failure(client.downloadAsync(BILL, path), TrustException.class));
            CompletableFuture<DownloadInfo> streamed = client.downloadAsync(BILL, full);
            assertEquals(
                    "the disk is full",
                    assertThrows(ExecutionException.class, () -> streamed.get(30, TimeUnit.SECONDS))
                            .getCause()
                            .getMessage());
            DownloadParams wrong =
                    DownloadParams.ofOperation("GET /v3/bill/tradebill").build();
            assertEquals(ErrorCode.PARAMS_INVALID, failure(client.downloadAsync(wrong, path), ArgumentException.class));
        }
        try (var names = java.nio.file.Files.list(folder)) {
            assertEquals(0, names.count(), "nothing stays");
        }
    }

    private static ErrorCode failure(CompletableFuture<?> future, Class<? extends PaysealException> type) {
        Throwable cause = assertThrows(ExecutionException.class, () -> future.get(30, TimeUnit.SECONDS))
                .getCause();
        return assertInstanceOf(type, cause).code();
    }

    @ParameterizedTest
    @EnumSource
    void cancelling_the_future_ends_the_download_and_leaves_nothing(Transport transport) throws Exception {
        byte[] plain = bill(1000);
        CountDownLatch half = new CountDownLatch(2), hungUp = new CountDownLatch(2);
        Loopback.Behaviour file = (request, to) -> {
            cutShort(to, gzip(plain));
            half.countDown();
            assertEquals(-1, to.getInputStream().read());
            hungUp.countDown();
        };
        ExecutorService executor = Executors.newFixedThreadPool(2);
        try (Loopback server = provider(origin -> named(origin, plain), file);
                PaysealClient client = transport
                        .builder(PLATFORM.configuration()
                                .hosts(List.of(server.address()))
                                .readTimeout(Duration.ofMinutes(5))
                                .build())
                        .executor(executor)
                        .build()) {
            CompletableFuture<DownloadInfo> saved = client.downloadAsync(BILL, folder.resolve("bill.csv"));
            CompletableFuture<DownloadInfo> streamed = client.downloadAsync(BILL, new ByteArrayOutputStream());
            assertTrue(half.await(20, TimeUnit.SECONDS));
            saved.cancel(true);
            streamed.cancel(true);
            assertTrue(hungUp.await(20, TimeUnit.SECONDS), "the connections are given up");
            executor.shutdown();
            assertTrue(executor.awaitTermination(20, TimeUnit.SECONDS), "no thread goes on");
        } finally {
            executor.shutdownNow();
        }
        try (var names = java.nio.file.Files.list(folder)) {
            assertEquals(0, names.count(), "nothing stays");
        }
    }

    @Test
    void a_thread_that_had_a_cancelled_download_is_not_interrupted_for_it_later() throws Exception {
        byte[] plain = bill(1000);
        CountDownLatch half = new CountDownLatch(1), over = new CountDownLatch(1);
        Loopback.Behaviour file = (request, to) -> {
            cutShort(to, gzip(plain));
            half.countDown();
            over.await();
        };
        ExecutorService executor = Executors.newSingleThreadExecutor();
        try (Loopback server = provider(origin -> named(origin, plain), file);
                PaysealClient client = PaysealClient.builder(PLATFORM.configuration()
                                .hosts(List.of(server.address()))
                                .build())
                        .executor(executor)
                        .build()) {
            CompletableFuture<DownloadInfo> running = client.downloadAsync(BILL, folder.resolve("bill.csv"));
            CompletableFuture<DownloadInfo> queued = client.downloadAsync(BILL, folder.resolve("other.csv"));
            assertTrue(half.await(20, TimeUnit.SECONDS));
            queued.cancel(true);
            running.cancel(true);
            assertFalse(executor.submit(Thread::interrupted).get(20, TimeUnit.SECONDS));
            assertEquals(2, server.requests.size(), "what was cancelled while it waited has sent nothing");
            over.countDown();
        } finally {
            executor.shutdownNow();
        }
    }

    @Test
    void a_file_is_not_fetched_from_elsewhere() {
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build())) {
            FileAddress elsewhere = new FileAddress("https://evil.example/x", "SHA1", sha1(new byte[0]));
            PaysealException error = assertThrows(
                    TrustException.class,
                    () -> client.download(DownloadParams.ofFile(elsewhere).build()));
            assertEquals("download_url", error.details().field());
            Download download = client.download(BILL);
            download.close();
            download.close();
            assertEquals(
                    ErrorCode.INVALID_HANDLE,
                    assertThrows(PaysealException.class, download::read).code());
        }
    }

    @ParameterizedTest
    @EnumSource
    void an_upload_signs_the_name_and_hash_of_the_file(Transport transport) throws Exception {
        Path image = folder.resolve("shop.png");
        java.nio.file.Files.writeString(image, "an image");
        byte[] answer = "{\"media_id\":\"media-1\"}".getBytes(StandardCharsets.UTF_8);
        try (Loopback server =
                        new Loopback((request, to) -> Loopback.respond(to, 200, PLATFORM.signed(answer), answer));
                PaysealClient client = client(transport, server)) {
            assertEquals("media-1", Uploads.image(client, image));
            Loopback.Request sent = server.requests.get(0);
            assertEquals("/v3/merchant/media/upload", sent.target());
            String body = new String(sent.body(), StandardCharsets.UTF_8);
            byte[] hash = MessageDigest.getInstance("SHA-256").digest("an image".getBytes(StandardCharsets.UTF_8));
            assertTrue(body.contains("\"sha256\":\"" + HexFormat.of().formatHex(hash) + "\""), body);
            assertTrue(body.contains("name=\"file\"; filename=\"shop.png\""), body);
        }
    }

    @ParameterizedTest
    @EnumSource
    void the_sandbox_has_a_bill_of_what_was_paid(Transport transport, @TempDir Path state) throws IOException {
        String today = LocalDate.now(ZoneId.of("Asia/Shanghai")).toString();
        try (Sandbox sandbox = Sandbox.start(state);
                PaysealClient client = transport.client(sandbox.configuration())) {
            String number = Orders.number();
            client.execute(Orders.NATIVE, Orders.order(number));
            sandbox.pay(number);
            try (Download bill = client.download(Files.tradeBill(today, "ALL").build())) {
                String text = new String(bill.readAllBytes(), StandardCharsets.UTF_8);
                assertTrue(text.contains("`" + number + ","), text);
            }
            try (Download flow =
                    client.download(Files.fundFlowBill(today, "BASIC").build())) {
                assertTrue(flow.saveTo(folder.resolve("flow.csv")).verified());
            }
        }
    }
}
