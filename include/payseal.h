/* payseal: one native library through which backends take money.
 *
 * Conventions. Every function that can fail returns int32_t, 0 (PAYSEAL_OK) on success; its last parameter
 * `error` may be NULL, else it receives an error object that the caller frees. On failure outputs are zero.
 * Input is (pointer, length); text is UTF-8 without a terminating NUL; NULL with length 0 is empty.
 * DRAFT: the final file is generated from src/ffi by cbindgen with exactly these names and types. */
#ifndef PAYSEAL_H
#define PAYSEAL_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t payseal_code;
enum {
  PAYSEAL_OK = 0,
  /* 1xx: the caller's mistake; nothing left the machine */
  PAYSEAL_INVALID_ARGUMENT = 101, PAYSEAL_INVALID_HANDLE = 102, PAYSEAL_INVALID_STATE = 103,
  PAYSEAL_CONFIG_INVALID = 110, PAYSEAL_CONFIG_UNKNOWN_KEY = 111, PAYSEAL_CONFIG_EMPTY_SECRET = 112,
  PAYSEAL_KEY_INVALID = 113, PAYSEAL_KEY_UNSUPPORTED = 114, PAYSEAL_KEY_ROLE = 115, PAYSEAL_KEY_MISMATCH = 116,
  PAYSEAL_UNKNOWN_OPERATION = 120, PAYSEAL_PARAMS_INVALID = 121,
  PAYSEAL_SIGNER_FAILED = 130, PAYSEAL_CALLBACK_FAILED = 131,
  /* 2xx: trust; what came in must not be believed */
  PAYSEAL_SIGNATURE_MISSING = 201, PAYSEAL_SIGNATURE_INVALID = 202, PAYSEAL_SIGNATURE_PROBE = 203,
  PAYSEAL_ALGORITHM_MISMATCH = 204, PAYSEAL_HEADER_INVALID = 205, PAYSEAL_UNKNOWN_SERIAL = 206,
  PAYSEAL_CLOCK_SKEW = 207, PAYSEAL_DECRYPTION_FAILED = 208, PAYSEAL_CERTIFICATE_INVALID = 209,
  PAYSEAL_RESPONSE_MISMATCH = 210, PAYSEAL_BODY_INVALID = 211,
  /* 3xx: transport */
  PAYSEAL_CONNECT_FAILED = 301, PAYSEAL_TLS_FAILED = 302, PAYSEAL_TIMEOUT = 303, PAYSEAL_CONNECTION_LOST = 304,
  PAYSEAL_RESPONSE_INVALID = 305, PAYSEAL_RESPONSE_TOO_LARGE = 306, PAYSEAL_CIRCUIT_OPEN = 307, PAYSEAL_CANCELLED = 308,
  /* 4xx: the provider answered no */
  PAYSEAL_PROVIDER_REJECTED = 401, PAYSEAL_PROVIDER_RATE_LIMITED = 402, PAYSEAL_PROVIDER_UNAVAILABLE = 403,
  /* 5xx: a bug in this library */
  PAYSEAL_INTERNAL = 501,
};

/* Whether money may have moved. */
typedef int32_t payseal_outcome;
enum {
  PAYSEAL_NOT_SENT = 1,    /* no byte of the request left this machine */
  PAYSEAL_REJECTED = 2,    /* a verified answer says no */
  PAYSEAL_UNKNOWN = 3,     /* bytes left, no verified answer came back: query before you retry */
  PAYSEAL_UNAUTHENTIC = 4, /* an incoming message is not the provider's */
  PAYSEAL_MALFORMED = 5,   /* an incoming message is the provider's, but cannot be read */
};

/* What payseal_call_step asks for. */
typedef int32_t payseal_action;
enum {
  PAYSEAL_SEND = 1, /* send payseal_call_request/_body, then payseal_call_respond or payseal_call_fail */
  PAYSEAL_WAIT = 2, /* sleep *wait_ms milliseconds, then step again */
  PAYSEAL_DONE = 3, /* payseal_call_result has the outcome */
};

