package io.payseal;

import java.io.InputStream;
import java.lang.ref.Reference;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Objects;

/**
 * A file on its way: decrypted, decompressed and hashed while it is read, in bounded memory. For one thread at a time; close it.
 *
 * <p>The stream is at its end only when all of the file came and every check has passed; <b>before that nothing that was read may be
 * relied on</b>. Any other end is a {@link PaysealException}, which reading again throws again. An interrupt of the reading thread
 * cancels the download.
 */
public final class Download extends InputStream {
    private final Handle handle;
    private final Cancel cancel = new Cancel();
    private final DownloadOverHttp http;

    Download(long client, DownloadParams params, HttpClient http) {
        try {
            long pointer = DownloadNative.create(client, params.json(), cancel.pointer());
            handle = new Handle(this, pointer, DownloadNative::free);
        } catch (Throwable failure) {
            cancel.close();
            throw failure;
        }
        this.http = http == null ? null : new DownloadOverHttp(http);
    }

    /**
     * Reads a byte.
     *
     * @return the byte, or -1 at the verified end
     * @throws PaysealException when the file did not come or is not what it should be
     */
    @Override
    public int read() {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    /**
     * Reads some bytes.
     *
     * @param out where they go
     * @param offset the first place
     * @param length how many at most
     * @return how many, or -1 at the verified end
     * @throws PaysealException when the file did not come or is not what it should be
     */
    @Override
    public int read(byte[] out, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, out.length);
        if (length == 0) {
            return 0;
        }
        int read = interruptibly(() -> http == null
                ? DownloadNative.read(handle.get(), out, offset, length)
                : http.read(handle.get(), out, offset, length));
        return read == 0 ? -1 : read;
    }

    /**
     * Reads all of it into a file, which only its owner may read. Until every check has passed it has another name, beside its place; then
     * it replaces what was there. On failure nothing stays, and what was there is untouched.
     *
     * @param path the file
     * @return what came
     * @throws PaysealException when it did not come, is not what it should be, or cannot be written
     */
    public DownloadInfo saveTo(Path path) {
        byte[] name = path.toAbsolutePath().toString().getBytes(StandardCharsets.UTF_8);
        interruptibly(() -> {
            if (http == null) {
                DownloadNative.save(handle.get(), name);
            } else {
                DownloadNative.saveTo(handle.get(), name);
                http.read(handle.get(), new byte[0], 0, 0);
            }
            return 0;
        });
        return info();
    }

    /**
     * How far it is.
     *
     * @return what came so far
     */
    public DownloadInfo info() {
        try {
            return Json.read(DownloadNative.info(handle.get()), DownloadInfo.class);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** Hangs up if the file is not at its end, and frees the download. May be repeated. */
    @Override
    public void close() {
        if (http != null) {
            http.hangUp();
        }
        handle.close();
        cancel.close();
    }

    private interface Reading {
        int read();
    }

    private int interruptibly(Reading reading) {
        Cancel.Interruptible interruptible = cancel.onInterrupt();
        try {
            return reading.read();
        } finally {
            interruptible.over();
            Reference.reachabilityFence(this);
        }
    }
}
