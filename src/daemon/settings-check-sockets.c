/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Sockets that cannot be there at once. Whichever is opened second would fail, and each time another one.
 */

#include <stdio.h>
#include <string.h>

#include "daemon/settings-check-core.h"
#include "sensor/endpoint.h"

static bool find_endpoint(const SensorSettings *s, Endpoint *ret)
{
        char error[SENSOR_ERROR_MAX];

        return s->listen && endpoint_parse(s->listen, ret, error) == 0;
}

static bool both(const char *a, const char *b)
{
        return a && b && strcmp(a, b) == 0;
}

static void check_pair(const Check *c, const SensorSettings *s, const Endpoint *mine, const SensorSettings *other,
                       const Endpoint *theirs)
{
        char path[128];

        (void)snprintf(path, sizeof(path), "sensors.%s.listen", s->name);
        if (both(mine->path, theirs->path)) { /* a path has one socket, whichever its kind */
                check_complain(c, path, "sensor %s listens on the same path", other->name);
                return;
        }
        if (both(mine->name, theirs->name)) {
                check_complain(c, path, "sensor %s listens on the same socket of systemd", other->name);
                return;
        }
        switch (endpoint_compare(mine, theirs)) {
        case ENDPOINT_APART:
                break;
        case ENDPOINT_SAME:
                check_complain(c, path, "sensor %s listens on the same address", other->name);
                break;
        case ENDPOINT_HAS:
                check_complain(c, path, "sensor %s listens on %s, which this address has in it: the port is taken once",
                               other->name, other->listen);
                break;
        case ENDPOINT_WITHIN:
                check_complain(c, path, "sensor %s listens on %s, which has this address too: the port is taken once",
                               other->name, other->listen);
                break;
        }
}

/* One clash each is enough. */
static void check_sensor(const Check *c, size_t i)
{
        const SensorSettings *all = c->settings->sensors;
        Endpoint mine, theirs;

        if (!find_endpoint(&all[i], &mine))
                return;
        for (size_t k = 0, n = c->problems->n; k < i && c->problems->n == n; k++)
                if (find_endpoint(&all[k], &theirs))
                        check_pair(c, &all[i], &mine, &all[k], &theirs);
}

static void check_metrics_path(const Check *c)
{
        const char *listen = c->settings->metrics.listen;
        Endpoint theirs;

        if (!listen || strncmp(listen, METRICS_LISTEN, strlen(METRICS_LISTEN)) != 0)
                return;
        for (size_t i = 0; i < c->settings->n_sensors; i++)
                if (find_endpoint(&c->settings->sensors[i], &theirs) &&
                    both(theirs.path, listen + strlen(METRICS_LISTEN)))
                        check_complain(c, "metrics.listen", "sensor %s listens on the same path",
                                       c->settings->sensors[i].name);
}

void check_sockets(const Check *c)
{
        for (size_t i = 0; i < c->settings->n_sensors; i++)
                check_sensor(c, i);
        check_metrics_path(c);
}
