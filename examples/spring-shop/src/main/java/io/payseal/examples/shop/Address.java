package io.payseal.examples.shop;

import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.event.EventListener;
import org.springframework.core.env.Environment;
import org.springframework.stereotype.Component;

/** Where the shop is. With port 0 only the running server knows. */
@Component
class Address {
    private final Settings settings;
    private final Environment environment;

    Address(Settings settings, Environment environment) {
        this.settings = settings;
        this.environment = environment;
    }

    @EventListener(ApplicationReadyEvent.class)
    void announce() {
        System.out.println("shop: " + own());
    }

    /** The address of a path of this shop, as the providers and the buyer's browser reach it. */
    String of(String path) {
        return (settings.publicUrl() != null ? settings.publicUrl() : own()) + path;
    }

    private String own() {
        return "http://" + environment.getProperty("server.address") + ":"
                + environment.getProperty("local.server.port");
    }
}
