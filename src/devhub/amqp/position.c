/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/amqp/position.h"

#include <errno.h>
#include <string.h>

static const struct {
        const char *key;
        PositionKind kind;
} keys[] = {
        {"amqp.annotation.x-opt-offset", POSITION_OFFSET},
        {"amqp.annotation.x-opt-sequence-number", POSITION_SEQUENCE},
        {"amqp.annotation.x-opt-enqueued-time", POSITION_ENQUEUED},
        {"amqp.annotation.x-opt-enqueuedtimeutc", POSITION_ENQUEUED},
};

typedef struct Text {
        const char *data, *end;
} Text;

static void skip_blanks(Text *t)
{
        while (t->data < t->end && (*t->data == ' ' || *t->data == '\t'))
                t->data++;
        while (t->end > t->data && (t->end[-1] == ' ' || t->end[-1] == '\t'))
                t->end--;
}

static bool take(Text *t, const char *word)
{
        size_t size = strlen(word);

        if ((size_t)(t->end - t->data) < size || memcmp(t->data, word, size) != 0)
                return false;
        t->data += size;
        return true;
}

static bool take_key(Text *t, PositionKind *ret)
{
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                if (take(t, keys[i].key)) {
                        *ret = keys[i].kind;
                        return true;
                }
        return false;
}

static int parse_number(Text t, int64_t *ret)
{
        bool negative = take(&t, "-");
        int64_t value = 0;

        if (t.data == t.end)
                return -EINVAL;
        for (; t.data < t.end; t.data++) {
                int digit = *t.data - '0';

                if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, digit, &value))
                        return -EINVAL;
        }
        *ret = negative ? -value : value;
        return 0;
}

static int parse_value(Text t, Position *position)
{
        char quote = t.data < t.end ? *t.data : 0;

        if (quote == '\'' || quote == '"') {
                if (t.end - t.data < 2 || t.end[-1] != quote)
                        return -EINVAL;
                t.data++;
                t.end--;
        }
        if (t.end - t.data == 7 && memcmp(t.data, "@latest", 7) == 0) {
                position->kind = POSITION_LATEST;
                return 0;
        }
        return parse_number(t, &position->value);
}

int position_parse(const char *text, size_t size, Position *ret)
{
        Text t = {text, text + size};
        Position position = {};
        int r;

        skip_blanks(&t);
        if (!take_key(&t, &position.kind))
                return -EINVAL;
        skip_blanks(&t);
        if (!take(&t, ">"))
                return -EINVAL;
        position.inclusive = take(&t, "=");
        skip_blanks(&t);
        r = parse_value(t, &position);
        if (r < 0)
                return r;
        *ret = position;
        return 0;
}
