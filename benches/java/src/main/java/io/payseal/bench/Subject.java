package io.payseal.bench;

import java.io.IOException;
import java.io.InputStream;

/** One of the two libraries, doing the same work. */
interface Subject {
    static long drain(InputStream in) throws IOException {
        byte[] piece = new byte[64 << 10];
        long total = 0;
        for (int read; (read = in.read(piece)) >= 0; total += read) {}
        return total;
    }

    /** Goes from the texts of a configuration to a client that can sign and verify. */
    void clientNew();

    /** Takes an order from its parameters to the door of the HTTP client, where it is refused. */
    void signRequest();

    void openNotification();

    void roundTrip();

    /** Applies for a bill, reads all of it, checks its hash; how many bytes it has. */
    long bill() throws IOException;
}
