/* What is wrong: with a configuration, with a notification; and whose a notification is. */
#include "payseal_jni.h"

static jbyteArray doctor(JNIEnv *env, jclass class, jbyteArray config, jobject callbacks, jbyteArray options) {
  (void)class;
  payseal_callbacks table;
  if (!table_of(env, callbacks, &table)) return NULL;
  bytes in[2];
  if (!take_all(env, (jbyteArray[]){config, options}, in, COUNT(in))) {
    drop_table(env, &table);
    return NULL;
  }
  payseal_buffer report = {NULL, 0};
  payseal_error *error = NULL;
  int32_t code = payseal_doctor(in[0].data, in[0].len, callbacks == NULL ? NULL : &table, in[1].data, in[1].len, &report, &error);
  drop_all(in, COUNT(in));
  return ok(env, code, error) ? give(env, &report) : NULL;
}

static jbyteArray notification_explain(JNIEnv *env, jclass class, jlong client, jbyteArray headers, jbyteArray body) {
  (void)class;
  bytes in[2];
  if (!take_all(env, (jbyteArray[]){headers, body}, in, COUNT(in))) return NULL;
  payseal_buffer explanation = {NULL, 0};
  payseal_error *error = NULL;
  int32_t code = payseal_notification_explain(pointer(client), in[0].data, in[0].len, in[1].data, in[1].len, &explanation, &error);
  drop_all(in, COUNT(in));
  return ok(env, code, error) ? give(env, &explanation) : NULL;
}

static jint notification_route(JNIEnv *env, jclass class, jlongArray clients, jbyteArray headers, jbyteArray body) {
  (void)class;
  size_t count = 0;
  const payseal_client **handles = clients_of(env, clients, &count);
  if (handles == NULL) return 0;
  bytes in[2];
  size_t index = 0;
  if (take_all(env, (jbyteArray[]){headers, body}, in, COUNT(in))) {
    payseal_error *error = NULL;
    int32_t code = payseal_notification_route(handles, count, in[0].data, in[0].len, in[1].data, in[1].len, &index, &error);
    drop_all(in, COUNT(in));
    ok(env, code, error);
  }
  free(handles);
  return (jint)index;
}

static const JNINativeMethod METHODS[] = {
    METHOD("doctor", "([BLio/payseal/Callbacks;[B)[B", doctor),
    METHOD("notificationExplain", "(J[B[B)[B", notification_explain),
    METHOD("notificationRoute", "([J[B[B)I", notification_route),
};

jint register_doctor(JNIEnv *env, jclass native) { return register_natives(env, native, METHODS, COUNT(METHODS)); }
