/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/cli/known-ids.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "devhub/hub/registry.h"

typedef struct Search {
        const char *id;
        bool found;
        Nearest nearest;
        Buffer name;    /* of the one that is looked at */
        char *best;     /* a copy: the walk's own do not last */
} Search;

static int look(void *userdata, const Identity *identity)
{
        Search *s = userdata;

        buffer_clear(&s->name);
        identity_name(identity->device_id, identity->module_id, &s->name);
        if (buffer_error(&s->name))
                return -ENOMEM;
        s->found = s->found || strcmp(s->name.data, s->id) == 0;
        /* a device and its module are not mistaken for each other */
        if (!identity->module_id != !strchr(s->id, '/'))
                return 0;
        nearest_offer(&s->nearest, s->name.data);
        if (s->nearest.found == s->best)
                return 0;
        free(s->best);
        s->best = strdup(s->name.data);
        s->nearest.found = s->best;
        return s->best ? 0 : -ENOMEM;
}

int known_ids_find(Store *store, const char *id, char **ret_nearest)
{
        Search s = {.id = id, .nearest = nearest_begin(id)};
        int r = registry_each(store, look, &s);

        buffer_done(&s.name);
        *ret_nearest = NULL;
        if (r < 0 || s.found)
                free(s.best);
        else
                *ret_nearest = s.best;
        return r < 0 ? r : s.found;
}

void known_ids_warn(Store *store, const char *id)
{
        _cleanup_free_ char *nearest = NULL;

        if (known_ids_find(store, id, &nearest) != 0)
                return;
        if (nearest)
                (void)fprintf(stderr, "hublink-devhub: there is no %s yet; did you mean %s?\n", id, nearest);
        else
                (void)fprintf(stderr, "hublink-devhub: there is no %s yet\n", id);
}
