#define _POSIX_C_SOURCE 200809L
#include "http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LARGEST_MESSAGE = 1 << 20 };

void http_message_free(http_message *message)
{
    free(message->start);
    free(message->headers);
    free(message->body);
    *message = (http_message){0};
}

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int ready(int fd, long long deadline)
{
    long long left = deadline - now_ms();
    struct pollfd one = {.fd = fd, .events = POLLIN};
    return left > 0 && poll(&one, 1, (int)left) == 1;
}

static size_t content_length(const char *headers)
{
    for (const char *line = headers; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
        if (strncasecmp(line, "content-length:", 15) == 0)
            return strtoul(line + 15, NULL, 10);
    return SIZE_MAX; /* until the connection ends */
}

/* Cuts what was read into its parts; returns 0 when it is complete. */
static int take_apart(const char *data, size_t len, int ended, http_message *message)
{
    const char *blank = NULL;
    for (size_t i = 0; i + 4 <= len && !blank; i++)
        if (memcmp(data + i, "\r\n\r\n", 4) == 0)
            blank = data + i;
    if (!blank)
        return -1;
    const char *first = memchr(data, '\r', len);
    size_t head = (size_t)(blank - data) + 4, headers_len = first == blank ? 0 : (size_t)(blank - first);
    char *headers = headers_len ? strndup(first + 2, headers_len) : strdup("");
    size_t length = content_length(headers);
    if (length == SIZE_MAX ? !ended : len - head < length) {
        free(headers);
        return -1;
    }
    message->body_len = length == SIZE_MAX ? len - head : length;
    message->body = malloc(message->body_len + 1);
    memcpy(message->body, data + head, message->body_len);
    message->headers = headers;
    message->start = strndup(data, (size_t)(first - data));
    message->status = strncmp(message->start, "HTTP/1.1 ", 9) == 0 ? (unsigned)strtoul(message->start + 9, NULL, 10) : 0;
    return 0;
}

static int receive(int fd, long long deadline, http_message *message)
{
    char *data = NULL;
    size_t len = 0;
    int result = -1;
    while (len < LARGEST_MESSAGE && ready(fd, deadline)) {
        data = realloc(data, len + 4096);
        ssize_t got = recv(fd, data + len, 4096, 0);
        if (got < 0)
            break;
        len += (size_t)got;
        result = take_apart(data, len, got == 0, message);
        if (result == 0 || got == 0)
            break;
    }
    free(data);
    return result;
}

static int send_all(int fd, const void *data, size_t len)
{
    for (const char *at = data; len > 0;) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return -1;
        at += sent;
        len -= (size_t)sent;
    }
    return 0;
}

static struct sockaddr_in loopback(unsigned port)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

int http_exchange(unsigned port, const char *head, const uint8_t *body, size_t body_len, int timeout_ms, http_message *answer)
{
    *answer = (http_message){0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = loopback(port);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        if (fd >= 0)
            close(fd);
        return 1;
    }
    char end[96];
    snprintf(end, sizeof end, "Host: 127.0.0.1:%u\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n", port, body_len);
    int sent = send_all(fd, head, strlen(head)) == 0 && send_all(fd, end, strlen(end)) == 0 && send_all(fd, body, body_len) == 0;
    int result = sent && receive(fd, now_ms() + timeout_ms, answer) == 0 ? 0 : 2;
    close(fd);
    return result;
}

int http_listen(unsigned *port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (fd < 0)
        return -1;
    if (bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 16) != 0 || getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        close(fd);
        return -1;
    }
    *port = ntohs(address.sin_port);
    return fd;
}

void http_stop(int listener)
{
    if (listener >= 0)
        close(listener);
}

int http_accept(int listener, int timeout_ms, http_message *request)
{
    *request = (http_message){0};
    long long deadline = now_ms() + timeout_ms;
    if (!ready(listener, deadline))
        return -1;
    int fd = accept(listener, NULL, NULL);
    if (fd >= 0 && receive(fd, deadline, request) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

void http_reply(int connection, unsigned status, const char *head_lines, const uint8_t *body, size_t body_len)
{
    char start[32], end[64];
    snprintf(start, sizeof start, "HTTP/1.1 %u \r\n", status);
    snprintf(end, sizeof end, "Connection: close\r\nContent-Length: %zu\r\n\r\n", body_len);
    if (send_all(connection, start, strlen(start)) == 0 && send_all(connection, head_lines, strlen(head_lines)) == 0 &&
        send_all(connection, end, strlen(end)) == 0)
        send_all(connection, body, body_len);
    close(connection);
}
