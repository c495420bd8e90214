package io.payseal.examples.shop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.payseal.PaysealClient;
import io.payseal.payments.Event;
import io.payseal.payments.EventKind;
import io.payseal.payments.Payments;
import io.payseal.payments.PaymentsConfiguration;
import io.payseal.payments.Runner;
import io.payseal.slf4j.Slf4jLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** A client for each provider, the payments, and their runner. Spring closes them with the application, the runner first. */
@Configuration
class Cashier {
    private static final Logger LOG = LoggerFactory.getLogger("shop");

    @Bean
    PaysealClient wechat(Settings settings) throws IOException {
        return client(settings.wechat());
    }

    @Bean
    PaysealClient alipay(Settings settings) throws IOException {
        return client(settings.alipay());
    }

    private static PaysealClient client(Path config) throws IOException {
        return PaysealClient.builder(io.payseal.Configuration.fromFile(config))
                .log(new Slf4jLog())
                .build();
    }

    @Bean
    Payments payments(Settings settings, PaysealClient wechat, PaysealClient alipay) {
        return Payments.builder(
                        PaymentsConfiguration.builder(settings.database()).build())
                .account("wechat", wechat)
                .account("alipay", alipay)
                .log(new Slf4jLog())
                .build();
    }

    /** Does the work that no request does: takes up what the providers have told, asks about what they have not, closes what nobody pays. */
    @Bean
    Runner runner(Payments payments) {
        return Runner.builder(payments).handler(Cashier::handle).start();
    }

    /** Gets an event until it returns; then the event takes effect. A real shop ships here. */
    private static void handle(Event event) {
        if (event.kind().equals(EventKind.PAYMENT_PAID)) {
            LOG.info("order {} is paid, by {}", event.orderNo(), event.source());
        } else if (event.kind().equals(EventKind.EXCEPTION_RAISED)) {
            LOG.warn("a person has to look at order {}: {}", event.orderNo(), event.exception());
        }
    }

    /** The first host of the configuration: where the page finds the sandbox's wx.js. */
    @Bean
    Sandbox sandbox(Settings settings) throws IOException {
        JsonNode config = new ObjectMapper().readTree(Files.readAllBytes(settings.wechat()));
        return new Sandbox(config.path("hosts").path(0).asText(null));
    }

    record Sandbox(String address) {}
}
