/* The JNI side of io.payseal.Native: each function copies its arguments in, calls payseal.h, and copies the answer out.
 *
 * Arguments are copied, never pinned: a call may block for seconds, and a pinned array would stop the collector. Copies are
 * zeroized, because configurations and keys are among them. After any failure a Java exception is pending and the value that is
 * returned means nothing. */
#include "payseal_jni.h"

static struct {
  JavaVM *vm;
  jclass native;
  jclass byte_array;
  jmethodID failure;
  jmethodID present, log, now_ms, random, sign, cache_get, cache_put; /* of io.payseal.Callbacks */
} java;

/* ---- arguments ---- */

void throw_new(JNIEnv *env, const char *class_name, const char *message) {
  jclass class = (*env)->FindClass(env, class_name);
  if (class != NULL) (*env)->ThrowNew(env, class, message);
}

int take(JNIEnv *env, jbyteArray array, bytes *out) {
  *out = (bytes){NULL, 0};
  if (array == NULL) return 1;
  jsize len = (*env)->GetArrayLength(env, array);
  uint8_t *data = malloc(len > 0 ? (size_t)len : 1);
  if (data == NULL) {
    throw_new(env, "java/lang/OutOfMemoryError", "payseal: no native memory for an argument");
    return 0;
  }
  (*env)->GetByteArrayRegion(env, array, 0, len, (jbyte *)data);
  *out = (bytes){data, (size_t)len};
  return 1;
}

void drop(bytes *taken) {
  if (taken->data != NULL) {
    explicit_bzero(taken->data, taken->len);
    free(taken->data);
  }
}

void drop_all(bytes taken[], size_t count) {
  for (size_t i = 0; i < count; i++) drop(&taken[i]);
}

int take_all(JNIEnv *env, const jbyteArray arrays[], bytes taken[], size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (!take(env, arrays[i], &taken[i])) {
      drop_all(taken, i);
      return 0;
    }
  }
  return 1;
}

const payseal_client **clients_of(JNIEnv *env, jlongArray clients, size_t *count) {
  *count = (size_t)(*env)->GetArrayLength(env, clients);
  jlong *numbers = (*env)->GetLongArrayElements(env, clients, NULL);
  const payseal_client **handles = numbers == NULL ? NULL : malloc((*count + 1) * sizeof *handles);
  if (handles == NULL) {
    if (numbers != NULL) (*env)->ReleaseLongArrayElements(env, clients, numbers, JNI_ABORT);
    throw_new(env, "java/lang/OutOfMemoryError", "payseal: no memory for the clients");
    return NULL;
  }
  for (size_t i = 0; i < *count; i++) handles[i] = pointer(numbers[i]);
  (*env)->ReleaseLongArrayElements(env, clients, numbers, JNI_ABORT);
  return handles;
}

/* ---- answers ---- */

jbyteArray array_of(JNIEnv *env, const uint8_t *data, size_t len) {
  if (len > INT_MAX) {
    throw_new(env, "java/lang/OutOfMemoryError", "payseal: an answer is longer than an array can be");
    return NULL;
  }
  jbyteArray array = (*env)->NewByteArray(env, (jsize)len);
  if (array != NULL && len > 0) (*env)->SetByteArrayRegion(env, array, 0, (jsize)len, (const jbyte *)data);
  return array;
}

jbyteArray give(JNIEnv *env, payseal_buffer *buffer) {
  jbyteArray array = array_of(env, buffer->data, buffer->len);
  payseal_buffer_free(buffer);
  return array;
}

jobjectArray give_both(JNIEnv *env, payseal_buffer *first, payseal_buffer *second) {
  jobjectArray pair = NULL;
  jbyteArray one = give(env, first);
  jbyteArray other = one == NULL ? NULL : give(env, second);
  payseal_buffer_free(second);
  if (other != NULL) pair = (*env)->NewObjectArray(env, 2, java.byte_array, one);
  if (pair != NULL) (*env)->SetObjectArrayElement(env, pair, 1, other);
  return pair;
}

