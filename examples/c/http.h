/* Just enough HTTP/1.1 over loopback for an example: one exchange, one accepted request. A real service brings its own client and server. */
#ifndef HTTP_H
#define HTTP_H
#include <stddef.h>
#include <stdint.h>

typedef struct http_message {
    char *start;        /* request line or status line, NUL-terminated */
    char *headers;      /* the lines below it as received, CRLF-ended, NUL-terminated */
    uint8_t *body;      /* never NULL, also when empty */
    size_t body_len;
    unsigned status;    /* of an answer */
} http_message;

void http_message_free(http_message *message);

/* Sends head (request line and header lines with their CRLFs, without the empty line) and body to 127.0.0.1:port and reads the answer.
 * Returns 0; 1 when no byte was sent; 2 when bytes left and no complete answer came. */
int http_exchange(unsigned port, const char *head, const uint8_t *body, size_t body_len, int timeout_ms, http_message *answer);

/* Listens on 127.0.0.1 at any free port; returns the socket, or -1. */
int http_listen(unsigned *port);
void http_stop(int listener);
/* Waits for one request at most timeout_ms; returns its connection, or -1. */
int http_accept(int listener, int timeout_ms, http_message *request);
/* Answers and closes. head_lines: header lines with their CRLFs. */
void http_reply(int connection, unsigned status, const char *head_lines, const uint8_t *body, size_t body_len);

#endif
