package io.payseal;

/** What a merchant does with a notification. It must be quick: the provider waits five seconds. */
@FunctionalInterface
public interface NotificationHandler {
    /**
     * Takes care of a notification. The same one may come any number of times, in any order.
     *
     * @param notification the verified notification
     * @throws Exception when it is not taken care of; the provider is told so and will repeat it. An
     *     {@link InterruptedException} sets the thread's interrupt status again
     */
    void handle(Notification notification) throws Exception;
}
