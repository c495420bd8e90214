package io.payseal.spring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.payseal.ErrorCode;
import io.payseal.OrderException;
import io.payseal.PaysealClient;
import io.payseal.payments.Event;
import io.payseal.payments.Payments;
import io.payseal.payments.PaymentsConfiguration;
import io.payseal.testing.Platform;
import io.payseal.testing.SharedDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import javax.sql.DataSource;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.core.ConnectionCallback;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.transaction.annotation.Transactional;

/** An event takes effect in the transaction that Spring opens around a method of the service. */
@Timeout(60)
class TransactionalTest {
    private static final Platform PLATFORM = new Platform();

    /** As a service is written. */
    static class Warehouse {
        private final JdbcTemplate jdbc;
        private final Payments payments;

        Warehouse(DataSource source, Payments payments) {
            this.jdbc = new JdbcTemplate(source);
            this.payments = payments;
        }

        @Transactional
        public void ship(Event event, boolean isOutOfBoxes) {
            jdbc.update("INSERT INTO parcels VALUES (?)", event.orderNo());
            jdbc.execute((ConnectionCallback<Void>) connection -> {
                payments.ackIn(connection, event);
                return null;
            });
            if (isOutOfBoxes) {
                throw new IllegalStateException("no more boxes");
            }
        }

        public List<String> parcels() {
            return jdbc.queryForList("SELECT order_no FROM parcels", String.class);
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableTransactionManagement(proxyTargetClass = true)
    static class Transactions {}

    private static AnnotationConfigApplicationContext application(DataSource source, Payments payments) {
        AnnotationConfigApplicationContext application = new AnnotationConfigApplicationContext();
        application.register(Transactions.class);
        application.registerBean(JdbcTransactionManager.class, () -> new JdbcTransactionManager(source));
        application.registerBean(Warehouse.class, () -> new Warehouse(source, payments));
        application.refresh();
        return application;
    }

    @ParameterizedTest
    @EnumSource
    void a_transactional_method_acknowledges_with_its_own_rows_or_not_at_all(SharedDatabase.Server server)
            throws SQLException {
        SharedDatabase database = server.create();
        database.execute("CREATE TABLE parcels (order_no VARCHAR(64) NOT NULL PRIMARY KEY)");
        AtomicReference<Duration> ahead = new AtomicReference<>(Duration.ZERO);
        try (PaysealClient client = PaysealClient.of(PLATFORM.configuration().build());
                Payments payments = Payments.builder(
                                PaymentsConfiguration.builder(database.store()).build())
                        .account("wechat", client)
                        .clock(() -> Instant.now().plus(ahead.get()))
                        .build();
                AnnotationConfigApplicationContext application = application(database.source(), payments)) {
            Warehouse warehouse = application.getBean(Warehouse.class);
            byte[] body = PLATFORM.paid("ORDER20260102");
            assertNull(payments.accept("wechat", PLATFORM.signed(body), body).error());

            Event mine = payments.claimEvents(1).get(0);
            assertThrows(IllegalStateException.class, () -> warehouse.ship(mine, true));
            ahead.set(Duration.ofMinutes(1));
            Event theirs = payments.claimEvents(1).get(0);
            OrderException lost = assertThrows(OrderException.class, () -> warehouse.ship(mine, false));
            assertEquals(ErrorCode.LEASE_LOST, lost.code());
            assertEquals(List.of(), warehouse.parcels());
            assertEquals(1, payments.stats().inbox().waiting());

            warehouse.ship(theirs, false);
            assertEquals(List.of("ORDER20260102"), warehouse.parcels());
            assertEquals(0, payments.stats().inbox().waiting());
        }
    }
}
