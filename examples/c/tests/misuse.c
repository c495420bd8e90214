/* NULL, zero and huge lengths, text that is not UTF-8, handles that are freed, foreign or invented: always an error, never a crash. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define QUERY "GET /v3/pay/transactions/out-trade-no/{out_trade_no}"
#define QUERY_PARAMS "{\"path\":{\"out_trade_no\":\"123456\"}}"

static const size_t huge[] = {(size_t)1 << 40, SIZE_MAX / 2, SIZE_MAX};

static payseal_client *new_client(const char *vectors)
{
    bytes config = read_file("%s/client/complete/input/config.json", vectors);
    payseal_client *client = NULL;
    payseal_error *error = NULL;
    accepted(payseal_client_new(config.data, config.len, NULL, &client, &error), &error, "a complete configuration makes a client");
    free(config.data);
    return client;
}

static void freeing_nothing(void)
{
    payseal_buffer empty = {0};
    payseal_client_free(NULL);
    payseal_call_free(NULL);
    payseal_cancel_free(NULL);
    payseal_error_free(NULL);
    payseal_buffer_free(NULL);
    payseal_buffer_free(&empty);
    payseal_buffer_free(&empty);
    check(!empty.data && !empty.len, "nothing can be freed, and freed again");
}

static void asking_no_error(void)
{
    size_t len = 7;
    check(payseal_error_code(NULL) == PAYSEAL_OK, "no error has code 0");
    check(payseal_error_outcome(NULL) == 0, "no error has no outcome");
    payseal_error_message(NULL, &len);
    check(len == 0, "no error has no message");
    len = 7;
    payseal_error_details(NULL, &len);
    check(len == 0, "no error has no details");
    payseal_error_message(NULL, NULL);
    check(1, "a length may be left out");
}

static void errors_are_optional(void)
{
    payseal_client *client = (payseal_client *)1;
    check(payseal_client_new(BYTES("{"), NULL, &client, NULL) != PAYSEAL_OK, "the error pointer may be NULL");
    check(client == NULL, "a failed call leaves its output zero");
    check(payseal_client_new(BYTES("{}"), NULL, NULL, NULL) == PAYSEAL_INVALID_ARGUMENT, "an output pointer may not");
}

static void errors_die_once(void)
{
    payseal_client *client = NULL;
    payseal_error *error = NULL;
    size_t len = 7;
    payseal_client_new(BYTES("{"), NULL, &client, &error);
    check(error != NULL, "an error object comes with the code");
    payseal_error_free(error);
    payseal_error_free(error);
    payseal_error_message(error, &len);
    check(payseal_error_code(error) == PAYSEAL_INVALID_HANDLE && len == 0, "a freed error is recognised, and freed twice without harm");
}

static void bad_bytes(const payseal_client *client)
{
    payseal_error *error = NULL;
    payseal_client *made = NULL;
    payseal_buffer body = {0}, info = {0};
    refused(payseal_client_new(NULL, 5, NULL, &made, &error), PAYSEAL_INVALID_ARGUMENT, &error, "NULL with a length is refused");
    check(payseal_client_new(NULL, 0, NULL, &made, &error) / 100 == 1, "an empty configuration is refused");
    payseal_error_free(error);
    error = NULL;
    check(payseal_client_new(BYTES("{\"provider\":\"\xff\"}"), NULL, &made, &error) / 100 == 1, "text that is not UTF-8 is refused");
    payseal_error_free(error);
    error = NULL;
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        refused(payseal_client_new((const uint8_t *)"{}", huge[i], NULL, &made, &error), PAYSEAL_INVALID_ARGUMENT, &error, "a configuration of %zu bytes is refused unread",
                huge[i]);
        refused(payseal_client_execute(client, (const uint8_t *)QUERY, huge[i], BYTES(QUERY_PARAMS), NULL, 0, NULL, &body, &info, &error),
                PAYSEAL_INVALID_ARGUMENT, &error, "…and an operation");
        refused(payseal_client_execute(client, BYTES(QUERY), (const uint8_t *)"{}", huge[i], NULL, 0, NULL, &body, &info, &error), PAYSEAL_INVALID_ARGUMENT,
                &error, "…and params");
        refused(payseal_client_execute(client, BYTES(QUERY), BYTES("{}"), (const uint8_t *)"x", huge[i], NULL, &body, &info, &error),
                PAYSEAL_INVALID_ARGUMENT, &error, "…and a payload");
        refused(payseal_notification_open(client, (const uint8_t *)"a: b\n", huge[i], BYTES("{}"), NULL, 0, &body, &info, &error), PAYSEAL_INVALID_ARGUMENT,
                &error, "…and the headers of a notification");
        refused(payseal_notification_open(client, BYTES("a: b\n"), (const uint8_t *)"{}", huge[i], NULL, 0, &body, &info, &error), PAYSEAL_INVALID_ARGUMENT,
                &error, "…and its body");
        refused(payseal_crypto_digest(BYTES("SHA-256"), NULL, 0, (const uint8_t *)"x", huge[i], &body, &error), PAYSEAL_INVALID_ARGUMENT, &error,
                "…and a message to digest");
    }
    check(!body.data && !body.len && !info.data && !info.len, "all that failed left its outputs zero");
}

static void bad_params(const payseal_client *client)
{
    static const char *const params[] = {"", "null", "[]", "7", "{", "{} {}", "{\"path\":7}", "{\"path\":{\"out_trade_no\":null}}", "{\"path\":{\"out_trade_no\":\"\"}}",
                                         "{\"path\":{\"out_trade_no\":\"a\\nb\"}}", "{\"$\":{\"timeout_ms\":-1}}", "{\"$\":{\"max_attempts\":0}}",
                                         "{\"path\":{\"out_trade_no\":\"123456\"},\"path\":{}}"};
    payseal_error *error = NULL;
    payseal_buffer body = {0};
    for (size_t i = 0; i < sizeof params / sizeof *params; i++) {
        payseal_client_execute(client, BYTES(QUERY), BYTES(params[i]), NULL, 0, NULL, &body, NULL, &error);
        check(payseal_error_code(error) / 100 == 1 && payseal_error_outcome(error) == PAYSEAL_NOT_SENT, "params %s never leave the machine", params[i]);
        payseal_error_free(error);
        error = NULL;
    }
    static const char *const operations[] = {"", "GET", "GET ", "GET v3", "FETCH /v3/x", "GET /v3/x y", "GET http://other.example/v3/x", "GET /v3/x\r\nHost: y",
                                             "get /v3/certificates", "GET /v3/{", "GET //v3/x"};
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        payseal_client_execute(client, BYTES(operations[i]), BYTES("{}"), NULL, 0, NULL, &body, NULL, &error);
        check(payseal_error_code(error) / 100 == 1 && payseal_error_outcome(error) == PAYSEAL_NOT_SENT, "operation %.20s never leaves the machine", i == 7 ? "with CRLF" : operations[i]);
        payseal_error_free(error);
        error = NULL;
    }
}

/* Everything that takes a handle, given one that is none. */
static void no_handle(const char *what, const void *handle)
{
    payseal_error *error = NULL;
    payseal_buffer body = {0}, info = {0};
    payseal_call *call = NULL;
    int32_t action = 0;
    uint64_t wait_ms = 0;
    const payseal_client *client = handle;
    payseal_call *bad_call = (payseal_call *)(uintptr_t)handle;
    refused(payseal_client_execute(client, BYTES(QUERY), BYTES(QUERY_PARAMS), NULL, 0, NULL, &body, &info, &error), PAYSEAL_INVALID_HANDLE, &error,
            "execute by %s", what);
    refused(payseal_client_metrics(client, &body, &error), PAYSEAL_INVALID_HANDLE, &error, "metrics of %s", what);
    refused(payseal_client_invoke(client, BYTES("jsapi"), BYTES("{\"prepay_id\":\"1\"}"), &body, &error), PAYSEAL_INVALID_HANDLE, &error, "invoke by %s", what);
    refused(payseal_notification_open(client, BYTES("a: b\n"), BYTES("{}"), NULL, 0, &body, &info, &error), PAYSEAL_INVALID_HANDLE, &error,
            "notification by %s", what);
    refused(payseal_notification_reply(client, PAYSEAL_OK, &body, &info, &error), PAYSEAL_INVALID_HANDLE, &error, "reply by %s", what);
    refused(payseal_call_new(client, BYTES(QUERY), BYTES(QUERY_PARAMS), NULL, 0, &call, &error), PAYSEAL_INVALID_HANDLE, &error, "call by %s", what);
    refused(payseal_call_new_notification(client, BYTES("a: b\n"), BYTES("{}"), NULL, 0, &call, &error), PAYSEAL_INVALID_HANDLE, &error,
            "notification as a call by %s", what);
    refused(payseal_call_step(bad_call, &action, &wait_ms, &error), PAYSEAL_INVALID_HANDLE, &error, "step of %s", what);
    refused(payseal_call_request(bad_call, &body, &error), PAYSEAL_INVALID_HANDLE, &error, "request of %s", what);
    refused(payseal_call_body(bad_call, &body, &error), PAYSEAL_INVALID_HANDLE, &error, "body of %s", what);
    refused(payseal_call_respond(bad_call, 200, NULL, 0, NULL, 0, &error), PAYSEAL_INVALID_HANDLE, &error, "respond to %s", what);
    refused(payseal_call_fail(bad_call, PAYSEAL_FAILURE_SENT, NULL, 0, &error), PAYSEAL_INVALID_HANDLE, &error, "fail %s", what);
    refused(payseal_call_result(bad_call, &body, &info, &error), PAYSEAL_INVALID_HANDLE, &error, "result of %s", what);
    refused(payseal_cancel_trigger(handle, &error), PAYSEAL_INVALID_HANDLE, &error, "trigger of %s", what);
    payseal_call_free(bad_call);
    check(!call && !body.data && !info.data && !action && !wait_ms, "outputs stay zero with %s", what);
}

