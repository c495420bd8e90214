package io.payseal.testing;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.BeforeTestExecutionCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Looks at the sandbox: has a test had it accept an operation of the package that the test is in? */
final class FamilyWasUsed implements BeforeTestExecutionCallback, AfterTestExecutionCallback {
    private static final ExtensionContext.Namespace HERE = ExtensionContext.Namespace.create(FamilyWasUsed.class);

    @Override
    public void beforeTestExecution(ExtensionContext context) {
        Merchant.ofEachScheme().forEach(merchant -> context.getStore(HERE).put(merchant, merchant.lastExchange()));
    }

    @Override
    public void afterTestExecution(ExtensionContext context) throws IOException {
        String place = context.getRequiredTestClass().getPackageName().replace('.', '/');
        StringBuilder source = new StringBuilder();
        try (Stream<Path> files = Files.list(Path.of("src/main/java", place))) {
            for (Path file : files.toList()) {
                source.append(Files.readString(file));
            }
        }
        boolean used = Merchant.ofEachScheme().anyMatch(merchant -> {
            long before = context.getStore(HERE).get(merchant, Long.class);
            return merchant.exchanges("")
                    .filter(exchange -> exchange.get("id").asLong() > before)
                    .filter(exchange -> exchange.get("outcome").asText().equals("accepted"))
                    .anyMatch(exchange ->
                            source.indexOf('"' + exchange.get("operation").asText() + '"') >= 0);
        });
        assertTrue(used || context.getExecutionException().isPresent(), () -> "no operation of " + place + " was used");
    }
}
