/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/departures.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "devhub/mqtt/kept-sessions.h"

struct Departure {
        char *device_id;
        char *module_id;
};

static void departure_done(Departure *departure)
{
        free(departure->device_id);
        free(departure->module_id);
        *departure = (Departure){};
}

static int make_room(Departures *d)
{
        size_t n = MAX(d->n_allocated * 2, (size_t)4);
        Departure *more;

        if (d->n < d->n_allocated)
                return 0;
        more = reallocarray(d->all, n, sizeof(*more));
        if (!more)
                return -ENOMEM;
        d->all = more;
        d->n_allocated = n;
        return 0;
}

static int add(Departures *d, const char *device_id, const char *module_id)
{
        Departure one = {.device_id = strdup(device_id), .module_id = module_id ? strdup(module_id) : NULL};

        if (!one.device_id || (module_id && !one.module_id) || make_room(d) < 0) {
                departure_done(&one);
                return -ENOMEM;
        }
        d->all[d->n++] = one;
        return 0;
}

static int drop_sessions(Departures *d, const char *device_id, const char *module_id)
{
        return module_id ? kept_sessions_drop(d->store, device_id, module_id)
                         : kept_sessions_drop_device(d->store, device_id);
}

static bool is_among(const Verdict *v, const char *device_id, const char *module_id)
{
        return v->device_id && strcmp(v->device_id, device_id) == 0 &&
               (!module_id || (v->module_id && strcmp(v->module_id, module_id) == 0));
}

static void cut_links(Departures *d, const char *device_id, const char *module_id)
{
        for (size_t i = 0; i < d->links->n; i++) {
                Link *link = d->links->all[i];

                if (link_notes(link)->id == 0 || !is_among(link_verdict(link), device_id, module_id))
                        continue;
                link_notes(link)->forgotten = true;
                link_close(link, "its identity was deleted or disabled");
        }
        desk_row_forgotten(d->desks, device_id, module_id);
}

int departures_add(Departures *d, const char *device_id, const char *module_id)
{
        int r = drop_sessions(d, device_id, module_id);

        return r < 0 ? r : add(d, device_id, module_id);
}

/* To tell of one may bring another. */
void departures_carry_out(Departures *d)
{
        while (d->n > 0) {
                Departure one = d->all[0];

                memmove(d->all, d->all + 1, --d->n * sizeof(*d->all));
                cut_links(d, one.device_id, one.module_id);
                departure_done(&one);
        }
}

void departures_call_off(Departures *d)
{
        for (size_t i = 0; i < d->n; i++)
                departure_done(&d->all[i]);
        free(d->all);
        d->all = NULL;
        d->n = d->n_allocated = 0;
}

void departures_at_once(Departures *d, const char *device_id, const char *module_id)
{
        if (drop_sessions(d, device_id, module_id) < 0)
                log_warning("%s: what it subscribed to is not forgotten: %s", device_id, store_error(d->store));
        cut_links(d, device_id, module_id);
}

void departures_cut(const Departures *d, const char *device_id, const char *module_id)
{
        Link *link = links_find(d->links, device_id, module_id);

        if (link)
                link_close(link, "its keys or certificates were changed");
}
