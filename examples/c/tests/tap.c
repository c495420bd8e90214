#include "tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int count, failures;

static int report(int holds, const char *promise, va_list arguments)
{
    printf("%sok %d - ", holds ? "" : "not ", ++count);
    vprintf(promise, arguments);
    printf("\n");
    fflush(stdout);
    failures += !holds;
    return holds;
}

int check(int holds, const char *promise, ...)
{
    va_list arguments;
    va_start(arguments, promise);
    report(holds, promise, arguments);
    va_end(arguments);
    return holds;
}

static void show(payseal_error *error)
{
    size_t message_len, details_len;
    const uint8_t *message = payseal_error_message(error, &message_len), *details = payseal_error_details(error, &details_len);
    note("code %d, outcome %d: %.*s %.*s", payseal_error_code(error), payseal_error_outcome(error), (int)message_len, (const char *)message,
         (int)details_len, (const char *)details);
}

int refused(int32_t got, int32_t wanted, payseal_error **error, const char *promise, ...)
{
    size_t message_len = 0, details_len = 0;
    const uint8_t *message = payseal_error_message(*error, &message_len), *details = payseal_error_details(*error, &details_len);
    int holds = got == wanted && payseal_error_code(*error) == wanted && payseal_error_outcome(*error) >= PAYSEAL_NOT_SENT && message && message_len &&
                details && details_len >= 2 && details[0] == '{';
    va_list arguments;
    va_start(arguments, promise);
    report(holds, promise, arguments);
    va_end(arguments);
    if (!holds) {
        note("wanted code %d, got %d", wanted, got);
        show(*error);
    }
    payseal_error_free(*error);
    *error = NULL;
    return holds;
}

int accepted(int32_t got, payseal_error **error, const char *promise, ...)
{
    va_list arguments;
    va_start(arguments, promise);
    report(got == PAYSEAL_OK && !*error, promise, arguments);
    va_end(arguments);
    if (*error)
        show(*error);
    payseal_error_free(*error);
    *error = NULL;
    return got == PAYSEAL_OK;
}

void note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("# ");
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
}

int finish(void)
{
    printf("1..%d\n", count);
    return failures ? 1 : 0;
}

bytes read_file(const char *format, ...)
{
    char path[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);

    bytes whole = {0};
    FILE *file = fopen(path, "rb");
    if (!file)
        return whole;
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    if (size >= 0 && (whole.data = malloc((size_t)size + 1))) {
        whole.len = fread(whole.data, 1, (size_t)size, file);
        whole.data[whole.len] = 0;
    }
    fclose(file);
    return whole;
}