int ok(JNIEnv *env, int32_t code, payseal_error *error) {
  if (code == PAYSEAL_OK) return 1;
  size_t message_len = 0, details_len = 0;
  const uint8_t *message = payseal_error_message(error, &message_len);
  const uint8_t *details = payseal_error_details(error, &details_len);
  jbyteArray text = array_of(env, message, message_len);
  jbyteArray json = text == NULL ? NULL : array_of(env, details, details_len);
  if (json != NULL) {
    jthrowable failure = (*env)->CallStaticObjectMethod(env, java.native, java.failure, (jint)code,
                                                        (jint)payseal_error_outcome(error), text, json);
    if (!(*env)->ExceptionCheck(env)) (*env)->Throw(env, failure);
  }
  payseal_error_free(error);
  return 0;
}

/* ---- callbacks ---- */

typedef struct {
  JNIEnv *env;
  int attached;
} thread;

/* The core calls back on the thread that called it, which Java knows; should it ever not, it is introduced for that long. */
static int enter(thread *current) {
  current->attached = 0;
  if ((*java.vm)->GetEnv(java.vm, (void **)&current->env, JNI_VERSION_10) == JNI_OK) return 1;
  if ((*java.vm)->AttachCurrentThreadAsDaemon(java.vm, (void **)&current->env, NULL) != JNI_OK) return 0;
  current->attached = 1;
  return 1;
}

static void leave(const thread *current) {
  if (current->attached) (*java.vm)->DetachCurrentThread(java.vm);
}

/* Callbacks catches what Java code throws; what is left is a stack or a heap that has come to its end. */
static int threw(JNIEnv *env) {
  if (!(*env)->ExceptionCheck(env)) return 0;
  (*env)->ExceptionClear(env);
  return 1;
}

static int push(JNIEnv *env) {
  if ((*env)->PushLocalFrame(env, 4) == 0) return 1;
  threw(env);
  return 0;
}

static void on_log(void *user, int32_t level, const uint8_t *record, size_t record_len) {
  thread current;
  if (!enter(&current)) return;
  JNIEnv *env = current.env;
  if (push(env)) {
    jbyteArray text = array_of(env, record, record_len);
    if (text != NULL) (*env)->CallVoidMethod(env, user, java.log, (jint)level, text);
    threw(env);
    (*env)->PopLocalFrame(env, NULL);
  }
  leave(&current);
}

static int64_t on_now_ms(void *user) {
  thread current;
  if (!enter(&current)) return -1;
  jlong now = (*current.env)->CallLongMethod(current.env, user, java.now_ms);
  if (threw(current.env)) now = -1;
  leave(&current);
  return now;
}

/* Copies what a callback gave; false when it gave nothing or not what fits. */
static int copy_out(JNIEnv *env, jbyteArray given, uint8_t *out, size_t least, size_t most, size_t *len) {
  if (threw(env) || given == NULL) return 0;
  size_t size = (size_t)(*env)->GetArrayLength(env, given);
  if (size < least || size > most) return 0;
  (*env)->GetByteArrayRegion(env, given, 0, (jsize)size, (jbyte *)out);
  *len = size;
  return 1;
}

static int32_t on_random(void *user, uint8_t *out, size_t len) {
  thread current;
  if (len > INT_MAX || !enter(&current)) return 1;
  JNIEnv *env = current.env;
  int filled = 0;
  if (push(env)) {
    jbyteArray given = (*env)->CallObjectMethod(env, user, java.random, (jint)len);
    filled = copy_out(env, given, out, len, len, &len);
    (*env)->PopLocalFrame(env, NULL);
  }
  leave(&current);
  return filled ? 0 : 1;
}

static int32_t on_sign(void *user, const uint8_t *message, size_t message_len, uint8_t *signature, size_t *signature_len) {
  thread current;
  if (!enter(&current)) return 1;
  JNIEnv *env = current.env;
  int is_signed = 0;
  if (push(env)) {
    jbyteArray text = array_of(env, message, message_len);
    jbyteArray given = text == NULL ? NULL : (*env)->CallObjectMethod(env, user, java.sign, text);
    is_signed = copy_out(env, given, signature, 1, *signature_len, signature_len);
    (*env)->PopLocalFrame(env, NULL);
  }
  leave(&current);
  return is_signed ? 0 : 1;
}

