package io.payseal.examples.shop;

import io.payseal.payments.Order;
import io.payseal.payments.OrderFile;
import io.payseal.payments.Payments;
import io.payseal.payments.Queue;
import io.payseal.payments.RefundRequest;
import io.payseal.payments.State;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** What the operator's page asks for. A real shop lets only its people here; the demo listens on loopback. */
@RestController
@RequestMapping("/api/operator")
class OperatorController {
    private static final int MOST = 100;

    private final Payments payments;
    private final Address address;

    OperatorController(Payments payments, Address address) {
        this.payments = payments;
        this.address = address;
    }

    @GetMapping("/stats")
    ResponseEntity<byte[]> stats() {
        return Json.answer(payments.stats());
    }

    /** The newest, or those in a state; {@code before_ms} pages. */
    @GetMapping("/orders")
    ResponseEntity<byte[]> orders(
            @RequestParam(name = "state", required = false) String state,
            @RequestParam(name = "before_ms", required = false) Long beforeMs) {
        State wanted = state == null ? null : Json.word(state, State.class);
        Instant before = beforeMs == null ? null : Instant.ofEpochMilli(beforeMs);
        return Json.answer(Map.of("orders", payments.orders(wanted, before, MOST)));
    }

    @GetMapping("/orders/{id}")
    ResponseEntity<byte[]> order(@PathVariable String id) {
        return Json.answer(payments.order(id));
    }

    /** @param amount in fen; null for all that is left */
    record Wish(Long amount) {}

    @PostMapping("/orders/{id}/refund")
    ResponseEntity<byte[]> refund(@PathVariable String id, @RequestBody(required = false) String body) {
        Wish wish = Json.read(body, Wish.class);
        OrderFile file = payments.order(id);
        Order order = file.order();
        long left = order.amount() - order.refunding() - order.refunded();
        // Of two who press the button at once both mean the same refund.
        String refundNo = id + "R" + (file.refunds().size() + 1);
        RefundRequest request = RefundRequest.builder(id, refundNo, wish.amount() == null ? left : wish.amount())
                .notifyUrl(address.of("/notify/" + order.account()))
                .build();
        return Json.answer(payments.refund(request));
    }

    @GetMapping("/exceptions")
    ResponseEntity<byte[]> exceptions() {
        return Json.answer(Map.of("exceptions", payments.exceptions(MOST)));
    }

    /** What a person says about an exception; state is paid, closed or none. */
    record Resolution(String note, State state) {}

    @PostMapping("/exceptions/{id}/resolve")
    ResponseEntity<byte[]> resolve(@PathVariable long id, @RequestBody(required = false) String body) {
        Resolution said = Json.read(body, Resolution.class);
        return Json.answer(Collections.singletonMap("order", payments.resolve(id, said.note(), said.state())));
    }

    @GetMapping("/dead-letters")
    ResponseEntity<byte[]> deadLetters() {
        return Json.answer(Map.of("dead", payments.deadLetters(Queue.INBOX, MOST)));
    }

    @PostMapping("/dead-letters/{id}/redrive")
    ResponseEntity<byte[]> redrive(@PathVariable long id) {
        return Json.answer(Map.of("redriven", payments.redrive(Queue.INBOX, List.of(id))));
    }
}
