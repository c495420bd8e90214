package io.payseal.examples.shop;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The command line, and where orders are kept.
 *
 * @param database what DATABASE_URL says, a secret; else the file shop.db
 * @param wechat the payseal configuration of WeChat Pay
 * @param alipay the payseal configuration of Alipay
 * @param listen where to listen, {@code host:port}
 * @param publicUrl under which base the providers and buyers reach this shop; null for its own address
 * @param page the folder of the shop's pages
 */
record Settings(String database, Path wechat, Path alipay, String listen, String publicUrl, Path page) {
    private static final Set<String> OPTIONS = Set.of("--wechat", "--alipay", "--listen", "--public-url", "--page");

    static Settings of(String... arguments) {
        String database = System.getenv("DATABASE_URL");
        return of(database == null || database.isEmpty() ? "sqlite:shop.db" : database, List.of(arguments));
    }

    static Settings of(String database, List<String> arguments) {
        Map<String, String> given = new HashMap<>();
        for (int i = 0; i < arguments.size(); i += 2) {
            if (!OPTIONS.contains(arguments.get(i)) || i + 1 == arguments.size()) {
                throw new IllegalArgumentException("what is " + arguments.get(i) + "? Options are " + OPTIONS);
            }
            given.put(arguments.get(i), arguments.get(i + 1));
        }
        for (String needed : List.of("--wechat", "--alipay")) {
            if (!given.containsKey(needed)) {
                throw new IllegalArgumentException(needed + " is needed: a payseal configuration");
            }
        }
        return new Settings(
                database,
                Path.of(given.get("--wechat")),
                Path.of(given.get("--alipay")),
                given.getOrDefault("--listen", "127.0.0.1:0"),
                given.get("--public-url"),
                given.containsKey("--page") ? Path.of(given.get("--page")) : findPage());
    }

    /** Without the database's password. */
    @Override
    public String toString() {
        return "Settings[listen=" + listen + ", publicUrl=" + publicUrl + "]";
    }

    Map<String, Object> serverProperties() {
        int colon = listen.lastIndexOf(':');
        return Map.of("server.address", listen.substring(0, colon), "server.port", listen.substring(colon + 1));
    }

    /** examples/page, upwards from the working directory and from this program. */
    private static Path findPage() {
        Path program = Path.of(Settings.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .getPath());
        for (Path start : new Path[] {Path.of("").toAbsolutePath(), program}) {
            for (Path folder = start; folder != null; folder = folder.getParent()) {
                Path page = folder.resolve("examples/page");
                if (Files.exists(page.resolve("index.html"))) {
                    return page;
                }
            }
        }
        throw new IllegalArgumentException("examples/page was not found: name it with --page");
    }
}