/* Why the host's HTTP client gave up, for payseal_call_fail. */
typedef int32_t payseal_failure;
enum {
  PAYSEAL_FAILURE_NOT_SENT = 1,  /* no byte of the request left: name resolution, connect, TLS handshake */
  PAYSEAL_FAILURE_SENT = 2,      /* bytes may have left, no complete answer; say this when in doubt */
  PAYSEAL_FAILURE_TIMEOUT = 3,   /* bytes may have left and the time is over */
  PAYSEAL_FAILURE_CANCELLED = 4, /* bytes may have left; the host gave up on purpose: no retry follows */
};

typedef struct payseal_client payseal_client; /* immutable, any number of threads at once */
typedef struct payseal_call payseal_call;     /* one thread at a time */
typedef struct payseal_cancel payseal_cancel; /* trigger from anywhere */
typedef struct payseal_error payseal_error;

typedef struct payseal_buffer { uint8_t *data; size_t len; } payseal_buffer;

/* Optional; size = sizeof(payseal_callbacks). Every function may be NULL. They run on the calling thread before the call
 * returns and may be called from several threads at once. */
typedef struct payseal_callbacks {
  size_t size;
  void *user;
  /* level: 1 error, 2 warn, 3 info, 4 debug. record: one JSON object, UTF-8, valid during the call. */
  void (*log)(void *user, int32_t level, const uint8_t *record, size_t record_len);
  /* Unix time in milliseconds; a negative number is an error. */
  int64_t (*now_ms)(void *user);
  /* Fills out with len random bytes; 0 on success. */
  int32_t (*random)(void *user, uint8_t *out, size_t len);
  /* RSASSA-PKCS1-v1_5 with SHA-256 over message by the key of the configured serial; writes at most *signature_len bytes (1024)
   * and sets it; 0 on success. */
  int32_t (*sign)(void *user, const uint8_t *message, size_t message_len, uint8_t *signature, size_t *signature_len);
  /* Called once when the client is gone, with user. */
  void (*drop)(void *user);
} payseal_callbacks;

/* version, memory, errors */
uint32_t payseal_abi_version(void);                       /* 1 */
const char *payseal_version(void);                        /* static, NUL-terminated, "0.1.0" */
void payseal_buffer_free(payseal_buffer *buffer);         /* zeroizes, resets to {NULL, 0} */
int32_t payseal_error_code(const payseal_error *error);
int32_t payseal_error_outcome(const payseal_error *error);
/* Views, valid until the error is freed; not NUL-terminated. */
const uint8_t *payseal_error_message(const payseal_error *error, size_t *len);
const uint8_t *payseal_error_details(const payseal_error *error, size_t *len); /* a JSON object */
void payseal_error_free(payseal_error *error);

/* client */
int32_t payseal_client_new(const uint8_t *config, size_t config_len, const payseal_callbacks *callbacks,
                           payseal_client **client, payseal_error **error);
void payseal_client_free(payseal_client *client);
int32_t payseal_client_metrics(const payseal_client *client, payseal_buffer *text, payseal_error **error);
int32_t payseal_operations(const uint8_t *provider, size_t provider_len, payseal_buffer *json, payseal_error **error);

/* execute, blocking. `payload`: usually NULL/0; see docs/abi.md. `cancel` may be NULL. `info` may be NULL. */
int32_t payseal_client_execute(const payseal_client *client, const uint8_t *operation, size_t operation_len,
                               const uint8_t *params, size_t params_len, const uint8_t *payload, size_t payload_len,
                               const payseal_cancel *cancel, payseal_buffer *body, payseal_buffer *info, payseal_error **error);
int32_t payseal_cancel_new(payseal_cancel **cancel, payseal_error **error);
int32_t payseal_cancel_trigger(const payseal_cancel *cancel, payseal_error **error);
void payseal_cancel_free(payseal_cancel *cancel);

/* the same without I/O */
int32_t payseal_call_new(const payseal_client *client, const uint8_t *operation, size_t operation_len, const uint8_t *params,
                         size_t params_len, const uint8_t *payload, size_t payload_len, payseal_call **call, payseal_error **error);
/* Opening a notification as a call: it asks to SEND only when the platform's certificates must be refreshed. */
int32_t payseal_call_new_notification(const payseal_client *client, const uint8_t *headers, size_t headers_len, const uint8_t *body,
                                      size_t body_len, const uint8_t *options, size_t options_len, payseal_call **call,
                                      payseal_error **error);
