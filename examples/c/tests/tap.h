/* The Test Anything Protocol: one line a promise. */
#ifndef TAP_H
#define TAP_H
#include <stddef.h>
#include <stdint.h>

#include "payseal.h"

#define BYTES(text) (const uint8_t *)(text), strlen(text)

/* "ok N - promise" when it holds. The promise is a printf format. */
int check(int holds, const char *promise, ...) __attribute__((format(printf, 2, 3)));

/* The call gave this code, and an error that says the same code, has a message and details; frees it. */
int refused(int32_t got, int32_t wanted, payseal_error **error, const char *promise, ...) __attribute__((format(printf, 4, 5)));

/* The call gave PAYSEAL_OK; else shows and frees the error. */
int accepted(int32_t got, payseal_error **error, const char *promise, ...) __attribute__((format(printf, 3, 4)));

/* A line of explanation, below what failed. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The plan line; the exit status. */
int finish(void);

/* A file's bytes, with a NUL behind them that does not count; {NULL, 0} if there is none. Free with free(). */
typedef struct bytes {
    uint8_t *data;
    size_t len;
} bytes;
bytes read_file(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The parts. vectors: the folder target/vectors; sandbox_config: a file that a running sandbox has written. */
void test_misuse(const char *vectors);
void test_callbacks(const char *vectors);
void test_call(const char *vectors);
void test_vectors(const char *vectors);
void test_faults(const char *sandbox_config);

#endif
