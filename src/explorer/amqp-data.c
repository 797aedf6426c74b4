/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/amqp-data.h"

#include <errno.h>
#include <inttypes.h>
#include <proton/error.h>
#include <string.h>

#include "base/iso-time.h"
#include "base/number.h"

/* AMQP's notation of what is no scalar: more is cut off. */
#define NOTATION_MAX 4096

static bool bytes_of(pn_data_t *data, pn_bytes_t *ret)
{
        switch (pn_data_type(data)) {
        case PN_STRING:
        case PN_SYMBOL:
        case PN_BINARY:
                *ret = pn_data_get_bytes(data);
                return true;
        default:
                return false;
        }
}

bool amqp_data_begin(pn_data_t *data)
{
        pn_data_rewind(data);
        return pn_data_next(data) && pn_data_type(data) == PN_MAP && pn_data_enter(data);
}

bool amqp_data_next(pn_data_t *data, Buffer *key)
{
        pn_bytes_t bytes;

        while (pn_data_next(data)) {
                bool named = bytes_of(data, &bytes) && !memchr(bytes.start, 0, bytes.size);

                buffer_clear(key);
                if (named)
                        buffer_append(key, bytes.start, bytes.size);
                if (!pn_data_next(data))
                        return false;
                if (named && key->size > 0)
                        return true;
        }
        return false;
}

bool amqp_data_find(pn_data_t *data, const char *key)
{
        _cleanup_(buffer_done) Buffer name = BUFFER_NULL;

        if (!amqp_data_begin(data))
                return false;
        while (amqp_data_next(data, &name))
                if (!buffer_error(&name) && strcmp(name.data, key) == 0)
                        return true;
        return false;
}

/* ---- values ---- */

bool amqp_data_integer(pn_data_t *data, int64_t *ret)
{
        pn_atom_t a = pn_data_get_atom(data);

        switch (a.type) {
        case PN_BYTE:
                *ret = a.u.as_byte;
                return true;
        case PN_UBYTE:
                *ret = a.u.as_ubyte;
                return true;
        case PN_SHORT:
                *ret = a.u.as_short;
                return true;
        case PN_USHORT:
                *ret = a.u.as_ushort;
                return true;
        case PN_INT:
                *ret = a.u.as_int;
                return true;
        case PN_UINT:
                *ret = a.u.as_uint;
                return true;
        case PN_LONG:
                *ret = a.u.as_long;
                return true;
        case PN_TIMESTAMP:
                *ret = a.u.as_timestamp;
                return true;
        case PN_ULONG:
                *ret = (int64_t)a.u.as_ulong;
                return a.u.as_ulong <= INT64_MAX;
        default:
                return false;
        }
}

static void add_uuid(Buffer *b, const pn_uuid_t *uuid)
{
        for (size_t i = 0; i < sizeof(uuid->bytes); i++)
                buffer_printf(b, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                              (unsigned)(uint8_t)uuid->bytes[i]);
}

static void add_time(Buffer *b, pn_timestamp_t t)
{
        char text[ISO_TIME_MAX];

        (void)iso_time_format(t > 0 ? (usec_t)MIN(t, INT64_MAX / 1000) * USEC_PER_MSEC : 0, text);
        buffer_append_string(b, text);
}

static void add_double(Buffer *b, double x)
{
        char text[NUMBER_TEXT_MAX];

        if (x - x != 0) {
                buffer_append_string(b, "NaN"); /* or infinite: no number either way */
                return;
        }
        (void)number_format(x, text);
        buffer_append_string(b, text);
}

static void add_notation(Buffer *b, pn_data_t *data)
{
        char text[NOTATION_MAX];
        size_t size = sizeof(text);

        if (pn_data_format(data, text, &size) == 0)
                buffer_append(b, text, size);
}

char *amqp_data_text(pn_data_t *data)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        pn_atom_t a = pn_data_get_atom(data);
        pn_bytes_t bytes;
        int64_t n;

        if (pn_data_type(data) == PN_NULL)
                return NULL;
        buffer_append(&b, "", 0);
        if (bytes_of(data, &bytes))
                buffer_append(&b, bytes.start, strnlen(bytes.start ? bytes.start : "", bytes.size));
        else if (a.type == PN_TIMESTAMP)
                add_time(&b, a.u.as_timestamp);
        else if (a.type == PN_UUID)
                add_uuid(&b, &a.u.as_uuid);
        else if (a.type == PN_BOOL)
                buffer_append_string(&b, a.u.as_bool ? "true" : "false");
        else if (a.type == PN_DOUBLE || a.type == PN_FLOAT)
                add_double(&b, a.type == PN_DOUBLE ? a.u.as_double : (double)a.u.as_float);
        else if (a.type == PN_ULONG)
                buffer_printf(&b, "%" PRIu64, a.u.as_ulong);
        else if (amqp_data_integer(data, &n))
                buffer_printf(&b, "%" PRId64, n);
        else
                add_notation(&b, data);
        return buffer_steal(&b);
}
