/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/departures.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void departure_done(Departure *departure)
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

int departures_add(Departures *d, const char *device_id, const char *module_id)
{
        Departure one = {.device_id = strdup(device_id), .module_id = module_id ? strdup(module_id) : NULL};

        if (!one.device_id || (module_id && !one.module_id) || make_room(d) < 0) {
                departure_done(&one);
                return -ENOMEM;
        }
        d->all[d->n++] = one;
        return 0;
}

bool departures_take(Departures *d, Departure *ret)
{
        if (d->n == 0)
                return false;
        *ret = d->all[0];
        memmove(d->all, d->all + 1, --d->n * sizeof(*d->all));
        return true;
}

void departures_done(Departures *d)
{
        for (size_t i = 0; i < d->n; i++)
                departure_done(&d->all[i]);
        free(d->all);
        *d = (Departures){};
}
