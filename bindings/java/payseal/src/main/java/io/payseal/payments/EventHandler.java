package io.payseal.payments;

/** Takes care of events; called on several threads at once. */
@FunctionalInterface
public interface EventHandler {
    /**
     * Takes care of an event. It may get one more than once, when a process ends at the wrong moment. The thread is interrupted when somebody else has the
     * event, because this process was too slow to keep it.
     *
     * @param event what was learned
     * @throws PermanentException where trying again does not mend it: the event is dead at once and waits for a person
     * @throws Exception otherwise: the event comes again after a pause
     */
    void handle(Event event) throws Exception;
}
