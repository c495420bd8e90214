package io.payseal.payments;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Tells the runners of this process that there may be something to claim. */
final class Bell {
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();

    void listen(Runnable listener) {
        listeners.add(listener);
    }

    void forget(Runnable listener) {
        listeners.remove(listener);
    }

    void ring() {
        listeners.forEach(Runnable::run);
    }
}
