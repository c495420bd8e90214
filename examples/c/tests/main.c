/* test VECTORS [SANDBOX_CONFIG]: everything that a C program can do to payseal, right or wrong. */
#include <stdio.h>

#include "tap.h"

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s VECTORS [SANDBOX_CONFIG]\n", argv[0]);
        return 2;
    }
    test_misuse(argv[1]);
    test_callbacks(argv[1]);
    test_call(argv[1]);
    test_vectors(argv[1]);
    if (argc > 2)
        test_faults(argv[2]);
    return finish();
}