static void bad_handles(const char *vectors)
{
    payseal_client *client = new_client(vectors), *freed = new_client(vectors);
    payseal_cancel *cancel = NULL;
    payseal_call *call = NULL;
    payseal_error *error = NULL;
    payseal_buffer body = {0};
    uint64_t on_the_stack[4] = {0};

    payseal_client_free(freed);
    payseal_client_free(freed);
    no_handle("a client freed twice", freed);
    no_handle("NULL", NULL);
    no_handle("an invented number", (const void *)(uintptr_t)0x10);
    no_handle("another", (const void *)(uintptr_t)UINTPTR_MAX);
    no_handle("the caller's own memory", on_the_stack);

    accepted(payseal_cancel_new(&cancel, &error), &error, "a cancel is made");
    accepted(payseal_call_new(client, BYTES(QUERY), BYTES(QUERY_PARAMS), NULL, 0, &call, &error), &error, "a call is made");
    refused(payseal_client_metrics((const payseal_client *)(const void *)call, &body, &error), PAYSEAL_INVALID_HANDLE, &error, "a call is no client");
    refused(payseal_client_metrics((const payseal_client *)(const void *)cancel, &body, &error), PAYSEAL_INVALID_HANDLE, &error, "a cancel is no client");
    refused(payseal_cancel_trigger((const payseal_cancel *)(const void *)client, &error), PAYSEAL_INVALID_HANDLE, &error, "a client is no cancel");
    refused(payseal_call_body((const payseal_call *)(const void *)client, &body, &error), PAYSEAL_INVALID_HANDLE, &error, "a client is no call");
    refused(payseal_client_execute(client, BYTES(QUERY), BYTES(QUERY_PARAMS), NULL, 0, (const payseal_cancel *)(const void *)call, &body, NULL, &error),
            PAYSEAL_INVALID_HANDLE, &error, "a call is no cancel");
    payseal_client_free((payseal_client *)(void *)call);
    accepted(payseal_client_metrics(client, &body, &error), &error, "freeing a call as a client frees neither");
    payseal_buffer_free(&body);

    accepted(payseal_cancel_trigger(cancel, &error), &error, "a cancel is triggered");
    accepted(payseal_cancel_trigger(cancel, &error), &error, "…and again");
    int32_t code = payseal_client_execute(client, BYTES(QUERY), BYTES(QUERY_PARAMS), NULL, 0, cancel, &body, NULL, &error);
    check(payseal_error_outcome(error) == PAYSEAL_NOT_SENT, "what is cancelled beforehand is not sent");
    refused(code, PAYSEAL_CANCELLED, &error, "…and says that it was cancelled");
    payseal_cancel_free(cancel);
    payseal_cancel_free(cancel);
    refused(payseal_cancel_trigger(cancel, &error), PAYSEAL_INVALID_HANDLE, &error, "a freed cancel triggers nothing");
    payseal_call_free(call);
    payseal_call_free(call);
    payseal_client_free(client);
}

