package io.payseal;

import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;

/**
 * One object of the core. It is freed once: by {@link #close()}, or by the cleaner when its owner was forgotten. Afterwards
 * {@link #get()} gives 0, which the core answers with {@link ErrorCode#INVALID_HANDLE}; a handle that is freed in the middle of
 * a call is no danger, because the core looks handles up in a table.
 */
final class Handle implements AutoCloseable {
    private static final Cleaner CLEANER = Cleaner.create();

    private final AtomicLong pointer;
    private final Cleaner.Cleanable cleanable;

    Handle(Object owner, long pointer, LongConsumer free) {
        AtomicLong cell = new AtomicLong(pointer);
        this.pointer = cell;
        this.cleanable = CLEANER.register(owner, () -> free.accept(cell.getAndSet(0)));
    }

    long get() {
        return pointer.get();
    }

    @Override
    public void close() {
        cleanable.clean();
    }
}
