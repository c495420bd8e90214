package io.payseal.examples.shop;

import com.google.zxing.WriterException;
import io.payseal.Outcome;
import io.payseal.PaysealClient;
import io.payseal.PaysealException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** What the page asks for. */
@RestController
class ShopController {
    static final Product PRODUCT = new Product("山间清茶", "一杯手作的高山绿茶", 1);

    private static final Set<String> METHODS = Set.of("native", "jsapi", "precreate", "page");
    private static final Logger LOG = LoggerFactory.getLogger("shop");

    private final Map<String, PaysealClient> clients;
    private final Payments.Sandbox sandbox;
    private final Orders orders;
    private final WeChatCashier wechat;
    private final AlipayCashier alipay;

    ShopController(
            Map<String, PaysealClient> clients,
            Payments.Sandbox sandbox,
            Orders orders,
            WeChatCashier wechat,
            AlipayCashier alipay) {
        this.clients = clients;
        this.sandbox = sandbox;
        this.orders = orders;
        this.wechat = wechat;
        this.alipay = alipay;
    }

    record Product(String name, String description, long priceFen) {}

    record NewOrder(String method) {}

    @GetMapping("/api/product")
    Map<String, Object> product() {
        Map<String, Object> view = new LinkedHashMap<>();
        view.put("name", PRODUCT.name());
        view.put("description", PRODUCT.description());
        view.put("price_fen", PRODUCT.priceFen());
        view.put("sandbox", sandbox.address());
        return view;
    }

    @PostMapping("/api/orders")
    @ResponseStatus(HttpStatus.CREATED)
    Map<String, Object> create(@RequestBody NewOrder asked) {
        if (asked.method() == null || !METHODS.contains(asked.method())) {
            throw new BadMethod();
        }
        Order order = orders.create(asked.method(), PRODUCT.priceFen());
        Map<String, Object> client =
                switch (asked.method()) {
                    case "native" -> code(order, wechat.codeUrl(order));
                    case "jsapi" -> Map.of("kind", "invoke", "params", wechat.invocation(order));
                    case "precreate" -> code(order, alipay.codeUrl(order));
                    default -> Map.of("kind", "redirect", "url", alipay.payUrl(order));
                };
        return Map.of("order", view(order), "client", client);
    }

    private Map<String, Object> code(Order order, String codeUrl) {
        orders.setCodeUrl(order.id(), codeUrl);
        return Map.of("kind", "qr", "code_url", codeUrl);
    }

    @GetMapping("/api/orders/{id}")
    Map<String, Object> show(@PathVariable String id) {
        return Map.of("order", view(orders.find(id).orElseThrow(NoSuchOrder::new)));
    }

    @GetMapping(path = "/api/orders/{id}/qr", produces = "image/svg+xml")
    String qr(@PathVariable String id) throws WriterException {
        return QrCode.svg(orders.find(id).map(Order::codeUrl).orElseThrow(NoSuchOrder::new));
    }

    @GetMapping(path = "/metrics/{provider}", produces = "text/plain; version=0.0.4; charset=utf-8")
    ResponseEntity<String> metrics(@PathVariable String provider) {
        return ResponseEntity.of(Optional.ofNullable(clients.get(provider)).map(PaysealClient::metrics));
    }

    private static Map<String, Object> view(Order order) {
        Map<String, Object> view = new LinkedHashMap<>();
        view.put("order_no", order.id());
        view.put("state", order.state());
        view.put("amount", order.amountFen());
        view.put("method", order.method());
        view.put("transaction_id", order.transactionId());
        view.put("paid_at", order.paidAt());
        return view;
    }

    // ---- what can go wrong ----

    private static final class NoSuchOrder extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private static final class BadMethod extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    @ExceptionHandler(NoSuchOrder.class)
    ResponseEntity<Map<String, String>> noSuchOrder() {
        return failure(HttpStatus.NOT_FOUND, Map.of("error", "there is no such order, or it has no QR code"));
    }

    @ExceptionHandler({BadMethod.class, HttpMessageNotReadableException.class})
    ResponseEntity<Map<String, String>> badMethod() {
        return failure(
                HttpStatus.BAD_REQUEST,
                Map.of("error", "method must be \"native\", \"jsapi\", \"precreate\" or \"page\""));
    }

    /** Here an {@link Outcome#UNKNOWN} does no harm: without a QR code nobody pays. */
    @ExceptionHandler(PaysealException.class)
    ResponseEntity<Map<String, String>> notTaken(PaysealException error) {
        LOG.warn("the provider did not take an order", error);
        String outcome = error.outcome().name().toLowerCase(Locale.ROOT);
        return failure(
                HttpStatus.BAD_GATEWAY,
                Map.of("error", "the provider did not take the order, please try again", "outcome", outcome));
    }

    /** As JSON also where the page asked for an image. */
    private static ResponseEntity<Map<String, String>> failure(HttpStatus status, Map<String, String> body) {
        return ResponseEntity.status(status)
                .contentType(org.springframework.http.MediaType.APPLICATION_JSON)
                .body(body);
    }
}
