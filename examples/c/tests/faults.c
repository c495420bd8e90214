/* Every way in which an order can fail at the provider, against a sandbox that fails on demand. */
#define _POSIX_C_SOURCE 200809L
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../http.h"
#include "tap.h"

#define ORDER "POST /v3/pay/transactions/native"

enum { ANY = 0 };

static unsigned port;
static int orders;

static int control(const char *method, const char *path, const char *json)
{
    char head[256];
    http_message answer;
    snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nContent-Type: application/json\r\n", method, path);
    int done = http_exchange(port, head, BYTES(json), 5000, &answer) == 0 && answer.status / 100 == 2;
    if (!done)
        note("%s %s %s: %s %.*s", method, path, json, answer.start ? answer.start : "no answer", (int)answer.body_len, (char *)answer.body);
    http_message_free(&answer);
    return done;
}

/* A client of its own for every case: a breaker that one opened must not meet the next. */
static payseal_client *new_client(const char *config)
{
    payseal_client *client = NULL;
    payseal_error *error = NULL;
    if (payseal_client_new(BYTES(config), NULL, &client, &error) != PAYSEAL_OK)
        refused(-1, PAYSEAL_OK, &error, "the sandbox's configuration makes a client");
    return client;
}

static int32_t place(const payseal_client *client, const char *options, payseal_buffer *body, payseal_error **error)
{
    char params[512];
    snprintf(params, sizeof params,
             "{\"body\":{\"description\":\"coffee\",\"out_trade_no\":\"CF%ld-%d\",\"notify_url\":\"http://127.0.0.1:9/notify\","
             "\"amount\":{\"total\":1,\"currency\":\"CNY\"}},\"$\":%s}",
             (long)getpid(), ++orders, options); /* several runs use one sandbox */
    return payseal_client_execute(client, BYTES(ORDER), BYTES(params), NULL, 0, NULL, body, NULL, error);
}

static const struct fault {
    const char *name, *options;
    int32_t code, outcome;
} faults[] = {
    {"reset_before", "{\"max_attempts\":1}", PAYSEAL_CONNECTION_LOST, PAYSEAL_UNKNOWN},
    {"reset_after", "{\"max_attempts\":1}", PAYSEAL_CONNECTION_LOST, PAYSEAL_UNKNOWN},
    {"delay", "{\"max_attempts\":1,\"timeout_ms\":300}", PAYSEAL_TIMEOUT, PAYSEAL_UNKNOWN},
    {"html_500", "{\"max_attempts\":1}", PAYSEAL_PROVIDER_UNAVAILABLE, PAYSEAL_UNKNOWN},
    {"html_502", "{\"max_attempts\":1}", PAYSEAL_PROVIDER_UNAVAILABLE, PAYSEAL_UNKNOWN},
    {"system_error", "{\"max_attempts\":1}", PAYSEAL_PROVIDER_UNAVAILABLE, PAYSEAL_UNKNOWN},
    {"rate_limit", "{\"max_attempts\":1}", PAYSEAL_PROVIDER_RATE_LIMITED, ANY},
    {"redirect", "{\"max_attempts\":1}", PAYSEAL_RESPONSE_INVALID, PAYSEAL_UNKNOWN},
    {"truncated_body", "{\"max_attempts\":1}", PAYSEAL_CONNECTION_LOST, PAYSEAL_UNKNOWN},
    {"unsigned", "{\"max_attempts\":1}", PAYSEAL_SIGNATURE_MISSING, PAYSEAL_UNKNOWN},
    {"wrong_signature", "{\"max_attempts\":1}", PAYSEAL_SIGNATURE_INVALID, PAYSEAL_UNKNOWN},
    {"signtest", "{\"max_attempts\":1}", PAYSEAL_SIGNATURE_PROBE, PAYSEAL_UNKNOWN},
    {"duplicate_signature", "{\"max_attempts\":1}", PAYSEAL_HEADER_INVALID, PAYSEAL_UNKNOWN},
    {"unknown_serial", "{\"max_attempts\":1}", PAYSEAL_UNKNOWN_SERIAL, PAYSEAL_UNKNOWN},
    {"stale_time", "{\"max_attempts\":1}", PAYSEAL_CLOCK_SKEW, PAYSEAL_UNKNOWN},
};

