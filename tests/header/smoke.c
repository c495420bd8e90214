/* Compiled as every C and C++ that bindings are written in. It uses nothing but the header, and the header for everything:
 * functions.inc names each exported symbol, so that one without a declaration does not compile. */
#include "payseal.h"

typedef void (*function)(void);

static const function functions[] = {
#define FUNCTION(name) (function)name,
#include "functions.inc"
#undef FUNCTION
};

static int zeroes(void)
{
    payseal_client *client = 0;
    payseal_call *call = 0;
    payseal_cancel *cancel = 0;
    payseal_error *error = 0;
    payseal_buffer buffer = {0, 0};
    payseal_callbacks callbacks = {sizeof(payseal_callbacks), 0, 0, 0, 0, 0, 0, 0, 0};
    int32_t code = PAYSEAL_OK, outcome = PAYSEAL_NOT_SENT, action = PAYSEAL_DONE, failure = PAYSEAL_FAILURE_CANCELLED;
    return client || call || cancel || error || buffer.data || !callbacks.size || code || outcome != 1 || action != 3 || failure != 4;
}

int main(void)
{
    return zeroes() || sizeof functions == 0 || payseal_abi_version() != 1;
}
