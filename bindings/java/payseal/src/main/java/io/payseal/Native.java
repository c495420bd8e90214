package io.payseal;

import java.nio.charset.StandardCharsets;

/**
 * The functions of {@code payseal.h}, one to one. Objects are {@code long}, texts are UTF-8 bytes, {@code null} is (NULL, 0); a
 * pair of buffers comes back as an array of two. Failures are thrown as {@link PaysealException}.
 */
final class Native {
    /** What {@code payseal_abi_version} must answer. */
    private static final int ABI_VERSION = 1;

    static {
        Library.load();
        int version = abiVersion();
        if (version != ABI_VERSION) {
            throw new UnsatisfiedLinkError(
                    "the native library has ABI version " + version + ", this jar needs " + ABI_VERSION);
        }
    }

    private Native() {}

    static native int abiVersion();

    static native byte[] version();

    static native byte[] operations(byte[] provider);

    static native long clientNew(byte[] config, Callbacks callbacks);

    static native void clientFree(long client);

    static native byte[] clientMetrics(long client);

    static native byte[][] clientExecute(long client, byte[] operation, byte[] params, byte[] payload, long cancel);

    static native byte[] clientInvoke(long client, byte[] kind, byte[] params);

    static native byte[] returnOpen(long client, byte[] query);

    static native long cancelNew();

    static native void cancelTrigger(long cancel);

    static native void cancelFree(long cancel);

    static native long callNew(long client, byte[] operation, byte[] params, byte[] payload);

    static native long callNewNotification(long client, byte[] headers, byte[] body, byte[] options);

    /** Gives the action, and for {@code PAYSEAL_WAIT} the milliseconds in {@code waitMs[0]}. */
    static native int callStep(long call, long[] waitMs);

    static native byte[] callRequest(long call);

    static native byte[] callBody(long call);

    static native void callRespond(long call, int status, byte[] headers, byte[] body);

    static native void callFail(long call, int failure, byte[] reason);

    static native byte[][] callResult(long call);

    static native void callFree(long call);

    static native byte[][] notificationOpen(long client, byte[] headers, byte[] body, byte[] options);

    static native byte[][] notificationReply(long client, int code);

    static native byte[][] clientRun(long client, byte[] flow, byte[] params, long cancel);

    static native long callNewFlow(long client, byte[] flow, byte[] params);

    static native byte[] qrEncode(byte[] text, byte[] options);

    static native long paymentsNew(byte[] config, long[] clients, Callbacks callbacks);

    static native void paymentsFree(long payments);

    static native byte[] paymentsExecute(long payments, byte[] action, byte[] params, long cancel);

    static native byte[][] paymentsAccept(long payments, byte[] account, byte[] headers, byte[] body, byte[] options);

    static native long callNewPayments(long payments, byte[] action, byte[] params);

    static native long callNewAccept(long payments, byte[] account, byte[] headers, byte[] body, byte[] options);

    static native byte[] doctor(byte[] config, Callbacks callbacks, byte[] options);

    static native byte[] notificationExplain(long client, byte[] headers, byte[] body);

    static native int notificationRoute(long[] clients, byte[] headers, byte[] body);

    static native byte[] cryptoSign(byte[] algorithm, byte[] key, byte[] message);

    static native void cryptoVerify(byte[] algorithm, byte[] key, byte[] message, byte[] signature);

    static native byte[] cryptoSeal(byte[] algorithm, byte[] key, byte[] nonce, byte[] aad, byte[] plaintext);

    static native byte[] cryptoOpen(byte[] algorithm, byte[] key, byte[] nonce, byte[] aad, byte[] ciphertext);

    static native byte[] cryptoDigest(byte[] algorithm, byte[] key, byte[] message);

    /** Called by the native side, which throws what this gives. */
    static PaysealException failure(int code, int outcome, byte[] message, byte[] details) {
        PaysealException failure =
                PaysealException.of(code, outcome, new String(message, StandardCharsets.UTF_8), details);
        ErrorCode reason = failure.code();
        if (reason == ErrorCode.SIGNER_FAILED || reason == ErrorCode.CALLBACK_FAILED) {
            Throwable cause = Callbacks.takeFailure();
            if (cause != null) {
                failure.initCause(cause);
            }
        }
        return failure;
    }
}
