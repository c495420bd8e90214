/* Takes one order of a fen through WeChat Pay's Native operation, waits for the notification, opens it, and asks once more.
 *
 *     shop CONFIG.json [--pay] [--own-http]
 *
 * CONFIG.json is a configuration as docs/abi.md describes it; the sandbox writes one. --pay presses the sandbox's pay button, so that
 * no person is needed. --own-http sends the requests through http.c and the payseal_call functions, as a host does that has its
 * own HTTP client.
 *
 * Alipay needs the same functions and no other: a configuration of provider alipay, the operations alipay.trade.precreate and
 * alipay.trade.query, amounts as texts in yuan, "0.01". The shops in Go, Java and Python take both.
 *
 * Read it from the bottom upwards: main, take_order, wait_for_payment, explain. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http.h"
#include "payseal.h"

enum { WAIT_FOR_BUYER_MS = 10 * 60 * 1000 };

#define BYTES(text) (const uint8_t *)(text), strlen(text)

static const char *meaning(int32_t outcome)
{
    switch (outcome) {
    case PAYSEAL_NOT_SENT: return "not sent: nothing left this machine, so it is safe to correct the mistake and try again";
    case PAYSEAL_REJECTED: return "rejected: the provider has said no, and the signature proves that it was the provider";
    case PAYSEAL_UNKNOWN: return "unknown: money may have moved; query the order before anything else";
    case PAYSEAL_UNAUTHENTIC: return "unauthentic: whoever sent this, it cannot be believed; change no order";
    case PAYSEAL_MALFORMED: return "malformed: the provider has sent it, but it cannot be read";
    default: return "?";
    }
}

static const char *group(int32_t code)
{
    switch (code / 100) {
    case 1: return "our own mistake";
    case 2: return "trust";
    case 3: return "transport";
    case 4: return "the provider's answer";
    default: return "a bug in payseal; please report it";
    }
}

/* Says all that an error knows, and frees it. Every failure ends here. */
static void explain(const char *doing, payseal_error *error)
{
    int32_t code = payseal_error_code(error);
    size_t message_len, details_len;
    const uint8_t *message = payseal_error_message(error, &message_len);
    const uint8_t *details = payseal_error_details(error, &details_len);
    fprintf(stderr, "%s failed: %.*s\n", doing, (int)message_len, (const char *)message);
    fprintf(stderr, "  code     %d (%s)\n", code, group(code));
    fprintf(stderr, "  outcome  %s\n", meaning(payseal_error_outcome(error)));
    fprintf(stderr, "  details  %.*s\n", (int)details_len, (const char *)details);
    payseal_error_free(error);
}

static json_t *parse(const payseal_buffer *text)
{
    return json_loadb((const char *)text->data, text->len, 0, NULL);
}

static unsigned port_of(const char *url)
{
    const char *colon = strrchr(url, ':');
    return colon ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
}

/* One attempt of a call by our own HTTP client: what payseal asks to be sent is sent, what comes back is handed over. */
static int32_t send_ourselves(payseal_call *call, payseal_error **error)
{
    payseal_buffer text = {0}, body = {0};
    int32_t code = payseal_call_request(call, &text, error);
    if (code == PAYSEAL_OK)
        code = payseal_call_body(call, &body, error);
    if (code != PAYSEAL_OK) {
        payseal_buffer_free(&text);
        return code;
    }

    json_t *request = parse(&text), *headers, *header;
    const char *method, *url;
    int timeout_ms;
    size_t i, head_len;
    char *head;
    json_unpack(request, "{s:s, s:s, s:o, s:i}", "method", &method, "url", &url, "headers", &headers, "timeout_ms", &timeout_ms);
    const char *target = strchr(url + strlen("http://"), '/');
    FILE *lines = open_memstream(&head, &head_len);
    fprintf(lines, "%s %s HTTP/1.1\r\n", method, target);
    json_array_foreach(headers, i, header)
        fprintf(lines, "%s: %s\r\n", json_string_value(json_array_get(header, 0)), json_string_value(json_array_get(header, 1)));
    fclose(lines);
    char *origin = strndup(url, (size_t)(target - url));

    http_message answer;
    switch (http_exchange(port_of(origin), head, body.data, body.len, timeout_ms, &answer)) {
    case 0:
        code = payseal_call_respond(call, answer.status, BYTES(answer.headers), answer.body, answer.body_len, error);
        break;
    case 1:
        code = payseal_call_fail(call, PAYSEAL_FAILURE_NOT_SENT, BYTES("cannot connect"), error);
        break;
    default:
        code = payseal_call_fail(call, PAYSEAL_FAILURE_SENT, BYTES("no complete answer"), error);
    }
    http_message_free(&answer);
    free(origin);
    free(head);
    json_decref(request);
    payseal_buffer_free(&body);
    payseal_buffer_free(&text);
    return code;
}

