package io.payseal.examples.shop;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * A small shop on Spring Boot that takes money through WeChat Pay and Alipay with payseal.
 *
 * <pre>java -jar spring-shop.jar --wechat config.json --alipay config-alipay.json [--listen 127.0.0.1:8080] [--public-url https://shop.example] [--page DIR]</pre>
 *
 * The files are payseal configurations; the sandbox writes both. Orders are kept in the database that DATABASE_URL names, sqlite:PATH,
 * postgres://… or mysql://…; without it in the file shop.db. When the shop is ready it prints one line, "shop: http://…"; its log goes to
 * standard error.
 */
@SpringBootApplication
public class ShopApplication {
    public static void main(String[] arguments) {
        try {
            start(Settings.of(arguments));
        } catch (IllegalArgumentException e) {
            System.err.println("spring-shop: " + e.getMessage());
            System.exit(2);
        }
    }

    static ConfigurableApplicationContext start(Settings settings) {
        SpringApplication application = new SpringApplication(ShopApplication.class);
        application.setDefaultProperties(settings.serverProperties());
        application.addInitializers(context -> context.getBeanFactory().registerSingleton("settings", settings));
        return application.run();
    }
}
