package io.payseal.readme;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.payseal.testing.Orders;
import io.payseal.testing.Sandbox;
import io.payseal.web.Container;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The example of the README is this code, and it works. */
@Timeout(60)
class ReadmeTest {
    private static final Path BINDING = Path.of(System.getProperty("payseal.checkout"), "bindings/java");

    @TempDir
    Path folder;

    @Test
    void the_readme_shows_the_example_that_is_compiled() throws Exception {
        String source = Files.readString(BINDING.resolve("payseal-web/src/test/java/io/payseal/readme/Checkout.java"));
        String shown = source.substring(source.indexOf("import "));
        assertTrue(
                Files.readString(BINDING.resolve("README.md")).contains("```java\n" + shown + "```\n"),
                "the README's example differs from Checkout.java; it should be:\n" + shown);
    }

    @Test
    void the_example_takes_an_order_and_learns_that_it_is_paid() throws Exception {
        BlockingQueue<String> paid = new LinkedBlockingQueue<>();
        try (Sandbox sandbox = Sandbox.start(folder)) {
            Checkout checkout = new Checkout(folder.resolve("config.json")) {
                private static final long serialVersionUID = 1L;

                @Override
                protected void markPaid(String number, long fen) {
                    paid.add(number + " " + fen);
                }
            };
            try (Container container = new Container(checkout)) {
                String number = Orders.number();
                String codeUrl = checkout.order(number, 1, container.address() + "/notify");
                assertTrue(codeUrl.startsWith(sandbox.address()));
                sandbox.pay(number);
                assertEquals(number + " 1", paid.poll(20, TimeUnit.SECONDS));

                String lost = Orders.number();
                sandbox.fault(Map.of("fault", "unsigned", "out_trade_no", lost, "times", 0));
                IllegalStateException error = assertThrows(
                        IllegalStateException.class, () -> checkout.order(lost, 1, container.address() + "/notify"));
                assertEquals("query " + lost + " before trying again", error.getMessage());
            }
        }
    }
}
