package io.payseal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.payseal.testing.Orders;
import io.payseal.testing.Platform;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.Provider;
import java.security.Security;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TimeZone;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Loading the library, each time in a JVM of its own: what it needs, and what it leaves as it was. */
class ProcessTest {
    @TempDir
    Path folder;

    private record Outcome(int exit, String output) {}

    private static Outcome java(Class<?> main, String... options) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-Xcheck:jni", "-cp", System.getProperty("java.class.path")));
        command.addAll(List.of(options));
        command.add(main.getName());
        return run(command);
    }

    private static Outcome run(List<String> command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(60, TimeUnit.SECONDS), output);
        return new Outcome(process.exitValue(), output);
    }

    /** Makes a client and says what else changed in the process. */
    static final class Probe {
        public static void main(String[] arguments) throws Exception {
            Platform platform = new Platform();
            byte[] body = platform.paid("PROCESS2026");
            PrintStream out = System.out;
            PrintStream err = System.err;
            TreeMap<String, String> before = state();
            try (PaysealClient client =
                    PaysealClient.of(platform.configuration().build())) {
                client.openNotification(platform.signed(body), body);
                client.metrics();
            }
            TreeMap<String, String> after = state();
            after.keySet().removeIf(key -> after.get(key).equals(before.get(key)) && before.remove(key) != null);
            System.out.println("changed: " + before + after + (out == System.out) + (err == System.err));
        }

        private static TreeMap<String, String> state() throws IOException {
            TreeMap<String, String> state = new TreeMap<>();
            System.getProperties().forEach((key, value) -> state.put("property " + key, value.toString()));
            System.getenv().forEach((key, value) -> state.put("environment " + key, value));
            for (Provider provider : Security.getProviders()) {
                state.put("provider " + provider.getName(), provider.getVersionStr());
            }
            try (InputStream file =
                    Files.newInputStream(Path.of(System.getProperty("java.home"), "conf/security/java.security"))) {
                java.util.Properties known = new java.util.Properties();
                known.load(file);
                for (String key : known.stringPropertyNames()) {
                    state.put("security " + key, String.valueOf(Security.getProperty(key)));
                }
            }
            state.put("locale", Locale.getDefault().toString());
            state.put("time zone", TimeZone.getDefault().getID());
            state.put("handler", String.valueOf(Thread.getDefaultUncaughtExceptionHandler()));
            for (String signals : new String[] {"SigBlk", "SigIgn", "SigCgt"}) {
                state.put(signals, line("/proc/self/status", signals));
            }
            state.put("limits", Files.readString(Path.of("/proc/self/limits")));
            state.put("umask", line("/proc/self/status", "Umask"));
            return state;
        }

        private static String line(String file, String start) throws IOException {
            try (Stream<String> lines = Files.lines(Path.of(file))) {
                return lines.filter(line -> line.startsWith(start)).findFirst().orElse("");
            }
        }
    }

    /** Does the same over and over, well and badly, and says how many kilobytes the process has grown. */
    static final class Repetition {
        public static void main(String[] arguments) throws Exception {
            Platform platform = new Platform();
            byte[] body = platform.paid("PROCESS2026");
            Map<String, List<String>> headers = platform.signed(body);
            try (PaysealClient client = PaysealClient.builder(
                            platform.configuration().build())
                    .log((level, record) -> {})
                    .clock(java.time.InstantSource.system())
                    .build()) {
                repeat(client, headers, body, 10_000);
                long before = resident();
                repeat(client, headers, body, 40_000);
                System.out.println("grown: " + (resident() - before));
            }
        }

        private static void repeat(PaysealClient client, Map<String, List<String>> headers, byte[] body, int times) {
            for (int i = 0; i < times; i++) {
                client.openNotification(headers, body);
                try {
                    client.openNotification(Map.of(), body);
                } catch (TrustException refused) {
                    // As it should be.
                }
                client.newCall("POST /v3/pay/transactions/native", Orders.order("PROCESS2026"))
                        .close();
            }
        }

        private static long resident() throws IOException {
            System.gc();
            try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
                String line =
                        lines.filter(it -> it.startsWith("VmRSS")).findFirst().orElseThrow();
                return Long.parseLong(line.replaceAll("\\D", ""));
            }
        }
    }

    /** Each round carries some kilobytes in and out: what is not given back would be hundreds of megabytes. */
    @Test
    void memory_does_not_grow_with_the_number_of_calls() throws Exception {
        Outcome outcome = java(Repetition.class, "-Xmx64m", "-Xms64m", "-XX:+AlwaysPreTouch");
        assertEquals(0, outcome.exit(), outcome.output());
        Matcher grown = Pattern.compile("grown: (-?\\d+)").matcher(outcome.output());
        assertTrue(grown.find(), outcome.output());
        assertTrue(Long.parseLong(grown.group(1)) < 32_000, outcome.output());
    }

    /** Only names the version. */
    static final class Version {
        public static void main(String[] arguments) {
            System.out.println("version: " + PaysealClient.version());
        }
    }

    @Test
    void loading_and_using_the_library_changes_nothing_of_the_process() throws Exception {
        Outcome outcome = java(Probe.class);
        assertEquals(0, outcome.exit(), outcome.output());
        assertTrue(outcome.output().contains("changed: {}{}truetrue"), outcome.output());
        assertFalse(outcome.output().contains("WARNING"), outcome.output());
    }

    @Test
    void the_library_is_extracted_where_it_is_told_and_removed_again() throws Exception {
        Path extract = folder.resolve("not/there/yet");
        Outcome outcome = java(Version.class, "-Dpayseal.extract.dir=" + extract);
        assertEquals(0, outcome.exit(), outcome.output());
        assertTrue(outcome.output().contains("version: 0."), outcome.output());
        try (Stream<Path> left = Files.list(extract)) {
            assertEquals(List.of(), left.toList());
        }
    }

    @Test
    void nobody_else_can_touch_the_library_before_it_is_loaded() throws Exception {
        Path one = Library.freshFolder(folder);
        Path other = Library.freshFolder(folder);
        assertNotEquals(one, other);
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(one)));
    }

    @Test
    void a_folder_that_cannot_be_written_is_named() throws Exception {
        Path file = Files.writeString(folder.resolve("file"), "");
        Outcome outcome = java(Version.class, "-Dpayseal.extract.dir=" + file);
        assertEquals(1, outcome.exit());
        assertTrue(outcome.output().contains("UnsatisfiedLinkError: cannot extract"), outcome.output());
    }

    @Test
    void the_library_is_loaded_from_where_it_is_told() throws Exception {
        Path library = copyOfLibrary();
        Outcome outcome = java(Version.class, "-Dpayseal.library.path=" + library);
        assertEquals(0, outcome.exit(), outcome.output());
        Outcome missing = java(Version.class, "-Dpayseal.library.path=" + folder.resolve("nothing.so"));
        assertEquals(1, missing.exit());
        assertTrue(missing.output().contains("UnsatisfiedLinkError"), missing.output());
        assertTrue(missing.output().contains("nothing.so"), missing.output());
    }

    private Path copyOfLibrary() throws IOException {
        Path library = folder.resolve("libpayseal_jni.so");
        try (InputStream in = Native.class.getResourceAsStream("/native/linux-x86_64/libpayseal_jni.so")) {
            Files.copy(in, library);
        }
        return library;
    }

    /** The same JNI side over a payseal.h of another version: only the first question is ever asked. */
    @Test
    void a_library_with_another_abi_is_refused() throws Exception {
        Path checkout = Path.of(System.getProperty("payseal.checkout")).toRealPath();
        Path home = Path.of(System.getProperty("java.home"));
        StringBuilder functions =
                new StringBuilder("#include <stdint.h>\nuint32_t payseal_abi_version(void) { return 99; }\n");
        for (String symbol : Files.readAllLines(checkout.resolve("tests/header/symbols.txt"))) {
            if (!symbol.equals("payseal_abi_version")) {
                functions.append("void ").append(symbol).append("(void) {}\n");
            }
        }
        Path other = Files.writeString(folder.resolve("other.c"), functions);
        Path library = folder.resolve("libother.so");
        List<String> command = new ArrayList<>(List.of(
                "gcc",
                "-shared",
                "-fPIC",
                "-Wl,-z,lazy",
                "-o",
                library.toString(),
                "-I" + checkout.resolve("include"),
                "-I" + home.resolve("include"),
                "-I" + home.resolve("include/linux"),
                other.toString()));
        try (Stream<Path> sources = Files.list(checkout.resolve("bindings/java/payseal/src/main/native"))) {
            sources.map(Path::toString).filter(source -> source.endsWith(".c")).forEach(command::add);
        }
        Outcome built = run(command);
        assertEquals(0, built.exit(), built.output());
        Outcome outcome = java(Version.class, "-Dpayseal.library.path=" + library);
        assertEquals(1, outcome.exit(), outcome.output());
        assertTrue(
                outcome.output().contains("the native library has ABI version 99, this jar needs 1"), outcome.output());
    }

    @Test
    void the_library_exports_nothing_but_what_the_jvm_looks_for() throws Exception {
        Outcome symbols =
                run(List.of("nm", "--dynamic", "--defined-only", copyOfLibrary().toString()));
        assertEquals(0, symbols.exit(), symbols.output());
        assertEquals(
                List.of("JNI_OnLoad", "JNI_OnUnload"),
                symbols.output()
                        .lines()
                        .map(line -> line.substring(line.lastIndexOf(' ') + 1))
                        .toList());
    }
}
