/* Replays every case of target/vectors: see tests/vectors/README.md. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

/* One case, and the clock and random source that it dictates. */
typedef struct vector {
    char folder[512];
    int64_t now_ms;
    bytes random;
} vector;

#define INPUT(field) read_file("%s/input/" field, vector->folder)
#define EXPECTED(field) read_file("%s/expect/" field, vector->folder)
#define LEND(part) (part).data, (part).len

static int64_t dictated_clock(void *user)
{
    return ((vector *)user)->now_ms;
}

static int32_t dictated_random(void *user, uint8_t *out, size_t len)
{
    const bytes *source = &((vector *)user)->random;
    for (size_t i = 0; i < len; i++)
        out[i] = source->data[i % source->len];
    return 0;
}

static int64_t number(bytes text, int64_t otherwise)
{
    int64_t value = text.data ? strtoll((char *)text.data, NULL, 10) : otherwise;
    free(text.data);
    return value;
}

/* 0 when the case expects success. */
static int32_t expected_code(const vector *vector)
{
    return (int32_t)number(EXPECTED("code"), PAYSEAL_OK);
}

static int32_t open_client(vector *vector, payseal_client **client, payseal_error **error)
{
    bytes config = INPUT("config.json");
    vector->now_ms = number(INPUT("now_ms"), 0);
    vector->random = INPUT("random");
    payseal_callbacks callbacks = {.size = sizeof callbacks, .user = vector};
    if (vector->now_ms)
        callbacks.now_ms = dictated_clock;
    if (vector->random.data)
        callbacks.random = dictated_random;
    int32_t code = payseal_client_new(LEND(config), &callbacks, client, error);
    free(config.data);
    return code;
}

static int same(const char *field, const uint8_t *got, size_t got_len, bytes wanted)
{
    int equal = got_len == wanted.len && (got_len == 0 || memcmp(got, wanted.data, got_len) == 0);
    if (!equal) {
        note("%s: got    %.*s", field, (int)got_len, (const char *)got);
        note("%s: wanted %.*s", field, (int)wanted.len, (const char *)wanted.data);
    }
    free(wanted.data);
    return equal;
}

/* Every member of `wanted` is in `got` with the same value. */
static int holds_members(const payseal_buffer *got, bytes wanted)
{
    json_t *result = json_loadb((char *)got->data, got->len, 0, NULL), *members = json_loadb((char *)wanted.data, wanted.len, 0, NULL), *value;
    const char *name;
    int equal = result && members;
    json_object_foreach(members, name, value) if (!json_equal(value, json_object_get(result, name)))
    {
        note("%s differs in %.*s", name, (int)got->len, (char *)got->data);
        equal = 0;
    }
    json_decref(result);
    json_decref(members);
    free(wanted.data);
    return equal;
}

/* The error is the one that the case expects: code, and outcome and field where the case is about them. */
static int refused_as_expected(const vector *vector, int32_t code, payseal_error *error)
{
    int32_t wanted = expected_code(vector), outcome = (int32_t)number(EXPECTED("outcome"), payseal_error_outcome(error));
    size_t len = 0;
    const uint8_t *text = payseal_error_details(error, &len);
    json_t *details = json_loadb((const char *)text, len, 0, NULL);
    const char *field = json_string_value(json_object_get(details, "field"));
    bytes wanted_field = EXPECTED("field");
    int holds = code == wanted && payseal_error_code(error) == wanted && payseal_error_outcome(error) == outcome &&
                (!wanted_field.data || (field && strcmp(field, (char *)wanted_field.data) == 0));
    if (!holds) {
        const uint8_t *message = payseal_error_message(error, &len);
        note("wanted code %d outcome %d field %s", wanted, outcome, wanted_field.data ? (char *)wanted_field.data : "-");
        note("got    code %d outcome %d field %s: %.*s", code, payseal_error_outcome(error), field ? field : "-", (int)len, (const char *)message);
    }
    free(wanted_field.data);
    json_decref(details);
    return holds;
}

/* What a case gave in the end: for all kinds the same ending. */
static int concluded(const vector *vector, int32_t code, payseal_error *error, int matches)
{
    int holds = code != PAYSEAL_OK || expected_code(vector) != PAYSEAL_OK ? refused_as_expected(vector, code, error) : matches;
    payseal_error_free(error);
    return holds;
}

static int replay_client(vector *vector, payseal_client *client)
{
    (void)client; /* it was made, and that is the case */
    return concluded(vector, PAYSEAL_OK, NULL, 1);
}

