/* What a host may inject: clock, random source, signer, log; and that it is told once when nothing will be asked any more. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define QUERY "GET /v3/pay/transactions/out-trade-no/{out_trade_no}"
#define QUERY_PARAMS "{\"path\":{\"out_trade_no\":\"123456\"}}"

typedef struct host {
    bytes key; /* PEM, in the host's hands only */
    int64_t clock;
    int32_t random_result, sign_result;
    size_t sign_len; /* said instead of the truth unless 0 */
    int clock_asked, random_asked, sign_asked, logged, dropped;
    size_t not_json;
} host;

static int64_t now_ms(void *user)
{
    host *host = user;
    host->clock_asked++;
    return host->clock;
}

static int32_t fill(void *user, uint8_t *out, size_t len)
{
    host *host = user;
    host->random_asked++;
    memset(out, 0xAB, len);
    return host->random_result;
}

static int32_t sign(void *user, const uint8_t *message, size_t message_len, uint8_t *signature, size_t *signature_len)
{
    host *host = user;
    payseal_buffer made = {0};
    host->sign_asked++;
    int32_t code = payseal_crypto_sign(BYTES("RSA-SHA256"), host->key.data, host->key.len, message, message_len, &made, NULL);
    if (code == PAYSEAL_OK && made.len <= *signature_len) {
        memcpy(signature, made.data, made.len);
        *signature_len = host->sign_len ? host->sign_len : made.len;
    }
    payseal_buffer_free(&made);
    return code == PAYSEAL_OK ? host->sign_result : code;
}

static void log_record(void *user, int32_t level, const uint8_t *record, size_t record_len)
{
    host *host = user;
    json_t *parsed = json_loadb((const char *)record, record_len, 0, NULL);
    host->logged++;
    host->not_json += !json_object_get(parsed, "event") || level < 1 || level > 4;
    json_decref(parsed);
}

static void drop(void *user)
{
    ((host *)user)->dropped++;
}

static payseal_callbacks table(host *host)
{
    return (payseal_callbacks){
        .size = sizeof(payseal_callbacks), .user = host, .log = log_record, .now_ms = now_ms, .random = fill, .sign = sign, .drop = drop};
}

/* The complete configuration without its private key: the host signs. */
static char *keyless_config(const char *vectors, bytes *key)
{
    bytes text = read_file("%s/client/complete/input/config.json", vectors);
    json_t *config = json_loadb((char *)text.data, text.len, 0, NULL);
    const char *pem = json_string_value(json_object_get(config, "private_key"));
    key->len = strlen(pem);
    key->data = (uint8_t *)strcpy(malloc(key->len + 1), pem);
    json_object_del(config, "private_key");
    char *without = json_dumps(config, JSON_COMPACT);
    json_decref(config);
    free(text.data);
    return without;
}

static int32_t first_step(const payseal_client *client, payseal_buffer *request, payseal_error **error)
{
    payseal_call *call = NULL;
    int32_t action = 0, code = payseal_call_new(client, BYTES(QUERY), BYTES(QUERY_PARAMS), NULL, 0, &call, error);
    uint64_t wait_ms = 0;
    if (code == PAYSEAL_OK)
        code = payseal_call_step(call, &action, &wait_ms, error);
    if (code == PAYSEAL_OK && action == PAYSEAL_DONE)
        code = payseal_call_result(call, request, NULL, error);
    else if (code == PAYSEAL_OK)
        code = payseal_call_request(call, request, error);
    payseal_call_free(call);
    return code;
}

/* A fresh client whose host misbehaves in one way; the code of the first step. */
static void misbehaves(const char *config, host host, int32_t wanted, const char *promise)
{
    payseal_callbacks callbacks = table(&host);
    payseal_client *client = NULL;
    payseal_error *error = NULL;
    payseal_buffer request = {0};
    int32_t code = payseal_client_new(BYTES(config), &callbacks, &client, &error);
    if (code == PAYSEAL_OK)
        code = first_step(client, &request, &error);
    check(payseal_error_outcome(error) == PAYSEAL_NOT_SENT, "nothing is sent when %s", promise);
    refused(code, wanted, &error, "an error says that %s", promise);
    payseal_buffer_free(&request);
    payseal_client_free(client);
    check(host.dropped == 1, "…and the host is told once that it is over");
}

void test_callbacks(const char *vectors)
{
    host good = {.clock = 1700000000000};
    char *config = keyless_config(vectors, &good.key);
    payseal_callbacks callbacks = table(&good);
    payseal_client *client = NULL;
    payseal_error *error = NULL;
    payseal_buffer request = {0}, plaintext = {0}, event = {0};

    accepted(payseal_client_new(BYTES(config), &callbacks, &client, &error), &error, "a client without private key signs through its host");
    memset(&callbacks, 0xFF, sizeof callbacks); /* the table is copied; only what `user` points to must live on */
    accepted(first_step(client, &request, &error), &error, "a request is signed by the host");
    json_t *parsed = json_loadb((char *)request.data, request.len, 0, NULL);
    char *text = json_dumps(parsed, JSON_COMPACT);
    check(text && strstr(text, "nonce_str=\\\"ABABABABABABABABABABABABABABABAB\\\""), "the nonce is the host's random bytes");
    check(text && strstr(text, "timestamp=\\\"1700000000\\\""), "the time is the host's clock");
    check(good.sign_asked > 0 && good.random_asked > 0 && good.clock_asked > 0, "all three were asked");
    free(text);
    json_decref(parsed);
    payseal_buffer_free(&request);

    refused(payseal_notification_open(client, BYTES("a: b\n"), BYTES("{}"), NULL, 0, &plaintext, &event, &error), PAYSEAL_SIGNATURE_MISSING, &error,
            "an unsigned notification is refused");
    check(good.logged > 0 && good.not_json == 0, "…and logged, as JSON");
    check(good.dropped == 0, "a living client keeps its host");
    payseal_client_free(client);
    payseal_client_free(client);
    check(good.dropped == 1, "the host is told once when the client is gone");

    host fresh = {.clock = good.clock, .key = good.key}, host = fresh;
    host.clock = -1;
    misbehaves(config, host, PAYSEAL_CALLBACK_FAILED, "the clock fails");
    host = fresh, host.random_result = 1;
    misbehaves(config, host, PAYSEAL_CALLBACK_FAILED, "the random source fails");
    host = fresh, host.sign_result = 1;
    misbehaves(config, host, PAYSEAL_SIGNER_FAILED, "the signer fails");
    host = fresh, host.sign_len = 4096;
    misbehaves(config, host, PAYSEAL_SIGNER_FAILED, "the signer claims more than it was given room for");
    host = fresh, host.sign_len = 1;
    misbehaves(config, host, PAYSEAL_SIGNER_FAILED, "the signer makes something too short");

    callbacks = table(&fresh);
    callbacks.size = 4;
    check(payseal_client_new(BYTES(config), &callbacks, &client, &error) / 100 == 1, "a table smaller than its own first members is refused");
    payseal_error_free(error);
    error = NULL;
    callbacks = (payseal_callbacks){.size = sizeof callbacks};
    check(payseal_client_new(BYTES(config), &callbacks, &client, &error) / 100 == 1, "without key and signer there is no client");
    payseal_error_free(error);
    free(good.key.data);
    free(config);
}