static int32_t on_cache_get(void *user, const uint8_t *key, size_t key_len, uint8_t *value, size_t *value_len) {
  thread current;
  if (!enter(&current)) return -1;
  JNIEnv *env = current.env;
  int32_t status = -1;
  if (push(env)) {
    jbyteArray text = array_of(env, key, key_len);
    jbyteArray given = text == NULL ? NULL : (*env)->CallObjectMethod(env, user, java.cache_get, text);
    if (!threw(env)) {
      if (given == NULL) status = text == NULL ? -1 : 1;
      else if (copy_out(env, given, value, 0, *value_len, value_len)) status = 0;
    }
    (*env)->PopLocalFrame(env, NULL);
  }
  leave(&current);
  return status;
}

static int32_t on_cache_put(void *user, const uint8_t *key, size_t key_len, const uint8_t *value, size_t value_len, int64_t ttl_s) {
  thread current;
  if (!enter(&current)) return -1;
  JNIEnv *env = current.env;
  int is_kept = 0;
  if (push(env)) {
    jbyteArray text = array_of(env, key, key_len);
    jbyteArray bytes_kept = text == NULL ? NULL : array_of(env, value, value_len);
    if (bytes_kept != NULL) {
      (*env)->CallVoidMethod(env, user, java.cache_put, text, bytes_kept, (jlong)ttl_s);
      is_kept = !threw(env);
    } else {
      threw(env);
    }
    (*env)->PopLocalFrame(env, NULL);
  }
  leave(&current);
  return is_kept ? 0 : -1;
}

static void on_drop(void *user) {
  thread current;
  if (!enter(&current)) return;
  (*current.env)->DeleteGlobalRef(current.env, user);
  leave(&current);
}

int table_of(JNIEnv *env, jobject callbacks, payseal_callbacks *table) {
  *table = (payseal_callbacks){.size = sizeof *table};
  if (callbacks == NULL) return 1;
  jint present = (*env)->CallIntMethod(env, callbacks, java.present);
  if ((*env)->ExceptionCheck(env)) return 0;
  table->user = (*env)->NewGlobalRef(env, callbacks);
  if (table->user == NULL) {
    throw_new(env, "java/lang/OutOfMemoryError", "payseal: no memory for a global reference");
    return 0;
  }
  table->log = present & 1 ? on_log : NULL;
  table->now_ms = present & 2 ? on_now_ms : NULL;
  table->random = present & 4 ? on_random : NULL;
  table->sign = present & 8 ? on_sign : NULL;
  table->cache_get = present & 16 ? on_cache_get : NULL;
  table->cache_put = present & 16 ? on_cache_put : NULL;
  table->drop = on_drop;
  return 1;
}

void drop_table(JNIEnv *env, payseal_callbacks *table) {
  if (table->user != NULL) (*env)->DeleteGlobalRef(env, table->user);
}

/* ---- version ---- */

static jint abi_version(JNIEnv *env, jclass class) {
  (void)env, (void)class;
  return (jint)payseal_abi_version();
}

static jbyteArray version(JNIEnv *env, jclass class) {
  (void)class;
  const char *text = payseal_version();
  return array_of(env, (const uint8_t *)text, strlen(text));
}

static jbyteArray operations(JNIEnv *env, jclass class, jbyteArray provider) {
  (void)class;
  bytes in;
  if (!take(env, provider, &in)) return NULL;
  payseal_buffer json = {NULL, 0};
  payseal_error *error = NULL;
  int32_t code = payseal_operations(in.data, in.len, &json, &error);
  drop(&in);
  return ok(env, code, error) ? give(env, &json) : NULL;
}

/* ---- client ---- */

static jlong client_new(JNIEnv *env, jclass class, jbyteArray config, jobject callbacks) {
  (void)class;
  payseal_callbacks table;
  if (!table_of(env, callbacks, &table)) return 0;
  bytes in;
  if (!take(env, config, &in)) {
    drop_table(env, &table);
    return 0;
  }
  payseal_client *client = NULL;
  payseal_error *error = NULL;
  int32_t code = payseal_client_new(in.data, in.len, callbacks == NULL ? NULL : &table, &client, &error);
  drop(&in);
  return ok(env, code, error) ? handle(client) : 0;
}

