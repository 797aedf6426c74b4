/* SPDX-License-Identifier: Apache-2.0 */
#include "members.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

static int add(Members *members, const char *line)
{
        Member *more = reallocarray(members->rows, members->n + 1, sizeof(*more)), *m;

        if (!more)
                return -ENOMEM;
        members->rows = more;
        m = &more[members->n];
        *m = (Member){};
        if (sscanf(line, "%u %ms %ms %ms %ms", &m->weight, &m->path, &m->interface, &m->name, &m->signature) < 4)
                return -EINVAL;
        if (!m->signature && !(m->signature = strdup("")))
                return -ENOMEM;
        members->n++;
        members->weight += m->weight;
        return 0;
}

int members_read(Members *members, FILE *from)
{
        _cleanup_free_ char *line = NULL;
        size_t size = 0;
        int r = 0;

        while (r >= 0 && getline(&line, &size, from) >= 0)
                r = add(members, line);
        return r < 0 ? r : members->weight > 0 ? 0 : -ENODATA;
}

void members_done(Members *members)
{
        for (size_t i = 0; i < members->n; i++) {
                free(members->rows[i].path);
                free(members->rows[i].interface);
                free(members->rows[i].name);
                free(members->rows[i].signature);
        }
        free(members->rows);
        *members = (Members){};
}

Member *members_draw(Members *members, Dice *d)
{
        unsigned n = dice_below(d, members->weight);
        Member *m = members->rows;

        while (members->first_uncalled < members->n && members->rows[members->first_uncalled].n_called > 0)
                members->first_uncalled++;
        if (members->first_uncalled < members->n && dice_one_in(d, 4))
                return &members->rows[members->first_uncalled];
        while (n >= m->weight)
                n -= m++->weight;
        return m;
}
