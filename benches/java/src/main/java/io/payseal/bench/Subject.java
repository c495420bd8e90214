package io.payseal.bench;

/** One of the two libraries, doing the same work. */
interface Subject {
    /** Takes an order from its parameters to the door of the HTTP client, where it is refused. */
    void signRequest();

    void openNotification();

    void roundTrip();
}