static void client_free(JNIEnv *env, jclass class, jlong client) {
  (void)env, (void)class;
  payseal_client_free(pointer(client));
}

static jbyteArray client_metrics(JNIEnv *env, jclass class, jlong client) {
  (void)class;
  payseal_buffer text = {NULL, 0};
  payseal_error *error = NULL;
  int32_t code = payseal_client_metrics(pointer(client), &text, &error);
  return ok(env, code, error) ? give(env, &text) : NULL;
}

static jobjectArray client_execute(JNIEnv *env, jclass class, jlong client, jbyteArray operation, jbyteArray params,
                                   jbyteArray payload, jlong cancel) {
  (void)class;
  bytes in[3];
  if (!take_all(env, (jbyteArray[]){operation, params, payload}, in, COUNT(in))) return NULL;
  payseal_buffer body = {NULL, 0}, info = {NULL, 0};
  payseal_error *error = NULL;
  int32_t code = payseal_client_execute(pointer(client), in[0].data, in[0].len, in[1].data, in[1].len, in[2].data, in[2].len,
                                        pointer(cancel), &body, &info, &error);
  drop_all(in, COUNT(in));
  return ok(env, code, error) ? give_both(env, &body, &info) : NULL;
}

static jbyteArray client_invoke(JNIEnv *env, jclass class, jlong client, jbyteArray kind, jbyteArray params) {
  (void)class;
  bytes in[2];
  if (!take_all(env, (jbyteArray[]){kind, params}, in, COUNT(in))) return NULL;
  payseal_buffer json = {NULL, 0};
  payseal_error *error = NULL;
  int32_t code = payseal_client_invoke(pointer(client), in[0].data, in[0].len, in[1].data, in[1].len, &json, &error);
  drop_all(in, COUNT(in));
  return ok(env, code, error) ? give(env, &json) : NULL;
}

static jbyteArray return_open(JNIEnv *env, jclass class, jlong client, jbyteArray query) {
  (void)class;
  bytes in[1];
  if (!take_all(env, (jbyteArray[]){query}, in, COUNT(in))) return NULL;
  payseal_buffer json = {NULL, 0};
  payseal_error *error = NULL;
  int32_t code = payseal_return_open(pointer(client), in[0].data, in[0].len, &json, &error);
  drop_all(in, COUNT(in));
  return ok(env, code, error) ? give(env, &json) : NULL;
}

/* ---- cancel ---- */

static jlong cancel_new(JNIEnv *env, jclass class) {
  (void)class;
  payseal_cancel *cancel = NULL;
  payseal_error *error = NULL;
  int32_t code = payseal_cancel_new(&cancel, &error);
  return ok(env, code, error) ? handle(cancel) : 0;
}

static void cancel_trigger(JNIEnv *env, jclass class, jlong cancel) {
  (void)class;
  payseal_error *error = NULL;
  int32_t code = payseal_cancel_trigger(pointer(cancel), &error);
  ok(env, code, error);
}

static void cancel_free(JNIEnv *env, jclass class, jlong cancel) {
  (void)env, (void)class;
  payseal_cancel_free(pointer(cancel));
}

/* ---- call ---- */

static jlong call_new(JNIEnv *env, jclass class, jlong client, jbyteArray operation, jbyteArray params, jbyteArray payload) {
  (void)class;
  bytes in[3];
  if (!take_all(env, (jbyteArray[]){operation, params, payload}, in, COUNT(in))) return 0;
  payseal_call *call = NULL;
  payseal_error *error = NULL;
  int32_t code = payseal_call_new(pointer(client), in[0].data, in[0].len, in[1].data, in[1].len, in[2].data, in[2].len, &call,
                                  &error);
  drop_all(in, COUNT(in));
  return ok(env, code, error) ? handle(call) : 0;
}

