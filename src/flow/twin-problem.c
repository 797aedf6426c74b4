/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What is wrong with the twin for as long as it is so: sections that are left out, of either half. In words, for the
 * status; what went wrong once is another thing.
 */

#include <string.h>

#include "flow/twin-core.h"

#define NAMED_MAX 3

typedef struct Names {
        Buffer text;
        size_t n;
} Names;

static void add(Names *names, const char *section)
{
        if (names->n++ < NAMED_MAX)
                buffer_printf(&names->text, "%s%s", names->n > 1 ? ", " : "", section);
}

static void put(Buffer *b, const char *before, Names *names, const char *one, const char *more)
{
        if (names->n > 0)
                buffer_printf(b, "%s%s %s", b->size > 0 ? "; " : "", before, names->text.data ?: "");
        if (names->n > NAMED_MAX)
                buffer_printf(b, " and %zu others", names->n - NAMED_MAX);
        if (names->n > 0)
                buffer_printf(b, " %s", names->n == 1 ? one : more);
        b->error = b->error ?: buffer_error(&names->text);
        buffer_done(&names->text);
}

static void describe(const Twin *t, Buffer *b)
{
        Names left_out = {}, given_up = {};
        DocumentMember m = {};

        while (document_next(t->left_out, &m))
                add(&left_out, m.name);
        while (document_next(t->given_up, &m))
                if (twin_is_given_up(t, m.name))
                        add(&given_up, m.name);
        put(b, "more than 4,096 values are desired:", &left_out, "is not taken over", "are not taken over");
        put(b, "the hub refuses what is reported:", &given_up, "is given up", "are given up");
}

void twin_renew_problem(Twin *t)
{
        Buffer b = BUFFER_NULL;

        describe(t, &b);
        if (buffer_error(&b) < 0 || strcmp(b.data ?: "", t->problem ?: "") == 0) {
                buffer_done(&b);
                return;
        }
        free(t->problem);
        t->problem = b.size > 0 ? buffer_steal(&b) : NULL;
        twin_tell_changed(t);
}
