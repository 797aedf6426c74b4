/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/bus-text.h"

#include "base/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

typedef void (*WriteOdd)(Buffer *b, uint32_t code_point);

static void write_replacement(Buffer *b, uint32_t code_point)
{
        buffer_append_string(b, REPLACEMENT);
}

/* They stand within strings, or the text is no JSON. */
static void write_escape(Buffer *b, uint32_t code_point)
{
        if (code_point < 0x10000)
                buffer_printf(b, "\\u%04x", code_point);
        else
                buffer_printf(b, "\\u%04x\\u%04x", 0xd7c0 + (code_point >> 10), 0xdc00 + (code_point & 0x3ff));
}

/* The length of what can be carried as it is, from the beginning; *ret_odd: of the character behind it, 0 at the end
 * and where the next byte is none of UTF-8. */
static size_t carried(const char *s, size_t size, size_t *ret_odd)
{
        size_t n = 0;

        while (n < size) {
                *ret_odd = utf8_character(s + n, size - n);
                /* all of them begin so: others need no look at their number */
                if (*ret_odd == 0 ||
                    ((unsigned char)s[n] >= 0xef && utf8_is_noncharacter(utf8_code_point(s + n, *ret_odd))))
                        return n;
                n += *ret_odd;
        }
        *ret_odd = 0;
        return n;
}

static void write_carried(Buffer *b, const char *s, WriteOdd write_odd)
{
        size_t left = strlen(s), odd;

        buffer_append(b, s, 0); /* of "" there is a text, too */
        for (;;) {
                size_t n = carried(s, left, &odd);

                buffer_append(b, s, n);
                s += n;
                left -= n;
                if (left == 0)
                        return;
                if (odd == 0)
                        buffer_append_string(b, REPLACEMENT);
                else
                        write_odd(b, utf8_code_point(s, odd));
                n = MAX(odd, (size_t)1);
                s += n;
                left -= n;
        }
}

void bus_text(Buffer *b, const char *text)
{
        write_carried(b, text, write_replacement);
}

void bus_text_json(Buffer *b, const char *json)
{
        write_carried(b, json, write_escape);
}

/* Nearly all can be carried as they are. */
static int append(sd_bus_message *m, const char *s, WriteOdd write_odd)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        size_t size, odd;

        s = s ?: ""; /* as sd-bus takes it */
        size = strlen(s);
        if (carried(s, size, &odd) == size)
                return sd_bus_message_append_basic(m, 's', s);
        write_carried(&b, s, write_odd);
        return buffer_error(&b) ?: sd_bus_message_append_basic(m, 's', b.data);
}

int bus_append_text(sd_bus_message *m, const char *text)
{
        return append(m, text, write_replacement);
}

int bus_append_json(sd_bus_message *m, const char *json)
{
        return append(m, json, write_escape);
}

int bus_append_text_pair(sd_bus_message *m, const char *name, const char *text)
{
        int r;

        if ((r = sd_bus_message_open_container(m, 'e', "ss")) < 0 || (r = bus_append_text(m, name)) < 0 ||
            (r = bus_append_text(m, text)) < 0)
                return r;
        return sd_bus_message_close_container(m);
}

int bus_append_text_entry(sd_bus_message *m, const char *name, const char *text)
{
        int r;

        if ((r = sd_bus_message_open_container(m, 'e', "sv")) < 0 || (r = bus_append_text(m, name)) < 0 ||
            (r = sd_bus_message_open_container(m, 'v', "s")) < 0 || (r = bus_append_text(m, text)) < 0 ||
            (r = sd_bus_message_close_container(m)) < 0)
                return r;
        return sd_bus_message_close_container(m);
}
