/* The JNI side of io.payseal.DownloadNative. */
#include "payseal_jni.h"

/* What is copied between Java and the core at once. */
#define PIECE ((jint)(64 << 10))

static jlong download_new(JNIEnv *env, jclass class, jlong client, jbyteArray params, jlong cancel) {
  (void)class;
  bytes in;
  if (!take(env, params, &in)) return 0;
  payseal_download *download = NULL;
  payseal_error *error = NULL;
  int32_t code = payseal_download_new(pointer(client), in.data, in.len, pointer(cancel), &download, &error);
  drop(&in);
  return ok(env, code, error) ? handle(download) : 0;
}

typedef int32_t (*reading)(payseal_download *, uint8_t *, size_t, size_t *, payseal_error **);

/* Reads into memory of our own: the call may block, and the array may move meanwhile. */
static jint read_with(JNIEnv *env, reading function, jlong download, jbyteArray out, jint offset, jint length) {
  size_t room = (size_t)(length < PIECE ? length : PIECE), count = 0;
  uint8_t *piece = malloc(room > 0 ? room : 1);
  if (piece == NULL) {
    throw_new(env, "java/lang/OutOfMemoryError", "payseal: no native memory to read into");
    return 0;
  }
  payseal_error *error = NULL;
  int32_t code = function(pointer(download), piece, room, &count, &error);
  if (ok(env, code, error)) (*env)->SetByteArrayRegion(env, out, offset, (jint)count, (const jbyte *)piece);
  free(piece);
  return (jint)count;
}

static jint download_read(JNIEnv *env, jclass class, jlong download, jbyteArray out, jint offset, jint length) {
  (void)class;
  return read_with(env, payseal_download_read, download, out, offset, length);
}

static jint download_take(JNIEnv *env, jclass class, jlong download, jbyteArray out, jint offset, jint length) {
  (void)class;
  return read_with(env, payseal_download_take, download, out, offset, length);
}

static jbyteArray download_save(JNIEnv *env, jclass class, jlong download, jbyteArray path) {
  (void)class;
  bytes in;
  if (!take(env, path, &in)) return NULL;
  payseal_buffer info = {NULL, 0};
  payseal_error *error = NULL;
  int32_t code = payseal_download_save(pointer(download), in.data, in.len, &info, &error);
  drop(&in);
  return ok(env, code, error) ? give(env, &info) : NULL;
}

static void download_save_to(JNIEnv *env, jclass class, jlong download, jbyteArray path) {
  (void)class;
  bytes in;
  if (!take(env, path, &in)) return;
  payseal_error *error = NULL;
  int32_t code = payseal_download_save_to(pointer(download), in.data, in.len, &error);
  drop(&in);
  ok(env, code, error);
}

typedef int32_t (*describing)(const payseal_download *, payseal_buffer *, payseal_error **);

static jbyteArray described(JNIEnv *env, describing function, jlong download) {
  payseal_buffer out = {NULL, 0};
  payseal_error *error = NULL;
  int32_t code = function(pointer(download), &out, &error);
  return ok(env, code, error) ? give(env, &out) : NULL;
}

static jbyteArray download_info(JNIEnv *env, jclass class, jlong download) {
  (void)class;
  return described(env, payseal_download_info, download);
}

static jbyteArray download_request(JNIEnv *env, jclass class, jlong download) {
  (void)class;
  return described(env, payseal_download_request, download);
}

static jbyteArray download_body(JNIEnv *env, jclass class, jlong download) {
  (void)class;
  return described(env, payseal_download_body, download);
}

static jint download_step(JNIEnv *env, jclass class, jlong download, jlongArray wait_ms) {
  (void)class;
  int32_t action = 0;
  uint64_t wait = 0;
  payseal_error *error = NULL;
  int32_t code = payseal_download_step(pointer(download), &action, &wait, &error);
  if (!ok(env, code, error)) return 0;
  jlong milliseconds = (jlong)wait;
  (*env)->SetLongArrayRegion(env, wait_ms, 0, 1, &milliseconds);
  return action;
}

static void download_respond(JNIEnv *env, jclass class, jlong download, jint status, jbyteArray headers) {
  (void)class;
  bytes in;
  if (!take(env, headers, &in)) return;
  payseal_error *error = NULL;
  int32_t code = payseal_download_respond(pointer(download), (uint32_t)status, in.data, in.len, &error);
  drop(&in);
  ok(env, code, error);
}

static void download_receive(JNIEnv *env, jclass class, jlong download, jbyteArray piece, jint length) {
  (void)class;
  bytes in;
  if (!take(env, piece, &in)) return;
  payseal_error *error = NULL;
  int32_t code = payseal_download_receive(pointer(download), in.data, (size_t)length, &error);
  drop(&in);
  ok(env, code, error);
}

static void download_end(JNIEnv *env, jclass class, jlong download) {
  (void)class;
  payseal_error *error = NULL;
  int32_t code = payseal_download_end(pointer(download), &error);
  ok(env, code, error);
}

static void download_fail(JNIEnv *env, jclass class, jlong download, jint failure, jbyteArray reason) {
  (void)class;
  bytes in;
  if (!take(env, reason, &in)) return;
  payseal_error *error = NULL;
  int32_t code = payseal_download_fail(pointer(download), failure, in.data, in.len, &error);
  drop(&in);
  ok(env, code, error);
}

static void download_free(JNIEnv *env, jclass class, jlong download) {
  (void)env, (void)class;
  payseal_download_free(pointer(download));
}

static const JNINativeMethod METHODS[] = {
    METHOD("create", "(J[BJ)J", download_new),
    METHOD("read", "(J[BII)I", download_read),
    METHOD("save", "(J[B)[B", download_save),
    METHOD("info", "(J)[B", download_info),
    METHOD("step", "(J[J)I", download_step),
    METHOD("request", "(J)[B", download_request),
    METHOD("body", "(J)[B", download_body),
    METHOD("respond", "(JI[B)V", download_respond),
    METHOD("receive", "(J[BI)V", download_receive),
    METHOD("end", "(J)V", download_end),
    METHOD("fail", "(JI[B)V", download_fail),
    METHOD("take", "(J[BII)I", download_take),
    METHOD("saveTo", "(J[B)V", download_save_to),
    METHOD("free", "(J)V", download_free),
};

jint register_download(JNIEnv *env) {
  jclass native = (*env)->FindClass(env, "io/payseal/DownloadNative");
  return native == NULL ? JNI_ERR : register_natives(env, native, METHODS, COUNT(METHODS));
}
