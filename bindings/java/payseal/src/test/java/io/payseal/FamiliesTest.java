package io.payseal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.payseal.testing.EachScheme;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The tests of the families of operations are in their packages. */
class FamiliesTest {
    @Test
    void noFamilyIsLeftOut() throws IOException, ClassNotFoundException {
        Set<String> used = new TreeSet<>();
        for (Path family : entries(Path.of("src/test/java/io/payseal/wechat"))) {
            for (Path test : entries(family)) {
                String name = test.getFileName().toString().replace(".java", "");
                Class<?> tests = Class.forName("io.payseal.wechat." + family.getFileName() + "." + name);
                if (Arrays.stream(tests.getDeclaredMethods())
                        .anyMatch(it -> it.isAnnotationPresent(EachScheme.class))) {
                    used.add(family.getFileName().toString());
                }
            }
        }
        Set<String> families = new TreeSet<>();
        for (Path family : entries(Path.of("src/main/java/io/payseal/wechat"))) {
            families.add(family.getFileName().toString());
        }
        assertEquals(families, used);
    }

    private static Iterable<Path> entries(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.toList();
        }
    }
}