static jlong call_new_notification(JNIEnv *env, jclass class, jlong client, jbyteArray headers, jbyteArray body,
                                   jbyteArray options) {
  (void)class;
  bytes in[3];
  if (!take_all(env, (jbyteArray[]){headers, body, options}, in, COUNT(in))) return 0;
  payseal_call *call = NULL;
  payseal_error *error = NULL;
  int32_t code = payseal_call_new_notification(pointer(client), in[0].data, in[0].len, in[1].data, in[1].len, in[2].data,
                                               in[2].len, &call, &error);
  drop_all(in, COUNT(in));
  return ok(env, code, error) ? handle(call) : 0;
}

static jint call_step(JNIEnv *env, jclass class, jlong call, jlongArray wait_ms) {
  (void)class;
  int32_t action = 0;
  uint64_t wait = 0;
  payseal_error *error = NULL;
  int32_t code = payseal_call_step(pointer(call), &action, &wait, &error);
  if (!ok(env, code, error)) return 0;
  jlong milliseconds = (jlong)wait;
  (*env)->SetLongArrayRegion(env, wait_ms, 0, 1, &milliseconds);
  return action;
}

static jbyteArray call_request(JNIEnv *env, jclass class, jlong call) {
  (void)class;
  payseal_buffer request = {NULL, 0};
  payseal_error *error = NULL;
  int32_t code = payseal_call_request(pointer(call), &request, &error);
  return ok(env, code, error) ? give(env, &request) : NULL;
}

static jbyteArray call_body(JNIEnv *env, jclass class, jlong call) {
  (void)class;
  payseal_buffer body = {NULL, 0};
  payseal_error *error = NULL;
  int32_t code = payseal_call_body(pointer(call), &body, &error);
  return ok(env, code, error) ? give(env, &body) : NULL;
}

static void call_respond(JNIEnv *env, jclass class, jlong call, jint status, jbyteArray headers, jbyteArray body) {
  (void)class;
  bytes in[2];
  if (!take_all(env, (jbyteArray[]){headers, body}, in, COUNT(in))) return;
  payseal_error *error = NULL;
  int32_t code = payseal_call_respond(pointer(call), (uint32_t)status, in[0].data, in[0].len, in[1].data, in[1].len, &error);
  drop_all(in, COUNT(in));
  ok(env, code, error);
}

static void call_fail(JNIEnv *env, jclass class, jlong call, jint failure, jbyteArray reason) {
  (void)class;
  bytes in;
  if (!take(env, reason, &in)) return;
  payseal_error *error = NULL;
  int32_t code = payseal_call_fail(pointer(call), failure, in.data, in.len, &error);
  drop(&in);
  ok(env, code, error);
}

static jobjectArray call_result(JNIEnv *env, jclass class, jlong call) {
  (void)class;
  payseal_buffer body = {NULL, 0}, info = {NULL, 0};
  payseal_error *error = NULL;
  int32_t code = payseal_call_result(pointer(call), &body, &info, &error);
  return ok(env, code, error) ? give_both(env, &body, &info) : NULL;
}

static void call_free(JNIEnv *env, jclass class, jlong call) {
  (void)env, (void)class;
  payseal_call_free(pointer(call));
}

/* ---- notifications ---- */

static jobjectArray notification_open(JNIEnv *env, jclass class, jlong client, jbyteArray headers, jbyteArray body,
                                      jbyteArray options) {
  (void)class;
  bytes in[3];
  if (!take_all(env, (jbyteArray[]){headers, body, options}, in, COUNT(in))) return NULL;
  payseal_buffer plaintext = {NULL, 0}, event = {NULL, 0};
  payseal_error *error = NULL;
  int32_t code = payseal_notification_open(pointer(client), in[0].data, in[0].len, in[1].data, in[1].len, in[2].data, in[2].len,
                                           &plaintext, &event, &error);
  drop_all(in, COUNT(in));
  return ok(env, code, error) ? give_both(env, &plaintext, &event) : NULL;
}

static jobjectArray notification_reply(JNIEnv *env, jclass class, jlong client, jint reason) {
  (void)class;
  payseal_buffer reply = {NULL, 0}, body = {NULL, 0};
  payseal_error *error = NULL;
  int32_t code = payseal_notification_reply(pointer(client), reason, &reply, &body, &error);
  return ok(env, code, error) ? give_both(env, &reply, &body) : NULL;
}