/* The headers that the case names, in the JSON that payseal_call_request gave. */
static int same_request(const vector *vector, const payseal_buffer *request, const payseal_buffer *body)
{
    json_t *parsed = json_loadb((char *)request->data, request->len, 0, NULL), *header;
    const char *method = json_string_value(json_object_get(parsed, "method")), *url = json_string_value(json_object_get(parsed, "url"));
    const char *authorization = "", *serial = "";
    size_t i;
    json_array_foreach(json_object_get(parsed, "headers"), i, header)
    {
        const char *name = json_string_value(json_array_get(header, 0)), *value = json_string_value(json_array_get(header, 1));
        if (strcmp(name, "Authorization") == 0)
            authorization = value;
        if (strcmp(name, "Wechatpay-Serial") == 0)
            serial = value;
    }
    bytes wanted_body = EXPECTED("body"); /* absent for an upload, whose boundary is free */
    int holds = same("method", BYTES(method), EXPECTED("method")) & same("url", BYTES(url), EXPECTED("url")) &
                same("authorization", BYTES(authorization), EXPECTED("authorization")) &
                same("wechatpay_serial", BYTES(serial), EXPECTED("wechatpay_serial")) &
                (wanted_body.data ? same("body", body->data, body->len, wanted_body) : 1);
    json_decref(parsed);
    return holds;
}

/* Calls until the request would be sent. */
static int32_t begin_call(vector *vector, payseal_client *client, payseal_call **call, payseal_error **error)
{
    bytes operation = INPUT("operation"), params = INPUT("params.json"), payload = INPUT("payload");
    int32_t action = 0, code = payseal_call_new(client, LEND(operation), LEND(params), LEND(payload), call, error);
    payseal_buffer body = {0};
    uint64_t wait_ms;
    if (code == PAYSEAL_OK)
        code = payseal_call_step(*call, &action, &wait_ms, error);
    if (code == PAYSEAL_OK && action == PAYSEAL_DONE)
        code = payseal_call_result(*call, &body, NULL, error);
    free(operation.data);
    free(params.data);
    free(payload.data);
    return code;
}

static int replay_request(vector *vector, payseal_client *client)
{
    payseal_call *call = NULL;
    payseal_error *error = NULL;
    payseal_buffer request = {0}, body = {0};
    int32_t code = begin_call(vector, client, &call, &error);
    if (code == PAYSEAL_OK)
        code = payseal_call_request(call, &request, &error);
    if (code == PAYSEAL_OK)
        code = payseal_call_body(call, &body, &error);
    int holds = concluded(vector, code, error, code == PAYSEAL_OK && expected_code(vector) == PAYSEAL_OK && same_request(vector, &request, &body));
    payseal_buffer_free(&request);
    payseal_buffer_free(&body);
    payseal_call_free(call);
    return holds;
}

static int replay_answer(vector *vector, payseal_client *client)
{
    payseal_call *call = NULL;
    payseal_error *error = NULL;
    payseal_buffer body = {0};
    bytes headers = INPUT("headers"), answer = INPUT("answer");
    int32_t action = 0, code = begin_call(vector, client, &call, &error);
    uint64_t wait_ms;
    if (code == PAYSEAL_OK)
        code = payseal_call_respond(call, (uint32_t)number(INPUT("status"), 0), LEND(headers), LEND(answer), &error);
    if (code == PAYSEAL_OK)
        code = payseal_call_step(call, &action, &wait_ms, &error);
    if (code == PAYSEAL_OK && action == PAYSEAL_DONE)
        code = payseal_call_result(call, &body, NULL, &error);
    int done = action == PAYSEAL_DONE;
    int holds = concluded(vector, code, error, code == PAYSEAL_OK && expected_code(vector) == PAYSEAL_OK && same("body", body.data, body.len, EXPECTED("body")));
    payseal_buffer_free(&body);
    payseal_call_free(call);
    free(headers.data);
    free(answer.data);
    return done && holds;
}

static int replay_notification(vector *vector, payseal_client *client)
{
    payseal_error *error = NULL;
    payseal_buffer plaintext = {0}, event = {0};
    bytes headers = INPUT("headers"), body = INPUT("body");
    int32_t code = payseal_notification_open(client, LEND(headers), LEND(body), NULL, 0, &plaintext, &event, &error);
    int holds = concluded(vector, code, error,
                          code == PAYSEAL_OK && expected_code(vector) == PAYSEAL_OK &&
                              same("plaintext", plaintext.data, plaintext.len, EXPECTED("plaintext")) & holds_members(&event, EXPECTED("event.json")));
    payseal_buffer_free(&plaintext);
    payseal_buffer_free(&event);
    free(headers.data);
    free(body.data);
    return holds;
}

