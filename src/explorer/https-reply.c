/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/https-reply.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/secret.h"

#define LATE_SEC 5 /* a header's whole seconds, and the way */

void https_reply_done(HttpsReply *r)
{
        secret_buffer_done(&r->body);
        free(r->etag);
        free(r->continuation);
        free(r->item_type);
        free(r->error_name);
        *r = (HttpsReply){};
}

static bool header_is(const char *line, size_t size, const char *name, const char **ret_value, size_t *ret_size)
{
        size_t n = strlen(name);

        if (size <= n || line[n] != ':' || strncasecmp(line, name, n) != 0)
                return false;
        line += n + 1;
        size -= n + 1;
        while (size > 0 && strchr(" \t", *line))
                line++, size--;
        while (size > 0 && strchr(" \t\r\n", line[size - 1]))
                size--;
        *ret_value = line;
        *ret_size = size;
        return true;
}

/* -1: it is none. Not by libcurl: its time_t has 32 bits on 32-bit processors, ours has 64 there too. */
static time_t read_date(const char *text)
{
        struct tm tm = {};
        const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);

        return end && *end == 0 ? timegm(&tm) : -1;
}

static void take_date(HttpsReply *r, const char *value, time_t now)
{
        time_t date = read_date(value);
        int64_t skew = (int64_t)now - (int64_t)date;

        if (date > 0)
                r->skew_sec = skew >= -LATE_SEC && skew <= LATE_SEC ? 0 : skew;
}

/* In seconds, or as a date. */
static void take_retry_after(HttpsReply *r, const char *value, time_t now)
{
        char *end;
        unsigned long seconds = strtoul(value, &end, 10);

        if (*end != 0 || !isdigit((unsigned char)*value)) {
                time_t date = read_date(value);

                seconds = date > now ? (unsigned long)(date - now) : 0;
        }
        r->retry_after_usec = MIN((usec_t)seconds, USEC_PER_DAY / USEC_PER_SEC) * USEC_PER_SEC;
}

/* The last one counts, should there be several. */
static void take_text(HttpsReply *r, const char *line, size_t size)
{
        const struct {
                const char *name;
                char **member;
        } rows[] = {
                {"etag", &r->etag},
                {"x-ms-continuation", &r->continuation},
                {"x-ms-item-type", &r->item_type},
                {"iothub-errorcode", &r->error_name},
        };
        const char *value;
        size_t value_size;

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (header_is(line, size, rows[i].name, &value, &value_size) && value_size > 0) {
                        free(*rows[i].member);
                        *rows[i].member = strndup(value, value_size);
                }
}

void https_reply_header(HttpsReply *r, const char *line, size_t size, time_t now)
{
        const char *value;
        size_t value_size;
        char text[64];

        take_text(r, line, size);
        if (header_is(line, size, "date", &value, &value_size)) {
                (void)snprintf(text, sizeof(text), "%.*s", (int)MIN(value_size, sizeof(text) - 1), value);
                take_date(r, text, now);
        } else if (header_is(line, size, "retry-after", &value, &value_size)) {
                (void)snprintf(text, sizeof(text), "%.*s", (int)MIN(value_size, sizeof(text) - 1), value);
                take_retry_after(r, text, now);
        }
}
