package io.payseal.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.net.URI;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Locale;
import javax.sql.DataSource;
import org.mariadb.jdbc.MariaDbDataSource;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A database of a test's own, which payments and the service share.
 *
 * @param store its URL for payments
 * @param source the same for the service
 */
public record SharedDatabase(String store, DataSource source) {
    /** The servers, each with the driver that services use. None is SQLite: a second one in this process must not open the file. */
    public enum Server {
        POSTGRES("PAYSEAL_TEST_POSTGRES") {
            @Override
            DataSource source(URI store, String user, String password) {
                PGSimpleDataSource source = new PGSimpleDataSource();
                source.setUrl("jdbc:postgresql://" + store.getAuthority().replaceFirst(".*@", "") + store.getPath());
                source.setUser(user);
                source.setPassword(password);
                return source;
            }
        },
        MYSQL("PAYSEAL_TEST_MYSQL") {
            @Override
            DataSource source(URI store, String user, String password) throws SQLException {
                MariaDbDataSource source = new MariaDbDataSource();
                source.setUrl("jdbc:mariadb://" + store.getAuthority().replaceFirst(".*@", "") + store.getPath());
                source.setUser(user);
                source.setPassword(password);
                return source;
            }
        };

        private final String variable;

        Server(String variable) {
            this.variable = variable;
        }

        abstract DataSource source(URI store, String user, String password) throws SQLException;

        private SharedDatabase database(URI store) throws SQLException {
            String[] credentials = store.getUserInfo().split(":", 2);
            return new SharedDatabase(store.toString(), source(store, credentials[0], credentials[1]));
        }

        /** Makes one; without a server the test is skipped. */
        public SharedDatabase create() throws SQLException {
            String address = System.getenv(variable);
            assumeTrue(address != null, variable + " names no server; scripts/services.py starts one");
            URI server = URI.create(address);
            String name = "java_" + Orders.number().toLowerCase(Locale.ROOT);
            database(server).execute("CREATE DATABASE " + name);
            return database(server.resolve("/" + name));
        }
    }

    public void execute(String sql) throws SQLException {
        try (Connection connection = source.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
