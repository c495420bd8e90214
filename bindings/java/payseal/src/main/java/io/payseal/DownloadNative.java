package io.payseal;

/** The functions of {@code payseal.h} about downloads; see {@link Native}, which loads the library. */
final class DownloadNative {
    private DownloadNative() {}

    static native long create(long client, byte[] params, long cancel);

    static native int read(long download, byte[] out, int offset, int length);

    static native byte[] save(long download, byte[] path);

    static native byte[] info(long download);

    /** Gives the action, and for {@code PAYSEAL_WAIT} the milliseconds in {@code waitMs[0]}. */
    static native int step(long download, long[] waitMs);

    static native byte[] request(long download);

    static native byte[] body(long download);

    static native void respond(long download, int status, byte[] headers);

    static native void receive(long download, byte[] piece, int length);

    static native void end(long download);

    static native void fail(long download, int failure, byte[] reason);

    static native int take(long download, byte[] out, int offset, int length);

    static native void saveTo(long download, byte[] path);

    static native void free(long download);
}
