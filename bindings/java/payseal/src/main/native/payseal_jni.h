/* What the JNI files share: arguments in, answers and exceptions out. */
#ifndef PAYSEAL_JNI_H
#define PAYSEAL_JNI_H

#define _DEFAULT_SOURCE
#include <jni.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "payseal.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* ISO C has no conversion from a function to void *, which is how jni.h wants it; POSIX has. */
#define METHOD(name, signature, function) \
  { (char *)(name), (char *)(signature), __extension__(void *)(function) }

/* A copy of a Java array. */
typedef struct {
  uint8_t *data;
  size_t len;
} bytes;

/* False: an exception is pending. NULL gives (NULL, 0). What was taken is dropped, zeroized. */
int take(JNIEnv *env, jbyteArray array, bytes *out);
int take_all(JNIEnv *env, const jbyteArray arrays[], bytes taken[], size_t count);
void drop(bytes *taken);
void drop_all(bytes taken[], size_t count);

void throw_new(JNIEnv *env, const char *class_name, const char *message);

jbyteArray array_of(JNIEnv *env, const uint8_t *data, size_t len);

/* The clients behind handles, for the caller to free; NULL: an exception is pending. */
const payseal_client **clients_of(JNIEnv *env, jlongArray clients, size_t *count);

/* Copy buffers into arrays and free them. */
jbyteArray give(JNIEnv *env, payseal_buffer *buffer);
jobjectArray give_both(JNIEnv *env, payseal_buffer *first, payseal_buffer *second);

/* True when all is well; else throws and frees the error. */
int ok(JNIEnv *env, int32_t code, payseal_error *error);

static inline void *pointer(jlong handle) { return (void *)(uintptr_t)handle; }

static inline jlong handle(const void *pointer) { return (jlong)(uintptr_t)pointer; }

/* The table that calls back into io.payseal.Callbacks, which may be NULL; false: an exception is pending. The core owns what is in it once it has been called
 * with it; until then drop_table undoes it. */
int table_of(JNIEnv *env, jobject callbacks, payseal_callbacks *table);
void drop_table(JNIEnv *env, payseal_callbacks *table);

jint register_doctor(JNIEnv *env, jclass native);
jint register_flows(JNIEnv *env, jclass native);
jint register_payments(JNIEnv *env, jclass native);

/* The natives of a feature live in a file of their own and belong to a class of their own. Registering them gives 0 when all is well. */
jint register_download(JNIEnv *env);

static inline jint register_natives(JNIEnv *env, jclass native, const JNINativeMethod methods[], size_t count) {
  return (*env)->RegisterNatives(env, native, methods, (jint)count);
}

#endif
