package io.payseal.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.payseal.Configuration;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The simulated provider, run as a program of its own. It ends with this process at the latest: its standard input closes. */
public final class Sandbox implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Process process;
    private final Path folder;
    private final String address;
    private final HttpClient http = HttpClient.newHttpClient();

    private Sandbox(Process process, Path folder, String address) {
        this.process = process;
        this.folder = folder;
        this.address = address;
    }

    /** Starts one with keys of its own in the folder. The program is named by PAYSEAL_SANDBOX or the property payseal.sandbox. */
    public static Sandbox start(Path folder, String... options) {
        String named = System.getenv("PAYSEAL_SANDBOX");
        Path program = Path.of(named != null ? named : System.getProperty("payseal.sandbox"));
        if (!Files.isExecutable(program)) {
            throw new IllegalStateException(program + " is missing: run 'make build' first");
        }
        try {
            List<String> command = new ArrayList<>(
                    List.of(program.toString(), "--dir", folder.toString(), "--speed", "100", "--exit-with-stdin"));
            command.addAll(List.of(options));
            Process process = new ProcessBuilder(command)
                    .redirectError(folder.resolve("sandbox.log").toFile())
                    .start();
            String line = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))
                    .readLine();
            if (line == null || !line.startsWith("sandbox: ")) {
                throw new IllegalStateException(
                        "the sandbox did not start: " + Files.readString(folder.resolve("sandbox.log")));
            }
            return new Sandbox(process, folder, line.substring("sandbox: ".length()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Public key and certificates are known from the start. */
    public Configuration configuration() {
        return Configuration.fromJson(read("config.json").toString());
    }

    /** Certificates must be fetched first. */
    public Configuration configurationWithoutKeys() {
        return Configuration.fromJson(read("config-certificate.json").toString());
    }

    /** The same, with the least time between two fetches. */
    public Configuration configurationWithoutKeys(int minIntervalSeconds) {
        ObjectNode json = (ObjectNode) read("config-certificate.json");
        json.withObject("/certificate_refresh").put("min_interval_s", minIntervalSeconds);
        return Configuration.fromJson(json.toString());
    }

    /** APIv2. */
    public Configuration configurationV2() {
        return Configuration.fromJson(read("config-v2.json").toString());
    }

    /** A file of JSON in the sandbox's folder. */
    public JsonNode read(String file) {
        try {
            return JSON.readTree(Files.readAllBytes(folder.resolve(file)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public String address() {
        return address;
    }

    /** Lets something go wrong: a member of the wish is fault, target, out_trade_no, times, ms or processed. */
    public void fault(Map<String, Object> wish) {
        send("POST", "/sandbox/faults", wish);
    }

    public void clearFaults() {
        send("DELETE", "/sandbox/faults", null);
    }

    /** As the button on the cashier's page does. */
    public JsonNode pay(String outTradeNo) {
        return send("POST", "/sandbox/orders/" + outTradeNo + "/pay", null);
    }

    /** The number of a complaint of its payer, whose telephone number is this. */
    public String complain(String outTradeNo, String phone) {
        return send("POST", "/sandbox/orders/" + outTradeNo + "/complain", Map.of("phone", phone))
                .get("complaint_id")
                .asText();
    }

    /** As the user does who signs a contract. */
    public void sign(String outContractCode) {
        send("POST", "/sandbox/contracts/" + outContractCode + "/sign", null);
    }

    public JsonNode order(String outTradeNo) {
        return send("GET", "/sandbox/orders/" + outTradeNo, null);
    }

    /** What a buyer at Alipay shows the shop: a code good for a minute. */
    public String alipayCode() {
        return send("POST", "/sandbox/buyer/codes", Map.of("provider", "alipay"))
                .get("auth_code")
                .asText();
    }

    /** What Alipay gives an app whom a buyer has let know who he is. */
    public String alipayAuthCode() {
        return send("POST", "/sandbox/alipay/auth-codes", Map.of("scope", "auth_user"))
                .get("auth_code")
                .asText();
    }

    /** The deliveries of an order's notifications, newest first. */
    public JsonNode notifications(String outTradeNo) {
        return send("GET", "/sandbox/notifications?out_trade_no=" + outTradeNo, null);
    }

    /** Sends a notification once more and waits for the end of the attempt. */
    public JsonNode resend(String id) {
        return send("POST", "/sandbox/notifications/" + id + "/resend", null);
    }

    /** Tells an event with this plaintext, as if it had happened. */
    public void tell(String eventType, String notifyUrl, JsonNode plaintext) {
        Map<String, Object> telling = Map.of(
                "event_type", eventType, "original_type", "test", "notify_url", notifyUrl, "resource", plaintext);
        send("POST", "/sandbox/notifications", telling);
    }

    /** The newest requests as they were received, and their answers as they were sent; newest first. */
    public JsonNode exchanges() {
        return send("GET", "/sandbox/exchanges", null);
    }

    public JsonNode rotateCertificate() {
        return send("POST", "/sandbox/certificates/rotate", null);
    }

    private JsonNode send(String method, String path, Object body) {
        try {
            HttpRequest.BodyPublisher publisher = body == null
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofByteArray(JSON.writeValueAsBytes(body));
            HttpRequest request = HttpRequest.newBuilder(URI.create(address + path))
                    .timeout(Duration.ofSeconds(20))
                    .header("Content-Type", "application/json")
                    .method(method, publisher)
                    .build();
            HttpResponse<byte[]> answer = http.send(request, HttpResponse.BodyHandlers.ofByteArray());
            if (answer.statusCode() >= 300) {
                throw new IllegalStateException(method + " " + path + ": " + answer.statusCode() + " "
                        + new String(answer.body(), StandardCharsets.UTF_8));
            }
            return JSON.readTree(answer.body());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        process.destroy();
    }
}