/* ---- crypto ---- */

static jbyteArray crypto_sign(JNIEnv *env, jclass class, jbyteArray algorithm, jbyteArray key, jbyteArray message) {
  (void)class;
  bytes in[3];
  if (!take_all(env, (jbyteArray[]){algorithm, key, message}, in, COUNT(in))) return NULL;
  payseal_buffer signature = {NULL, 0};
  payseal_error *error = NULL;
  int32_t code = payseal_crypto_sign(in[0].data, in[0].len, in[1].data, in[1].len, in[2].data, in[2].len, &signature, &error);
  drop_all(in, COUNT(in));
  return ok(env, code, error) ? give(env, &signature) : NULL;
}

static void crypto_verify(JNIEnv *env, jclass class, jbyteArray algorithm, jbyteArray key, jbyteArray message,
                          jbyteArray signature) {
  (void)class;
  bytes in[4];
  if (!take_all(env, (jbyteArray[]){algorithm, key, message, signature}, in, COUNT(in))) return;
  payseal_error *error = NULL;
  int32_t code = payseal_crypto_verify(in[0].data, in[0].len, in[1].data, in[1].len, in[2].data, in[2].len, in[3].data,
                                       in[3].len, &error);
  drop_all(in, COUNT(in));
  ok(env, code, error);
}

static jbyteArray crypto_seal(JNIEnv *env, jclass class, jbyteArray algorithm, jbyteArray key, jbyteArray nonce, jbyteArray aad,
                              jbyteArray plaintext) {
  (void)class;
  bytes in[5];
  if (!take_all(env, (jbyteArray[]){algorithm, key, nonce, aad, plaintext}, in, COUNT(in))) return NULL;
  payseal_buffer ciphertext = {NULL, 0};
  payseal_error *error = NULL;
  int32_t code = payseal_crypto_seal(in[0].data, in[0].len, in[1].data, in[1].len, in[2].data, in[2].len, in[3].data,
                                     in[3].len, in[4].data, in[4].len, &ciphertext, &error);
  drop_all(in, COUNT(in));
  return ok(env, code, error) ? give(env, &ciphertext) : NULL;
}

static jbyteArray crypto_open(JNIEnv *env, jclass class, jbyteArray algorithm, jbyteArray key, jbyteArray nonce, jbyteArray aad,
                              jbyteArray ciphertext) {
  (void)class;
  bytes in[5];
  if (!take_all(env, (jbyteArray[]){algorithm, key, nonce, aad, ciphertext}, in, COUNT(in))) return NULL;
  payseal_buffer plaintext = {NULL, 0};
  payseal_error *error = NULL;
  int32_t code = payseal_crypto_open(in[0].data, in[0].len, in[1].data, in[1].len, in[2].data, in[2].len, in[3].data,
                                     in[3].len, in[4].data, in[4].len, &plaintext, &error);
  drop_all(in, COUNT(in));
  return ok(env, code, error) ? give(env, &plaintext) : NULL;
}

static jbyteArray crypto_digest(JNIEnv *env, jclass class, jbyteArray algorithm, jbyteArray key, jbyteArray message) {
  (void)class;
  bytes in[3];
  if (!take_all(env, (jbyteArray[]){algorithm, key, message}, in, COUNT(in))) return NULL;
  payseal_buffer digest = {NULL, 0};
  payseal_error *error = NULL;
  int32_t code = payseal_crypto_digest(in[0].data, in[0].len, in[1].data, in[1].len, in[2].data, in[2].len, &digest, &error);
  drop_all(in, COUNT(in));
  return ok(env, code, error) ? give(env, &digest) : NULL;
}

/* ---- registration ---- */

