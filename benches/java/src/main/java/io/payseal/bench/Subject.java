package io.payseal.bench;

/** One of the two libraries, doing the same work. */
interface Subject {
    /** Goes from the texts of a configuration to a client that can sign and verify. */
    void clientNew();

    /** Takes an order from its parameters to the door of the HTTP client, where it is refused. */
    void signRequest();

    void openNotification();

    void roundTrip();
}
