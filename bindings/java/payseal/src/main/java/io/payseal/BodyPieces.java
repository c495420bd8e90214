package io.payseal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * The body of an answer, piece by piece, for one reader. The stream that {@code java.net.http} offers keeps on waiting when its reader is
 * interrupted (Java 17); this one does not.
 */
final class BodyPieces implements Flow.Subscriber<List<ByteBuffer>>, AutoCloseable {
    private static final Object END = new Object();

    private final BlockingQueue<Object> arrived = new LinkedBlockingQueue<>();
    private volatile Flow.Subscription subscription;
    private volatile boolean closed;
    private Iterator<ByteBuffer> buffers = Collections.emptyIterator();
    private ByteBuffer buffer = ByteBuffer.allocate(0);

    /**
     * The next bytes.
     *
     * @param into where they go
     * @return how many, or -1 at the end
     * @throws IOException when the body broke off or was closed
     * @throws InterruptedException when the reader was interrupted
     */
    int read(byte[] into) throws IOException, InterruptedException {
        while (!buffer.hasRemaining()) {
            if (buffers.hasNext()) {
                buffer = buffers.next();
                continue;
            }
            Object next = arrived.take();
            if (next == END) {
                arrived.add(END);
                return -1;
            }
            if (next instanceof Throwable failure) {
                arrived.add(failure);
                throw new IOException(failure);
            }
            @SuppressWarnings("unchecked")
            List<ByteBuffer> list = (List<ByteBuffer>) next;
            buffers = list.iterator();
            subscription.request(1);
        }
        int length = Math.min(into.length, buffer.remaining());
        buffer.get(into, 0, length);
        return length;
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
        this.subscription = subscription;
        if (closed) {
            subscription.cancel();
        } else {
            subscription.request(1);
        }
    }

    @Override
    public void onNext(List<ByteBuffer> list) {
        arrived.add(list);
    }

    @Override
    public void onError(Throwable failure) {
        arrived.add(failure);
    }

    @Override
    public void onComplete() {
        arrived.add(END);
    }

    /** Gives up the rest, and with it the connection. May be called from any thread. */
    @Override
    public void close() {
        closed = true;
        if (subscription != null) {
            subscription.cancel();
        }
        arrived.clear();
        arrived.add(new IOException("closed"));
    }
}
