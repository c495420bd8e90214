/* Flows, and the QR codes that some begin with. */
#include "payseal_jni.h"

static jobjectArray client_run(JNIEnv *env, jclass class, jlong client, jbyteArray flow, jbyteArray params, jlong cancel) {
  (void)class;
  bytes in[2];
  if (!take_all(env, (jbyteArray[]){flow, params}, in, COUNT(in))) return NULL;
  payseal_buffer body = {NULL, 0}, info = {NULL, 0};
  payseal_error *error = NULL;
  int32_t code = payseal_client_run(pointer(client), in[0].data, in[0].len, in[1].data, in[1].len, pointer(cancel), &body, &info, &error);
  drop_all(in, COUNT(in));
  return ok(env, code, error) ? give_both(env, &body, &info) : NULL;
}

static jlong call_new_flow(JNIEnv *env, jclass class, jlong client, jbyteArray flow, jbyteArray params) {
  (void)class;
  bytes in[2];
  if (!take_all(env, (jbyteArray[]){flow, params}, in, COUNT(in))) return 0;
  payseal_call *call = NULL;
  payseal_error *error = NULL;
  int32_t code = payseal_call_new_flow(pointer(client), in[0].data, in[0].len, in[1].data, in[1].len, &call, &error);
  drop_all(in, COUNT(in));
  return ok(env, code, error) ? handle(call) : 0;
}

static jbyteArray qr_encode(JNIEnv *env, jclass class, jbyteArray text, jbyteArray options) {
  (void)class;
  bytes in[2];
  if (!take_all(env, (jbyteArray[]){text, options}, in, COUNT(in))) return NULL;
  payseal_buffer image = {NULL, 0};
  payseal_error *error = NULL;
  int32_t code = payseal_qr_encode(in[0].data, in[0].len, in[1].data, in[1].len, &image, &error);
  drop_all(in, COUNT(in));
  return ok(env, code, error) ? give(env, &image) : NULL;
}

static const JNINativeMethod METHODS[] = {
    METHOD("clientRun", "(J[B[BJ)[[B", client_run),
    METHOD("callNewFlow", "(J[B[B)J", call_new_flow),
    METHOD("qrEncode", "([B[B)[B", qr_encode),
};

jint register_flows(JNIEnv *env, jclass native) { return register_natives(env, native, METHODS, COUNT(METHODS)); }
