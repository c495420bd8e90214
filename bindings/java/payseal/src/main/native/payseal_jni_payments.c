/* Orders, inbox and outbox: io.payseal.PaymentActions. */
#include "payseal_jni.h"

static jlong payments_new(JNIEnv *env, jclass class, jbyteArray config, jlongArray clients, jobject callbacks) {
  (void)class;
  payseal_callbacks table;
  if (!table_of(env, callbacks, &table)) return 0;
  size_t count = 0;
  const payseal_client **handles = clients_of(env, clients, &count);
  bytes in;
  if (handles == NULL || !take(env, config, &in)) {
    free(handles);
    drop_table(env, &table);
    return 0;
  }
  payseal_payments *payments = NULL;
  payseal_error *error = NULL;
  int32_t code =
      payseal_payments_new(in.data, in.len, handles, count, callbacks == NULL ? NULL : &table, &payments, &error);
  drop(&in);
  free(handles);
  return ok(env, code, error) ? handle(payments) : 0;
}

static void payments_free(JNIEnv *env, jclass class, jlong payments) {
  (void)env, (void)class;
  payseal_payments_free(pointer(payments));
}

static jbyteArray payments_execute(JNIEnv *env, jclass class, jlong payments, jbyteArray action, jbyteArray params, jlong cancel) {
  (void)class;
  bytes in[2];
  if (!take_all(env, (jbyteArray[]){action, params}, in, COUNT(in))) return NULL;
  payseal_buffer body = {NULL, 0};
  payseal_error *error = NULL;
  int32_t code = payseal_payments_execute(pointer(payments), in[0].data, in[0].len, in[1].data, in[1].len, pointer(cancel), &body,
                                          NULL, &error);
  drop_all(in, COUNT(in));
  return ok(env, code, error) ? give(env, &body) : NULL;
}

static jobjectArray payments_accept(JNIEnv *env, jclass class, jlong payments, jbyteArray account, jbyteArray headers,
                                    jbyteArray body, jbyteArray options) {
  (void)class;
  bytes in[4];
  if (!take_all(env, (jbyteArray[]){account, headers, body, options}, in, COUNT(in))) return NULL;
  payseal_buffer reply = {NULL, 0}, info = {NULL, 0};
  payseal_error *error = NULL;
  int32_t code = payseal_payments_accept(pointer(payments), in[0].data, in[0].len, in[1].data, in[1].len, in[2].data, in[2].len,
                                         in[3].data, in[3].len, &reply, &info, &error);
  drop_all(in, COUNT(in));
  return ok(env, code, error) ? give_both(env, &reply, &info) : NULL;
}

static jlong call_new_payments(JNIEnv *env, jclass class, jlong payments, jbyteArray action, jbyteArray params) {
  (void)class;
  bytes in[2];
  if (!take_all(env, (jbyteArray[]){action, params}, in, COUNT(in))) return 0;
  payseal_call *call = NULL;
  payseal_error *error = NULL;
  int32_t code = payseal_call_new_payments(pointer(payments), in[0].data, in[0].len, in[1].data, in[1].len, &call, &error);
  drop_all(in, COUNT(in));
  return ok(env, code, error) ? handle(call) : 0;
}

static jlong call_new_accept(JNIEnv *env, jclass class, jlong payments, jbyteArray account, jbyteArray headers, jbyteArray body,
                             jbyteArray options) {
  (void)class;
  bytes in[4];
  if (!take_all(env, (jbyteArray[]){account, headers, body, options}, in, COUNT(in))) return 0;
  payseal_call *call = NULL;
  payseal_error *error = NULL;
  int32_t code = payseal_call_new_accept(pointer(payments), in[0].data, in[0].len, in[1].data, in[1].len, in[2].data, in[2].len,
                                         in[3].data, in[3].len, &call, &error);
  drop_all(in, COUNT(in));
  return ok(env, code, error) ? handle(call) : 0;
}

static const JNINativeMethod METHODS[] = {
    METHOD("paymentsNew", "([B[JLio/payseal/Callbacks;)J", payments_new),
    METHOD("paymentsFree", "(J)V", payments_free),
    METHOD("paymentsExecute", "(J[B[BJ)[B", payments_execute),
    METHOD("paymentsAccept", "(J[B[B[B[B)[[B", payments_accept),
    METHOD("callNewPayments", "(J[B[B)J", call_new_payments),
    METHOD("callNewAccept", "(J[B[B[B[B)J", call_new_accept),
};

jint register_payments(JNIEnv *env, jclass native) { return register_natives(env, native, METHODS, COUNT(METHODS)); }