/* The same as payseal_client_execute, step by step: retries, waiting and failover are payseal's decisions, moving bytes is ours. */
static int32_t execute_ourselves(const payseal_client *client, const char *operation, const char *params, payseal_buffer *body,
                                 payseal_error **error)
{
    payseal_call *call = NULL;
    int32_t action = 0, code = payseal_call_new(client, BYTES(operation), BYTES(params), NULL, 0, &call, error);
    uint64_t wait_ms = 0;
    while (code == PAYSEAL_OK && action != PAYSEAL_DONE) {
        code = payseal_call_step(call, &action, &wait_ms, error);
        if (code == PAYSEAL_OK && action == PAYSEAL_SEND)
            code = send_ourselves(call, error);
        if (code == PAYSEAL_OK && action == PAYSEAL_WAIT)
            nanosleep(&(struct timespec){.tv_sec = (time_t)(wait_ms / 1000), .tv_nsec = (long)(wait_ms % 1000) * 1000000}, NULL);
    }
    if (code == PAYSEAL_OK)
        code = payseal_call_result(call, body, NULL, error);
    payseal_call_free(call);
    return code;
}

typedef struct shop {
    payseal_client *client;
    const char *sandbox; /* the address of the first host */
    int own_http;
    int press_pay;
} shop;

static json_t *execute(const shop *shop, const char *doing, const char *operation, json_t *params)
{
    payseal_buffer body = {0};
    payseal_error *error = NULL;
    char *text = json_dumps(params, JSON_COMPACT);
    json_decref(params);
    int32_t code = shop->own_http ? execute_ourselves(shop->client, operation, text, &body, &error)
                                  : payseal_client_execute(shop->client, BYTES(operation), BYTES(text), NULL, 0, NULL, &body, NULL, &error);
    free(text);
    if (code != PAYSEAL_OK) {
        explain(doing, error);
        return NULL;
    }
    json_t *result = parse(&body); /* verified: only such bytes come out */
    payseal_buffer_free(&body);
    return result;
}

/* What the buyer's phone does, done through the sandbox's control API. */
static void press_pay(const shop *shop, const char *out_trade_no)
{
    char head[160];
    http_message answer;
    snprintf(head, sizeof head, "POST /sandbox/orders/%s/pay HTTP/1.1\r\n", out_trade_no);
    if (http_exchange(port_of(shop->sandbox), head, BYTES(""), 5000, &answer) != 0 || answer.status / 100 != 2)
        fprintf(stderr, "the sandbox does not take the payment: %s\n", answer.start ? answer.start : "no answer");
    http_message_free(&answer);
}

/* Writes the answer that payseal says is right for what became of the notification. */
static void reply(const shop *shop, int connection, int32_t became)
{
    payseal_buffer text = {0}, body = {0};
    payseal_error *error = NULL;
    if (payseal_notification_reply(shop->client, became, &text, &body, &error) != PAYSEAL_OK) {
        explain("replying", error);
        http_reply(connection, 500, "", BYTES(""));
        return;
    }
    char lines[1024] = "";
    int status = 500;
    size_t i;
    json_t *answer = parse(&text), *headers, *header;
    json_unpack(answer, "{s:i, s:o}", "status", &status, "headers", &headers);
    json_array_foreach(headers, i, header) {
        size_t at = strlen(lines);
        snprintf(lines + at, sizeof lines - at, "%s: %s\r\n", json_string_value(json_array_get(header, 0)), json_string_value(json_array_get(header, 1)));
    }
    http_reply(connection, (unsigned)status, lines, body.data, body.len);
    json_decref(answer);
    payseal_buffer_free(&text);
    payseal_buffer_free(&body);
}

/* Opens one notification; true when it says that this very order is paid with this very amount. */
static int is_our_payment(const payseal_buffer *plaintext, const char *out_trade_no, json_int_t fen)
{
    json_t *payment = parse(plaintext);
    const char *number = "", *state = "", *transaction = "";
    json_int_t total = -1;
    json_unpack(payment, "{s:s, s:s, s:s, s:{s:I}}", "out_trade_no", &number, "trade_state", &state, "transaction_id", &transaction, "amount", "total",
                &total);
    int ours = strcmp(number, out_trade_no) == 0 && strcmp(state, "SUCCESS") == 0 && total == fen;
    if (ours)
        printf("paid: %s, %lld fen, transaction %s\n", number, (long long)total, transaction);
    json_decref(payment);
    return ours;
}