static void strikes(const char *config, const struct fault *fault)
{
    char wish[160];
    snprintf(wish, sizeof wish, "{\"fault\":\"%s\",\"target\":\"" ORDER "\",\"times\":1%s}", fault->name, strcmp(fault->name, "delay") == 0 ? ",\"ms\":3000" : "");
    if (!check(control("POST", "/sandbox/faults", wish), "the sandbox will strike with %s", fault->name))
        return;
    payseal_client *client = new_client(config);
    payseal_error *error = NULL;
    payseal_buffer body = {0};
    int32_t code = place(client, fault->options, &body, &error);
    check(fault->outcome == ANY || payseal_error_outcome(error) == fault->outcome, "%s: whether money may have moved", fault->name);
    refused(code, fault->code, &error, "%s: what has happened", fault->name);
    check(!body.data, "%s: no body comes out", fault->name);
    payseal_client_free(client);
    control("DELETE", "/sandbox/faults", "");
}

/* A native order may be repeated with the same number; once the strike is over the second attempt succeeds. */
static void survives(const char *config, const char *name)
{
    char wish[160];
    snprintf(wish, sizeof wish, "{\"fault\":\"%s\",\"target\":\"" ORDER "\",\"times\":1}", name);
    control("POST", "/sandbox/faults", wish);
    payseal_client *client = new_client(config);
    payseal_error *error = NULL;
    payseal_buffer body = {0};
    accepted(place(client, "{\"max_attempts\":3}", &body, &error), &error, "an order survives one %s", name);
    payseal_buffer_free(&body);
    payseal_client_free(client);
    control("DELETE", "/sandbox/faults", "");
}

static void the_provider_says_no(const char *config)
{
    payseal_client *client = new_client(config);
    payseal_error *error = NULL;
    payseal_buffer body = {0};
    int32_t code = payseal_client_execute(client, BYTES("GET /v3/pay/transactions/out-trade-no/{out_trade_no}"), BYTES("{\"path\":{\"out_trade_no\":\"NOBODY000\"}}"),
                                          NULL, 0, NULL, &body, NULL, &error);
    size_t len;
    const uint8_t *text = payseal_error_details(error, &len);
    json_t *details = json_loadb((const char *)text, len, 0, NULL);
    check(payseal_error_outcome(error) == PAYSEAL_REJECTED && json_is_true(json_object_get(details, "authenticated")), "a signed no is a definite no");
    check(json_integer_value(json_object_get(details, "http_status")) == 404 && json_string_value(json_object_get(details, "provider_code")),
          "…with the provider's status and code");
    refused(code, PAYSEAL_PROVIDER_REJECTED, &error, "an order that nobody placed is not found");
    json_decref(details);
    payseal_client_free(client);
}

static void nobody_is_there(const char *config)
{
    unsigned closed;
    int listener = http_listen(&closed);
    http_stop(listener);
    char address[40];
    snprintf(address, sizeof address, "http://127.0.0.1:%u", closed);
    json_t *changed = json_loads(config, 0, NULL);
    json_object_set_new(changed, "hosts", json_pack("[s]", address));
    char *text = json_dumps(changed, JSON_COMPACT);
    payseal_client *client = new_client(text);
    payseal_error *error = NULL;
    payseal_buffer body = {0};
    int32_t code = place(client, "{\"max_attempts\":1}", &body, &error);
    check(payseal_error_outcome(error) == PAYSEAL_NOT_SENT, "when nobody listens nothing was sent");
    refused(code, PAYSEAL_CONNECT_FAILED, &error, "…because no connection could be made");
    payseal_client_free(client);
    free(text);
    json_decref(changed);
}

void test_faults(const char *sandbox_config)
{
    bytes config = read_file("%s", sandbox_config);
    json_t *parsed = json_loadb((char *)config.data, config.len, 0, NULL);
    const char *host = json_string_value(json_array_get(json_object_get(parsed, "hosts"), 0));
    if (!check(host != NULL, "the sandbox has written a configuration"))
        return;
    port = (unsigned)strtoul(strrchr(host, ':') + 1, NULL, 10);

    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        strikes((char *)config.data, &faults[i]);
    survives((char *)config.data, "reset_before");
    survives((char *)config.data, "reset_after");
    survives((char *)config.data, "html_502");
    the_provider_says_no((char *)config.data);
    nobody_is_there((char *)config.data);
    json_decref(parsed);
    free(config.data);
}
