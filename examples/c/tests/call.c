/* The state machine for a host's own HTTP client, driven out of order. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tap.h"

static payseal_call *new_call(const payseal_client *client, const char *params)
{
    payseal_call *call = NULL;
    payseal_error *error = NULL;
    accepted(payseal_call_new(client, BYTES("GET /v3/pay/transactions/out-trade-no/{out_trade_no}"), BYTES(params), NULL, 0, &call, &error), &error, "a call is made");
    return call;
}

static int32_t step(payseal_call *call)
{
    payseal_error *error = NULL;
    int32_t action = 0;
    uint64_t wait_ms = 0;
    if (payseal_call_step(call, &action, &wait_ms, &error) != PAYSEAL_OK)
        action = -payseal_error_code(error);
    payseal_error_free(error);
    return action;
}

/* Sleeps as long as it is told; stepping earlier only says to wait for the rest. */
static int32_t step_after_waiting(payseal_call *call)
{
    int32_t action = PAYSEAL_WAIT;
    uint64_t wait_ms = 0;
    while (payseal_call_step(call, &action, &wait_ms, NULL) == PAYSEAL_OK && action == PAYSEAL_WAIT)
        nanosleep(&(struct timespec){.tv_sec = (time_t)(wait_ms / 1000), .tv_nsec = (long)(wait_ms % 1000 * 1000000)}, NULL);
    return action;
}

static void out_of_order(const payseal_client *client)
{
    payseal_call *call = new_call(client, "{\"path\":{\"out_trade_no\":\"123456\"},\"$\":{\"max_attempts\":1}}");
    payseal_error *error = NULL;
    payseal_buffer body = {0}, info = {0};
    refused(payseal_call_request(call, &body, &error), PAYSEAL_INVALID_STATE, &error, "no request before the first step");
    refused(payseal_call_body(call, &body, &error), PAYSEAL_INVALID_STATE, &error, "no body either");
    refused(payseal_call_respond(call, 200, NULL, 0, NULL, 0, &error), PAYSEAL_INVALID_STATE, &error, "no answer before anything was sent");
    refused(payseal_call_fail(call, PAYSEAL_FAILURE_SENT, NULL, 0, &error), PAYSEAL_INVALID_STATE, &error, "no failure either");
    refused(payseal_call_result(call, &body, &info, &error), PAYSEAL_INVALID_STATE, &error, "no result before the end");

    check(step(call) == PAYSEAL_SEND, "first there is something to send");
    accepted(payseal_call_request(call, &body, &error), &error, "the request is there");
    payseal_buffer_free(&body);
    accepted(payseal_call_request(call, &body, &error), &error, "…as often as it is asked for");
    payseal_buffer_free(&body);
    refused(payseal_call_result(call, &body, &info, &error), PAYSEAL_INVALID_STATE, &error, "still no result");
    refused(payseal_call_fail(call, 99, NULL, 0, &error), PAYSEAL_INVALID_ARGUMENT, &error, "an unknown kind of failure is refused");
    refused(payseal_call_fail(call, PAYSEAL_FAILURE_SENT, NULL, 9, &error), PAYSEAL_INVALID_ARGUMENT, &error, "so is a reason of NULL with a length");
    accepted(payseal_call_fail(call, PAYSEAL_FAILURE_SENT, BYTES("reset by peer"), &error), &error, "bytes left and nothing came back");
    refused(payseal_call_respond(call, 200, NULL, 0, NULL, 0, &error), PAYSEAL_INVALID_STATE, &error, "a late answer has no place any more");

    check(step(call) == PAYSEAL_DONE, "one attempt was allowed");
    check(step(call) == PAYSEAL_DONE, "the end stays the end");
    int32_t code = payseal_call_result(call, &body, &info, &error);
    check(payseal_error_outcome(error) == PAYSEAL_UNKNOWN, "the outcome is unknown");
    refused(code, PAYSEAL_CONNECTION_LOST, &error, "because the connection was lost");
    payseal_call_free(call);
}

static void retries(const payseal_client *client)
{
    payseal_call *call = new_call(client, "{\"path\":{\"out_trade_no\":\"123456\"},\"$\":{\"max_attempts\":2}}");
    payseal_error *error = NULL;
    check(step(call) == PAYSEAL_SEND, "the first attempt");
    accepted(payseal_call_fail(call, PAYSEAL_FAILURE_NOT_SENT, NULL, 0, &error), &error, "cannot connect");
    check(step_after_waiting(call) == PAYSEAL_SEND, "after waiting, the second");
    accepted(payseal_call_fail(call, PAYSEAL_FAILURE_NOT_SENT, NULL, 0, &error), &error, "cannot connect again");
    check(step(call) == PAYSEAL_DONE, "and no third");
    payseal_buffer body = {0};
    refused(payseal_call_result(call, NULL, NULL, &error), PAYSEAL_INVALID_ARGUMENT, &error, "a result without a place for it is refused");
    int32_t code = payseal_call_result(call, &body, NULL, &error);
    check(payseal_error_outcome(error) == PAYSEAL_NOT_SENT, "nothing was sent");
    refused(code, PAYSEAL_CONNECT_FAILED, &error, "because nobody could be reached");
    payseal_call_free(call);
}

static void nonsense(const payseal_client *client)
{
    static const uint32_t statuses[] = {0, 99, 1000, UINT32_MAX};
    payseal_error *error = NULL;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        payseal_call *call = new_call(client, "{\"path\":{\"out_trade_no\":\"123456\"},\"$\":{\"max_attempts\":1}}");
        step(call);
        int32_t code = payseal_call_respond(call, statuses[i], NULL, 0, NULL, 0, &error);
        payseal_buffer body = {0};
        if (code == PAYSEAL_OK && step(call) == PAYSEAL_DONE)
            code = payseal_call_result(call, &body, NULL, &error);
        check(code != PAYSEAL_OK && error, "status %u is not success", (unsigned)statuses[i]);
        payseal_error_free(error);
        error = NULL;
        payseal_call_free(call);
    }
}

/* A call keeps what it needs: the order of freeing does not matter. */
static void outlives_its_client(payseal_client *client)
{
    payseal_call *call = new_call(client, "{\"path\":{\"out_trade_no\":\"123456\"}}");
    payseal_client_free(client);
    check(step(call) == PAYSEAL_SEND, "a call keeps its client for as long as it needs it");
    payseal_call_free(call);
}

/* A client of its own for each part: failures of one open the circuit breaker for the next. */
static payseal_client *new_client(const char *vectors)
{
    bytes config = read_file("%s/client/complete/input/config.json", vectors);
    payseal_client *client = NULL;
    payseal_error *error = NULL;
    accepted(payseal_client_new(config.data, config.len, NULL, &client, &error), &error, "a client for calls");
    free(config.data);
    return client;
}

void test_call(const char *vectors)
{
    void (*const parts[])(const payseal_client *) = {out_of_order, retries, nonsense};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        payseal_client *client = new_client(vectors);
        parts[i](client);
        payseal_client_free(client);
    }
    outlives_its_client(new_client(vectors));
}
