/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/method-names.h"

#include <errno.h>
#include <string.h>

static void row_done(MethodName *row)
{
        free(row->name);
        free(row->responder);
        free(row->user);
}

void method_names_done(MethodNames *names)
{
        for (size_t i = 0; i < names->n; i++)
                row_done(&names->rows[i]);
        free(names->rows);
        *names = (MethodNames){};
}

/* Where it is, or would be. */
static size_t place_of(const MethodNames *names, const char *name)
{
        size_t low = 0, high = names->n;

        while (low < high) {
                size_t middle = (low + high) / 2;

                if (strcmp(names->rows[middle].name, name) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

MethodName *method_names_find(const MethodNames *names, const char *name)
{
        size_t at = place_of(names, name);

        return at < names->n && strcmp(names->rows[at].name, name) == 0 ? &names->rows[at] : NULL;
}

/* Nobody's services shut out those that come with the system. */
static bool is_root(const char *user)
{
        return user && (strcmp(user, "root") == 0 || strcmp(user, "uid 0") == 0);
}

/* The settings are the operator's: what they name has its place, and takes none from those who register. */
static bool has_room(const MethodNames *names, const MethodName *row)
{
        size_t n = is_root(row->user) ? 0 : METHOD_NAMES_ROOT, n_client = 0, n_user = 0;

        if (row->kind != RESPONDER_REGISTERED)
                return true;
        for (size_t i = 0; i < names->n; i++) {
                const MethodName *other = &names->rows[i];

                if (other->kind != RESPONDER_REGISTERED)
                        continue;
                n++;
                n_client += strcmp(other->responder, row->responder) == 0;
                n_user += strcmp(other->user, row->user ?: "") == 0;
        }
        return n < METHOD_NAMES_MAX && n_client < METHOD_NAMES_CLIENT_MAX &&
               (n_user < METHOD_NAMES_USER_MAX || is_root(row->user));
}

static int copy(const MethodName *row, MethodName *ret)
{
        *ret = *row;
        ret->name = strdup(row->name);
        ret->responder = strdup(row->responder ?: "");
        ret->user = strdup(row->user ?: "");
        if (ret->name && ret->responder && ret->user)
                return 0;
        row_done(ret);
        return -ENOMEM;
}

int method_names_add(MethodNames *names, const MethodName *row)
{
        MethodName *there = method_names_find(names, row->name), *more, own;
        size_t at;

        if (there)
                return there->kind == row->kind && row->kind != RESPONDER_BUILTIN &&
                                               strcmp(there->responder, row->responder) == 0
                                       ? 0
                                       : METHOD_NAMES_E_TAKEN;
        if (!has_room(names, row))
                return METHOD_NAMES_E_FULL;
        more = reallocarray(names->rows, names->n + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        names->rows = more;
        if (copy(row, &own) < 0)
                return -ENOMEM;
        at = place_of(names, row->name);
        memmove(&more[at + 1], &more[at], (names->n - at) * sizeof(*more));
        more[at] = own;
        names->n++;
        names->changes++;
        return 0;
}

void method_names_remove(MethodNames *names, MethodName *row)
{
        size_t at = (size_t)(row - names->rows);

        row_done(row);
        names->changes++;
        memmove(row, row + 1, (--names->n - at) * sizeof(*row));
}

void method_names_sweep(MethodNames *names)
{
        for (size_t i = names->n; i-- > 0;)
                if (names->rows[i].stale)
                        method_names_remove(names, &names->rows[i]);
}
