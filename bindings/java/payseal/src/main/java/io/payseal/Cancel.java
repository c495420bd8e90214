package io.payseal;

import java.io.IOException;
import java.nio.channels.spi.AbstractInterruptibleChannel;

/** Ends one blocking call early, from another thread or by interrupting the thread that is inside it. */
final class Cancel implements AutoCloseable {
    private final long pointer = Native.cancelNew();
    private boolean closed;

    /** For {@link Native#clientExecute}. */
    long pointer() {
        return pointer;
    }

    /** Does nothing when the call is over. */
    synchronized void trigger() {
        if (!closed) {
            Native.cancelTrigger(pointer);
        }
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            Native.cancelFree(pointer);
        }
    }

    /** From now until {@link Interruptible#over()}, an interrupt of this thread triggers the cancellation. */
    Interruptible onInterrupt() {
        Interruptible interruptible = new Interruptible();
        interruptible.start();
        return interruptible;
    }

    /** The JDK tells a blocked thread's channel of an interrupt; this is such a channel without data. */
    final class Interruptible extends AbstractInterruptibleChannel {
        private void start() {
            begin();
        }

        /** Leaves the thread's interrupt status as it is. */
        void over() {
            try {
                end(true);
            } catch (IOException interrupted) {
                // The core's own answer says whether the interrupt came in time.
            }
        }

        @Override
        protected void implCloseChannel() {
            trigger();
        }
    }
}
