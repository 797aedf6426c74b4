/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>

#include "base/secret.h"
#include "base/visible.h"

#define PROGRAM "hublink-explorer: "

/* ---- standard error ---- */

static void say(const char *fmt, va_list ap, const char *end)
{
        _cleanup_(buffer_done) Buffer line = BUFFER_NULL;
        _cleanup_free_ char *text = NULL;

        if (vasprintf(&text, fmt, ap) < 0) {
                text = NULL;
                (void)fputs(PROGRAM "no memory is left\n", stderr);
                return;
        }
        visible_text(&line, text, strlen(text));
        (void)fprintf(stderr, PROGRAM "%s%s\n", line.data ? line.data : "", end);
}

void complain(const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        say(fmt, ap, "");
        va_end(ap);
}

int bad_usage(const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        say(fmt, ap, "; try --help");
        va_end(ap);
        return EXPLORER_USAGE;
}

int out_of_memory(void)
{
        complain("no memory is left");
        return EXPLORER_FAILED;
}

void remark(const Explorer *e, const char *fmt, ...)
{
        va_list ap;

        if (e->quiet)
                return;
        va_start(ap, fmt);
        say(fmt, ap, "");
        va_end(ap);
}

/* ---- standard output ---- */

int output_text(const char *text, size_t size)
{
        _cleanup_(secret_buffer_done) Buffer seen = BUFFER_NULL;

        visible_lines(&seen, text, size);
        if (buffer_error(&seen))
                return out_of_memory();
        if ((seen.size > 0 && fwrite(seen.data, seen.size, 1, stdout) != 1) || fflush(stdout) != 0) {
                /* a reader that has had enough is no fault, nor is it to be stopped while one is slow */
                if (errno != EPIPE && errno != EINTR)
                        complain("standard output: %s", strerror(errno));
                return EXPLORER_FAILED;
        }
        return EXPLORER_OK;
}

const char *words_of_time(const char *text)
{
        static const char never[] = "0001-01-01T00:00:00";

        return strncmp(text, never, strlen(never)) == 0 ? "never" : text;
}

bool output_is_unwanted(void)
{
        if (errno != EPIPE && errno != EINTR)
                return false;
        __fpurge(stdout);
        return true;
}

int output_buffer(Buffer *b)
{
        int r = buffer_error(b) ? out_of_memory() : output_text(b->data, b->size);

        secret_buffer_done(b);
        return r;
}

static int output_as(json_object *o, int flags)
{
        const char *text = json_object_to_json_string_ext(o, flags | JSON_C_TO_STRING_NOSLASHESCAPE);
        int r;

        if (!text)
                return out_of_memory();
        r = output_text(text, strlen(text));
        return r == EXPLORER_OK ? output_text("\n", 1) : r;
}

int output_json(json_object *o)
{
        return output_as(o, JSON_C_TO_STRING_PLAIN);
}

int output_document(const Explorer *e, json_object *o)
{
        return output_as(o, e->json ? JSON_C_TO_STRING_PLAIN : JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);
}