int32_t payseal_call_step(payseal_call *call, int32_t *action, uint64_t *wait_ms, payseal_error **error);
int32_t payseal_call_request(const payseal_call *call, payseal_buffer *request, payseal_error **error); /* JSON */
int32_t payseal_call_body(const payseal_call *call, payseal_buffer *body, payseal_error **error);       /* exact bytes to send */
int32_t payseal_call_respond(payseal_call *call, uint32_t status, const uint8_t *headers, size_t headers_len, const uint8_t *body,
                             size_t body_len, payseal_error **error);
int32_t payseal_call_fail(payseal_call *call, int32_t failure, const uint8_t *reason, size_t reason_len, payseal_error **error);
/* For an operation: verified body and info. For a notification: plaintext and event. */
int32_t payseal_call_result(payseal_call *call, payseal_buffer *body, payseal_buffer *info, payseal_error **error);
void payseal_call_free(payseal_call *call);

/* notifications. headers: lines "Name: value", ended by LF or CRLF, as received. options: NULL or JSON {"timeout_ms":3000}. */
int32_t payseal_notification_open(const payseal_client *client, const uint8_t *headers, size_t headers_len, const uint8_t *body,
                                  size_t body_len, const uint8_t *options, size_t options_len, payseal_buffer *plaintext,
                                  payseal_buffer *event, payseal_error **error);
/* The answer to write. code: PAYSEAL_OK when the notification was opened and taken care of; the code of the error that opening gave;
 * PAYSEAL_INTERNAL when the host's own handler failed. reply: JSON {"status":200,"headers":[["Content-Type","application/json"]]}. */
int32_t payseal_notification_reply(const payseal_client *client, int32_t code, payseal_buffer *reply, payseal_buffer *body,
                                   payseal_error **error);

/* client-side parameters: kind "jsapi", "app", "h5", "native"; params JSON in, JSON object out. */
int32_t payseal_client_invoke(const payseal_client *client, const uint8_t *kind, size_t kind_len, const uint8_t *params,
                              size_t params_len, payseal_buffer *json, payseal_error **error);

/* raw crypto. algorithms: "RSA-SHA256" (sign, verify); "RSA-OAEP-SHA1", "AES-256-GCM" (seal, open);
 * "SHA-1", "SHA-256", "HMAC-SHA256" (digest). Keys: PEM, bare base64 or DER; for AES and HMAC the raw bytes. */
int32_t payseal_crypto_sign(const uint8_t *algorithm, size_t algorithm_len, const uint8_t *key, size_t key_len,
                            const uint8_t *message, size_t message_len, payseal_buffer *signature, payseal_error **error);
int32_t payseal_crypto_verify(const uint8_t *algorithm, size_t algorithm_len, const uint8_t *key, size_t key_len,
                              const uint8_t *message, size_t message_len, const uint8_t *signature, size_t signature_len,
                              payseal_error **error); /* PAYSEAL_SIGNATURE_INVALID when it does not fit */
int32_t payseal_crypto_seal(const uint8_t *algorithm, size_t algorithm_len, const uint8_t *key, size_t key_len, const uint8_t *nonce,
                            size_t nonce_len, const uint8_t *aad, size_t aad_len, const uint8_t *plaintext, size_t plaintext_len,
                            payseal_buffer *ciphertext, payseal_error **error); /* AES: ciphertext and 16-byte tag */
int32_t payseal_crypto_open(const uint8_t *algorithm, size_t algorithm_len, const uint8_t *key, size_t key_len, const uint8_t *nonce,
                            size_t nonce_len, const uint8_t *aad, size_t aad_len, const uint8_t *ciphertext, size_t ciphertext_len,
                            payseal_buffer *plaintext, payseal_error **error);
int32_t payseal_crypto_digest(const uint8_t *algorithm, size_t algorithm_len, const uint8_t *key, size_t key_len,
                              const uint8_t *message, size_t message_len, payseal_buffer *digest, payseal_error **error);

#ifdef __cplusplus
}
#endif
#endif