static int replay_invoke(vector *vector, payseal_client *client)
{
    payseal_error *error = NULL;
    payseal_buffer result = {0};
    bytes kind = INPUT("invoke"), params = INPUT("params.json");
    int32_t code = payseal_client_invoke(client, LEND(kind), LEND(params), &result, &error);
    int holds = concluded(vector, code, error, code == PAYSEAL_OK && expected_code(vector) == PAYSEAL_OK && holds_members(&result, EXPECTED("result.json")));
    payseal_buffer_free(&result);
    free(kind.data);
    free(params.data);
    return holds;
}

static int replay_crypto(vector *vector, const char *kind)
{
    payseal_error *error = NULL;
    payseal_buffer out = {0};
    bytes algorithm = INPUT("algorithm"), key = INPUT("key"), message = INPUT("message"), signature = INPUT("signature"), nonce = INPUT("nonce"),
          aad = INPUT("aad"), plaintext = INPUT("plaintext"), ciphertext = INPUT("ciphertext");
    bytes wanted = {0};
    int32_t code;
    if (strcmp(kind, "sign") == 0) {
        code = payseal_crypto_sign(LEND(algorithm), LEND(key), LEND(message), &out, &error);
        wanted = EXPECTED("signature");
    } else if (strcmp(kind, "verify") == 0) {
        code = payseal_crypto_verify(LEND(algorithm), LEND(key), LEND(message), LEND(signature), &error);
    } else if (strcmp(kind, "seal") == 0) {
        code = payseal_crypto_seal(LEND(algorithm), LEND(key), LEND(nonce), LEND(aad), LEND(plaintext), &out, &error);
        wanted = EXPECTED("ciphertext");
    } else if (strcmp(kind, "open") == 0) {
        code = payseal_crypto_open(LEND(algorithm), LEND(key), LEND(nonce), LEND(aad), LEND(ciphertext), &out, &error);
        wanted = EXPECTED("plaintext");
    } else {
        code = payseal_crypto_digest(LEND(algorithm), LEND(key), LEND(message), &out, &error);
        wanted = EXPECTED("digest");
    }
    int holds = concluded(vector, code, error, code == PAYSEAL_OK && expected_code(vector) == PAYSEAL_OK && same(kind, out.data, out.len, wanted));
    if (code != PAYSEAL_OK || expected_code(vector) != PAYSEAL_OK)
        free(wanted.data);
    payseal_buffer_free(&out);
    bytes all[] = {algorithm, key, message, signature, nonce, aad, plaintext, ciphertext};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i].data);
    return holds;
}

static int replay(vector *vector, const char *kind)
{
    bytes config = INPUT("config.json");
    free(config.data);
    if (!config.data)
        return replay_crypto(vector, kind);

    payseal_client *client = NULL;
    payseal_error *error = NULL;
    int32_t code = open_client(vector, &client, &error);
    int holds;
    if (code != PAYSEAL_OK)
        holds = concluded(vector, code, error, 0);
    else if (strcmp(kind, "client") == 0)
        holds = replay_client(vector, client);
    else if (strcmp(kind, "request") == 0)
        holds = replay_request(vector, client);
    else if (strcmp(kind, "answer") == 0)
        holds = replay_answer(vector, client);
    else if (strcmp(kind, "notification") == 0)
        holds = replay_notification(vector, client);
    else
        holds = replay_invoke(vector, client);
    payseal_client_free(client);
    free(vector->random.data);
    return holds;
}

void test_vectors(const char *vectors)
{
    const char *kinds[] = {"client", "request", "answer", "notification", "invoke", "sign", "verify", "seal", "open", "digest"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char folder[256];
        snprintf(folder, sizeof folder, "%s/%s", vectors, kinds[i]);
        struct dirent **names;
        int found = scandir(folder, &names, NULL, alphasort), cases = 0;
        for (int n = 0; n < found; n++) {
            if (names[n]->d_name[0] != '.') {
                vector vector = {0};
                snprintf(vector.folder, sizeof vector.folder, "%s/%s", folder, names[n]->d_name);
                check(replay(&vector, kinds[i]), "vector %s/%s", kinds[i], names[n]->d_name);
                cases++;
            }
            free(names[n]);
        }
        if (found >= 0)
            free(names);
        if (!cases)
            check(0, "there are vectors of kind %s: run make vectors", kinds[i]);
    }
}
