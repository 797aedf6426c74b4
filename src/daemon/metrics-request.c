/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/metrics-request.h"

#include <string.h>

#define CONTENT_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

static bool ends_head(const char *head, size_t size)
{
        return memmem(head, size, "\r\n\r\n", 4) || memmem(head, size, "\n\n", 2);
}

static bool is_word(const char *s, size_t size)
{
        for (size_t i = 0; i < size; i++)
                if (s[i] <= ' ' || s[i] > '~')
                        return false;
        return size > 0;
}

static bool is_version(const char *s, size_t size)
{
        return size == 8 && memcmp(s, "HTTP/1.", 7) == 0 && s[7] >= '0' && s[7] <= '9';
}

static bool is_text(const char *s, size_t size, const char *text)
{
        return size == strlen(text) && memcmp(s, text, size) == 0;
}

/* METHOD TARGET VERSION, with one blank between them. */
static int judge_line(const char *line, size_t size)
{
        const char *end = line + size;
        const char *target = memchr(line, ' ', size);
        const char *version = target ? memchr(target + 1, ' ', (size_t)(end - target - 1)) : NULL;
        size_t path;

        if (!version || !is_word(line, (size_t)(target - line)) ||
            !is_word(target + 1, (size_t)(version - target - 1)) ||
            !is_version(version + 1, (size_t)(end - version - 1)))
                return 400;
        if (!is_text(line, (size_t)(target - line), "GET"))
                return 405;
        for (path = 0; target[1 + path] != ' ' && target[1 + path] != '?'; path++)
                ;
        return is_text(target + 1, path, "/metrics") ? 200 : 404;
}

int metrics_request_judge(const char *head, size_t size)
{
        const char *end;
        size_t length;

        if (!ends_head(head, size))
                return size >= METRICS_REQUEST_MAX ? 431 : 0;
        if (memchr(head, 0, size))
                return 400;
        end = memchr(head, '\n', size);
        length = (size_t)(end - head);
        if (length > 0 && head[length - 1] == '\r')
                length--;
        return judge_line(head, length);
}

static const char *words_for(int status)
{
        switch (status) {
        case 200:
                return "OK";
        case 404:
                return "Not Found";
        case 405:
                return "Method Not Allowed";
        case 431:
                return "Request Header Fields Too Large";
        default:
                return "Bad Request";
        }
}

void metrics_request_answer(int status, const Buffer *body, Buffer *b)
{
        const char *words = words_for(status);

        buffer_printf(b, "HTTP/1.1 %d %s\r\nConnection: close\r\n", status, words);
        if (status == 405)
                buffer_append_string(b, "Allow: GET\r\n");
        if (status == 200) {
                buffer_printf(b, "Content-Type: " CONTENT_TYPE "\r\nContent-Length: %zu\r\n\r\n", body->size);
                buffer_append(b, body->data, body->size);
        } else
                buffer_printf(b, "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s\n", strlen(words) + 1,
                              words);
}
