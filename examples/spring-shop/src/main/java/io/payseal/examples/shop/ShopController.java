package io.payseal.examples.shop;

import io.payseal.PaysealClient;
import io.payseal.PaysealException;
import io.payseal.QrCode;
import io.payseal.payments.ClientAction;
import io.payseal.payments.ClientKind;
import io.payseal.payments.Method;
import io.payseal.payments.OrderFile;
import io.payseal.payments.PayRequest;
import io.payseal.payments.Payer;
import io.payseal.payments.Payment;
import io.payseal.payments.Payments;
import io.payseal.servlet.AcceptEndpoint;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.LocalDate;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.util.UriComponentsBuilder;

/** What the page asks for, and where the providers and the buyer come back to. */
@RestController
class ShopController {
    private static final String PRODUCT_NAME = "山间清茶";
    private static final String PRODUCT_DESCRIPTION = "一杯手作的高山绿茶";
    private static final long PRICE_FEN = 1;

    /** Whom the methods pay. */
    private static final Map<String, String> ACCOUNTS =
            Map.of(Method.NATIVE, "wechat", Method.JSAPI, "wechat", Method.PRECREATE, "alipay", Method.PAGE, "alipay");

    /** A mini-program learns its buyer's openid when the buyer logs in; this shop has one buyer. */
    private static final String OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o";

    private static final Logger LOG = LoggerFactory.getLogger("shop");
    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern("yyMMdd");

    private final SecureRandom random = new SecureRandom();
    private final Map<String, PaysealClient> clients;
    private final Payments payments;
    private final AcceptEndpoint wechat;
    private final AcceptEndpoint alipay;
    private final Cashier.Sandbox sandbox;
    private final Address address;

    ShopController(Map<String, PaysealClient> clients, Payments payments, Cashier.Sandbox sandbox, Address address) {
        this.clients = clients;
        this.payments = payments;
        this.wechat = new AcceptEndpoint(payments, "wechat");
        this.alipay = new AcceptEndpoint(payments, "alipay");
        this.sandbox = sandbox;
        this.address = address;
    }

    @GetMapping("/api/product")
    Map<String, Object> product() {
        Map<String, Object> view = new LinkedHashMap<>();
        view.put("name", PRODUCT_NAME);
        view.put("description", PRODUCT_DESCRIPTION);
        view.put("price_fen", PRICE_FEN);
        view.put("sandbox", sandbox.address());
        return view;
    }

    record NewOrder(String method) {}

    @PostMapping("/api/orders")
    ResponseEntity<byte[]> create(@RequestBody(required = false) String body) {
        String method = Json.read(body, NewOrder.class).method();
        String account = method == null ? null : ACCOUNTS.get(method);
        if (account == null) {
            throw new Json.BadRequest("method must be \"native\", \"jsapi\", \"precreate\" or \"page\"");
        }
        PayRequest.Builder request = PayRequest.builder(newNumber(), method, PRICE_FEN, PRODUCT_NAME)
                .account(account)
                .notifyUrl(address.of("/notify/" + account));
        switch (method) {
            case Method.JSAPI -> request.payer(Payer.builder().id(OPENID).build());
            case Method.PAGE -> request.returnUrl(address.of("/return/alipay"));
            default -> {}
        }
        try {
            return Json.answer(HttpStatus.CREATED, payments.create(request.build()));
        } catch (PaysealException error) {
            return Refusals.refuse(error, "the provider did not take the order, please try again");
        }
    }

    /** Of the 32 characters that out_trade_no allows. */
    private String newNumber() {
        byte[] unique = new byte[13];
        random.nextBytes(unique);
        return LocalDate.now().format(DATE) + HexFormat.of().formatHex(unique);
    }

    @GetMapping("/api/orders/{id}")
    ResponseEntity<byte[]> show(@PathVariable String id) {
        OrderFile file = payments.order(id);
        return Json.answer(new Payment(file.order(), file.client()));
    }

    @GetMapping("/api/orders/{id}/qr")
    ResponseEntity<byte[]> qr(@PathVariable String id) {
        ClientAction client = payments.order(id).client();
        if (client == null || client.kind() != ClientKind.QR) {
            return Json.answer(HttpStatus.NOT_FOUND, Map.of("error", "the order has no QR code"));
        }
        return ResponseEntity.ok()
                .contentType(MediaType.parseMediaType("image/svg+xml"))
                .body(QrCode.of(client.codeUrl()).svg().getBytes(StandardCharsets.UTF_8));
    }

    @PostMapping("/notify/wechat")
    void toldByWeChat(HttpServletRequest request, HttpServletResponse response) throws IOException {
        wechat.handle(request, response);
    }

    @PostMapping("/notify/alipay")
    void toldByAlipay(HttpServletRequest request, HttpServletResponse response) throws IOException {
        alipay.handle(request, response);
    }

    /**
     * Receives the buyer who comes back from Alipay's page. That he comes proves nothing about the money, so Alipay is asked; should it
     * not answer, the notification will tell, or the runner asks again.
     */
    @GetMapping("/return/alipay")
    ResponseEntity<byte[]> returned(HttpServletRequest request) {
        String query = request.getQueryString();
        String id;
        try {
            id = clients.get("alipay")
                    .openReturn(query == null ? "" : query)
                    .fields()
                    .get("out_trade_no");
        } catch (PaysealException error) {
            LOG.warn("a return that Alipay has not signed", error);
            return Json.answer(HttpStatus.BAD_REQUEST, Map.of("error", "Alipay has not signed this return"));
        }
        try {
            payments.query(id);
        } catch (PaysealException error) {
            LOG.warn("it is not known yet whether order {} is paid", id, error);
        }
        URI page =
                UriComponentsBuilder.fromPath("/").queryParam("order", "{id}").build(id);
        return ResponseEntity.status(HttpStatus.SEE_OTHER).location(page).build();
    }

    @GetMapping(path = "/metrics/{provider}", produces = "text/plain; version=0.0.4; charset=utf-8")
    ResponseEntity<String> metrics(@PathVariable String provider) {
        return ResponseEntity.of(Optional.ofNullable(clients.get(provider)).map(PaysealClient::metrics));
    }
}