static const JNINativeMethod METHODS[] = {
    METHOD("abiVersion", "()I", abi_version),
    METHOD("version", "()[B", version),
    METHOD("operations", "([B)[B", operations),
    METHOD("clientNew", "([BLio/payseal/Callbacks;)J", client_new),
    METHOD("clientFree", "(J)V", client_free),
    METHOD("clientMetrics", "(J)[B", client_metrics),
    METHOD("clientExecute", "(J[B[B[BJ)[[B", client_execute),
    METHOD("clientInvoke", "(J[B[B)[B", client_invoke),
    METHOD("returnOpen", "(J[B)[B", return_open),
    METHOD("cancelNew", "()J", cancel_new),
    METHOD("cancelTrigger", "(J)V", cancel_trigger),
    METHOD("cancelFree", "(J)V", cancel_free),
    METHOD("callNew", "(J[B[B[B)J", call_new),
    METHOD("callNewNotification", "(J[B[B[B)J", call_new_notification),
    METHOD("callStep", "(J[J)I", call_step),
    METHOD("callRequest", "(J)[B", call_request),
    METHOD("callBody", "(J)[B", call_body),
    METHOD("callRespond", "(JI[B[B)V", call_respond),
    METHOD("callFail", "(JI[B)V", call_fail),
    METHOD("callResult", "(J)[[B", call_result),
    METHOD("callFree", "(J)V", call_free),
    METHOD("notificationOpen", "(J[B[B[B)[[B", notification_open),
    METHOD("notificationReply", "(JI)[[B", notification_reply),
    METHOD("cryptoSign", "([B[B[B)[B", crypto_sign),
    METHOD("cryptoVerify", "([B[B[B[B)V", crypto_verify),
    METHOD("cryptoSeal", "([B[B[B[B[B)[B", crypto_seal),
    METHOD("cryptoOpen", "([B[B[B[B[B)[B", crypto_open),
    METHOD("cryptoDigest", "([B[B[B)[B", crypto_digest),
};

static jclass global_class(JNIEnv *env, const char *name) {
  jclass local = (*env)->FindClass(env, name);
  return local == NULL ? NULL : (*env)->NewGlobalRef(env, local);
}

JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM *vm, void *reserved) {
  (void)reserved;
  JNIEnv *env;
  if ((*vm)->GetEnv(vm, (void **)&env, JNI_VERSION_10) != JNI_OK) return JNI_ERR;
  java.vm = vm;
  jclass callbacks = (*env)->FindClass(env, "io/payseal/Callbacks");
  if (callbacks == NULL || (java.native = global_class(env, "io/payseal/Native")) == NULL ||
      (java.byte_array = global_class(env, "[B")) == NULL ||
      (java.failure = (*env)->GetStaticMethodID(env, java.native, "failure", "(II[B[B)Lio/payseal/PaysealException;")) == NULL ||
      (java.present = (*env)->GetMethodID(env, callbacks, "present", "()I")) == NULL ||
      (java.log = (*env)->GetMethodID(env, callbacks, "log", "(I[B)V")) == NULL ||
      (java.now_ms = (*env)->GetMethodID(env, callbacks, "nowMs", "()J")) == NULL ||
      (java.random = (*env)->GetMethodID(env, callbacks, "random", "(I)[B")) == NULL ||
      (java.sign = (*env)->GetMethodID(env, callbacks, "sign", "([B)[B")) == NULL ||
      (java.cache_get = (*env)->GetMethodID(env, callbacks, "cacheGet", "([B)[B")) == NULL ||
      (java.cache_put = (*env)->GetMethodID(env, callbacks, "cachePut", "([B[BJ)V")) == NULL ||
      register_natives(env, java.native, METHODS, COUNT(METHODS)) != 0 || register_download(env) != 0 ||
      register_doctor(env, java.native) != 0 || register_flows(env, java.native) != 0 ||
      register_payments(env, java.native) != 0) {
    return JNI_ERR;
  }
  return JNI_VERSION_10;
}

JNIEXPORT void JNICALL JNI_OnUnload(JavaVM *vm, void *reserved) {
  (void)reserved;
  JNIEnv *env;
  if ((*vm)->GetEnv(vm, (void **)&env, JNI_VERSION_10) != JNI_OK) return;
  (*env)->DeleteGlobalRef(env, java.native);
  (*env)->DeleteGlobalRef(env, java.byte_array);
}
