/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/event-position.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/iso-time.h"
#include "base/quantity.h"

static int parse_number(const char *text, uint64_t *ret)
{
        uint64_t n = 0;

        if (!*text)
                return -EINVAL;
        for (; *text; text++) {
                if (*text < '0' || *text > '9' || n > (INT64_MAX - 9) / 10)
                        return -EINVAL;
                n = n * 10 + (uint64_t)(*text - '0');
        }
        *ret = n;
        return 0;
}

static const char *after(const char *text, const char *prefix)
{
        size_t n = strlen(prefix);

        return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

static int parse_time(const char *text, usec_t wall_now, EventPosition *ret)
{
        usec_t span;

        ret->kind = EVENT_FROM_TIME;
        if (strchr(text, 'T'))
                return iso_time_parse(text, &ret->wall_usec) < 0 ? -EINVAL : 0;
        if (quantity_parse_time(text, &span) < 0)
                return -EINVAL;
        ret->wall_usec = usec_sub(wall_now, span);
        return 0;
}

int event_position_parse(const char *text, usec_t wall_now, EventPosition *ret)
{
        const char *value;

        *ret = (EventPosition){};
        if (strcmp(text, "start") == 0) {
                ret->kind = EVENT_FROM_START;
                return 0;
        }
        if (strcmp(text, "end") == 0) {
                ret->kind = EVENT_FROM_END;
                return 0;
        }
        value = after(text, "offset:");
        if (value)
                return *value && event_position_after(ret, value) ? 0 : -EINVAL;
        value = after(text, "sequence:");
        ret->kind = EVENT_FROM_SEQUENCE;
        if (value)
                return parse_number(value, &ret->sequence);
        if (parse_number(text, &ret->sequence) == 0)
                return 0;
        return parse_time(text, wall_now, ret);
}

bool event_position_after(EventPosition *p, const char *offset)
{
        size_t n = strlen(offset);

        if (n == 0 || n >= sizeof(p->offset) || strspn(offset, "0123456789abcdefABCDEF:.-") != n)
                return false;
        p->kind = EVENT_AFTER_OFFSET;
        memcpy(p->offset, offset, n + 1);
        return true;
}

void event_position_filter(const EventPosition *p, Buffer *b)
{
        switch (p->kind) {
        case EVENT_FROM_START:
                buffer_append_string(b, "amqp.annotation.x-opt-offset > '-1'");
                break;
        case EVENT_FROM_END:
                buffer_append_string(b, "amqp.annotation.x-opt-offset > '@latest'");
                break;
        case EVENT_FROM_SEQUENCE:
                buffer_printf(b, "amqp.annotation.x-opt-sequence-number > '%" PRId64 "'", (int64_t)p->sequence - 1);
                break;
        case EVENT_AFTER_OFFSET:
                buffer_printf(b, "amqp.annotation.x-opt-offset > '%s'", p->offset);
                break;
        case EVENT_FROM_TIME:
                /* a time given is one wanted, and `>=` is not for every endpoint */
                buffer_printf(b, "amqp.annotation.x-opt-enqueued-time > '%" PRIu64 "'",
                              usec_sub(p->wall_usec, USEC_PER_MSEC) / USEC_PER_MSEC);
                break;
        }
}