static int contains(const payseal_buffer *text, const char *part)
{
    size_t len = strlen(part);
    for (size_t i = 0; i + len <= text->len; i++)
        if (memcmp(text->data + i, part, len) == 0)
            return 1;
    return 0;
}

static void names(const payseal_client *client)
{
    payseal_error *error = NULL;
    payseal_buffer out = {0};
    check(payseal_abi_version() == 1 && strcmp(payseal_version(), "0.1.0") == 0, "the library says its version");
    accepted(payseal_operations(BYTES("wechat"), &out, &error), &error, "the operations of wechat are listed");
    check(out.len > 2 && out.data[0] == '[' && contains(&out, "/v3/pay/transactions/native"), "…with the provider's names");
    payseal_buffer_free(&out);
    check(payseal_operations(BYTES("weechat"), &out, &error) / 100 == 1, "of no other provider");
    payseal_error_free(error);
    error = NULL;
    check(payseal_client_invoke(client, BYTES("teleport"), BYTES("{}"), &out, &error) / 100 == 1, "an unknown kind of parameters is refused");
    payseal_error_free(error);
    error = NULL;
    check(payseal_crypto_digest(BYTES("MD4"), NULL, 0, BYTES("x"), &out, &error) / 100 == 1, "an unknown algorithm is refused");
    payseal_error_free(error);
    error = NULL;
    check(payseal_crypto_sign(BYTES("RSA-SHA256"), BYTES("-----BEGIN PRIVATE KEY-----\n"), BYTES("x"), &out, &error) == PAYSEAL_KEY_INVALID, "half a PEM is no key");
    size_t len = 0;
    const uint8_t *message = payseal_error_message(error, &len);
    check(len && message && !out.data, "…and the error says so");
    payseal_error_free(error);
}

void test_misuse(const char *vectors)
{
    payseal_client *client = new_client(vectors);
    freeing_nothing();
    asking_no_error();
    errors_are_optional();
    errors_die_once();
    bad_bytes(client);
    bad_params(client);
    names(client);
    payseal_client_free(client);
    bad_handles(vectors);
}
