package io.payseal.payments;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.payseal.ErrorCode;
import io.payseal.OrderException;
import io.payseal.Outcome;
import io.payseal.testing.Orders;
import io.payseal.testing.Sandbox;
import io.payseal.testing.SharedDatabase;
import io.payseal.testing.Transport;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** An event takes effect in a transaction of the service's own, over the drivers that services use. */
@Timeout(60)
class AckInTest {
    @TempDir
    static Path keys;

    private static Sandbox sandbox;

    @BeforeAll
    static void start() {
        sandbox = Sandbox.start(keys);
    }

    @AfterAll
    static void stop() {
        sandbox.close();
    }

    /** A shop that ships what is paid: a row for each order, in the database that payments use too. */
    private static final class Warehouse implements AutoCloseable {
        final Till.Clock clock = new Till.Clock();
        final SharedDatabase database;
        final Shop shop;
        final String number = Orders.number();

        Warehouse(SharedDatabase.Server server) throws SQLException, IOException {
            database = server.create();
            database.execute("CREATE TABLE parcels (order_no VARCHAR(64) NOT NULL PRIMARY KEY)");
            shop = new Shop(sandbox, database.store(), "wechat", Transport.BUILT_IN, clock);
        }

        /** The order, as the event that it is paid. */
        Event paid() throws InterruptedException {
            pay();
            return shop.payments.claimEvents(1).get(0);
        }

        void pay() throws InterruptedException {
            shop.payments.create(Shop.request(number, Method.NATIVE));
            sandbox.pay(number);
            assertNull(shop.accepted.poll(20, TimeUnit.SECONDS).error());
        }

        /** As a service does it. */
        void ship(Event event) throws SQLException {
            try (Connection connection = database.source().getConnection()) {
                connection.setAutoCommit(false);
                try {
                    insert(connection, event);
                    connection.commit();
                } catch (SQLException | RuntimeException error) {
                    connection.rollback();
                    throw error;
                }
            }
        }

        void insert(Connection connection, Event event) throws SQLException {
            try (PreparedStatement insert = connection.prepareStatement("INSERT INTO parcels VALUES (?)")) {
                insert.setString(1, event.orderNo());
                insert.executeUpdate();
            }
            shop.payments.ackIn(connection, event);
        }

        void has(List<String> parcels, State state, int waiting, int messages) throws SQLException {
            List<String> found = new ArrayList<>();
            try (Connection connection = database.source().getConnection();
                    PreparedStatement select = connection.prepareStatement("SELECT order_no FROM parcels");
                    ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    found.add(rows.getString(1));
                }
            }
            Stats stats = shop.payments.stats();
            assertEquals(parcels, found);
            assertEquals(state, shop.payments.order(number).order().state());
            assertEquals(waiting, stats.inbox().waiting());
            assertEquals(messages, stats.outbox().waiting());
        }

        @Override
        public void close() {
            shop.close();
        }
    }

    @ParameterizedTest
    @EnumSource
    void the_services_row_and_the_acknowledgement_are_committed_together(SharedDatabase.Server server)
            throws Exception {
        try (Warehouse warehouse = new Warehouse(server)) {
            Event event = warehouse.paid();
            warehouse.has(List.of(), State.PAYING, 1, 0);
            warehouse.ship(event);
            warehouse.has(List.of(warehouse.number), State.PAID, 0, 1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void when_the_service_rolls_back_neither_is_there(SharedDatabase.Server server) throws Exception {
        try (Warehouse warehouse = new Warehouse(server)) {
            Event event = warehouse.paid();
            try (Connection connection = warehouse.database.source().getConnection()) {
                connection.setAutoCommit(false);
                warehouse.insert(connection, event);
                connection.rollback();
            }
            warehouse.has(List.of(), State.PAYING, 1, 0);
            warehouse.ship(event);
            warehouse.has(List.of(warehouse.number), State.PAID, 0, 1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void with_an_old_token_nothing_of_the_services_is_committed(SharedDatabase.Server server) throws Exception {
        try (Warehouse warehouse = new Warehouse(server)) {
            Event mine = warehouse.paid();
            warehouse.clock.advance(Duration.ofMinutes(1));
            Event theirs = warehouse.shop.payments.claimEvents(1).get(0);
            OrderException lost = assertThrows(OrderException.class, () -> warehouse.ship(mine));
            assertEquals(ErrorCode.LEASE_LOST, lost.code());
            assertEquals(Outcome.NOT_SENT, lost.outcome());
            warehouse.has(List.of(), State.PAYING, 1, 0);
            warehouse.ship(theirs);
            warehouse.has(List.of(warehouse.number), State.PAID, 0, 1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_handler_of_a_runner_acknowledges_with_its_own_rows(SharedDatabase.Server server) throws Exception {
        try (Warehouse warehouse = new Warehouse(server)) {
            CountDownLatch calls = new CountDownLatch(1);
            try (Runner runner = Runner.builder(warehouse.shop.payments)
                    .acknowledgingHandler(event -> {
                        warehouse.ship(event);
                        calls.countDown();
                    })
                    .start()) {
                warehouse.pay();
                assertTrue(calls.await(20, TimeUnit.SECONDS));
                assertNull(runner.failure());
            }
            warehouse.has(List.of(warehouse.number), State.PAID, 0, 1);
        }
    }
}