/* Anyone may post to a notification address, so everything that does not verify is answered and forgotten. */
static int wait_for_payment(const shop *shop, int listener, const char *out_trade_no, json_int_t fen)
{
    for (;;) {
        http_message request;
        int connection = http_accept(listener, WAIT_FOR_BUYER_MS, &request);
        if (connection < 0) {
            fprintf(stderr, "nobody has paid in time\n");
            return 0;
        }
        payseal_buffer plaintext = {0}, event = {0};
        payseal_error *error = NULL;
        int paid = 0;
        int32_t code = payseal_notification_open(shop->client, BYTES(request.headers), request.body, request.body_len, NULL, 0, &plaintext, &event, &error);
        if (code == PAYSEAL_OK) {
            printf("notification: %.*s\n", (int)event.len, (const char *)event.data);
            paid = is_our_payment(&plaintext, out_trade_no, fen);
        } else {
            explain("opening the notification", error);
        }
        reply(shop, connection, code);
        http_message_free(&request);
        payseal_buffer_free(&plaintext);
        payseal_buffer_free(&event);
        if (paid)
            return 1;
    }
}

static int take_order(const shop *shop, int listener, unsigned port)
{
    const json_int_t fen = 1;
    char out_trade_no[40], notify_url[64];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(out_trade_no, sizeof out_trade_no, "C%lld%09ld", (long long)now.tv_sec, now.tv_nsec);
    snprintf(notify_url, sizeof notify_url, "http://127.0.0.1:%u/notify", port);

    json_t *order = execute(shop, "placing the order", "POST /v3/pay/transactions/native",
                            json_pack("{s:{s:s, s:s, s:s, s:{s:I, s:s}}}", "body", "description", "One cup of coffee", "out_trade_no", out_trade_no,
                                      "notify_url", notify_url, "amount", "total", fen, "currency", "CNY"));
    if (!order)
        return 0;
    printf("order %s: pay at %s\n", out_trade_no, json_string_value(json_object_get(order, "code_url")));
    fflush(stdout);
    json_decref(order);

    if (shop->press_pay)
        press_pay(shop, out_trade_no);
    if (!wait_for_payment(shop, listener, out_trade_no, fen))
        return 0;

    json_t *queried = execute(shop, "querying the order", "GET /v3/pay/transactions/out-trade-no/{out_trade_no}",
                              json_pack("{s:{s:s}}", "path", "out_trade_no", out_trade_no));
    if (!queried)
        return 0;
    const char *state = json_string_value(json_object_get(queried, "trade_state"));
    int paid = state && strcmp(state, "SUCCESS") == 0;
    printf("query: %s\n", state);
    json_decref(queried);
    return paid;
}

/* Log records are JSON; a service hands them to its own logger. They hold no secret. */
static void write_log(void *user, int32_t level, const uint8_t *record, size_t record_len)
{
    (void)user;
    if (level <= 2)
        fprintf(stderr, "%.*s\n", (int)record_len, (const char *)record);
}

static char *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t size = 0;
    if (file) {
        FILE *copy = open_memstream(&text, &size);
        for (int c; (c = getc(file)) != EOF;)
            putc(c, copy);
        fclose(copy);
        fclose(file);
    }
    *len = size;
    return text;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s CONFIG.json [--pay] [--own-http]\n", argv[0]);
        return 2;
    }
    shop shop = {0};
    for (int i = 2; i < argc; i++) {
        shop.press_pay |= strcmp(argv[i], "--pay") == 0;
        shop.own_http |= strcmp(argv[i], "--own-http") == 0;
    }
    size_t config_len;
    char *config = read_file(argv[1], &config_len);
    if (!config) {
        fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
        return 2;
    }

    payseal_callbacks callbacks = {.size = sizeof callbacks, .log = write_log};
    payseal_error *error = NULL;
    unsigned port;
    int listener = http_listen(&port), paid = 0;
    if (listener < 0) {
        perror("cannot listen");
    } else if (payseal_client_new((const uint8_t *)config, config_len, &callbacks, &shop.client, &error) != PAYSEAL_OK) {
        explain("reading the configuration", error);
    } else {
        json_t *parsed = json_loads(config, 0, NULL);
        shop.sandbox = json_string_value(json_array_get(json_object_get(parsed, "hosts"), 0));
        paid = take_order(&shop, listener, port);
        json_decref(parsed);
        payseal_client_free(shop.client);
    }
    http_stop(listener);
    free(config);
    return paid ? 0 : 1;
}
