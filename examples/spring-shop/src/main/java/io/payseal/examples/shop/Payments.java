package io.payseal.examples.shop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.payseal.Configuration;
import io.payseal.PaysealClient;
import io.payseal.slf4j.Slf4jLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.springframework.context.annotation.Bean;

/** A client for each provider. Spring closes them with the application. */
@org.springframework.context.annotation.Configuration
class Payments {
    @Bean
    PaysealClient wechat(Settings settings) throws IOException {
        return client(settings.wechat());
    }

    @Bean
    PaysealClient alipay(Settings settings) throws IOException {
        return client(settings.alipay());
    }

    private static PaysealClient client(Path config) throws IOException {
        return PaysealClient.builder(Configuration.fromFile(config))
                .log(new Slf4jLog())
                .build();
    }

    /** The first host of the configuration: where the page finds the sandbox's wx.js. */
    @Bean
    Sandbox sandbox(Settings settings) throws IOException {
        JsonNode config = new ObjectMapper().readTree(Files.readAllBytes(settings.wechat()));
        return new Sandbox(config.path("hosts").path(0).asText(null));
    }

    record Sandbox(String address) {}
}
