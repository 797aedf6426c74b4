/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Commands: what a channel read since a time, which is their argument as JSON has it: a text and nothing around it.
 *
 * Readings carry boot time here, and the caller names wall time. The one is turned into the other at the moment of the
 * call, so that a clock which was set since then does not move them.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/iso-time.h"
#include "base/json.h"
#include "flow/pnp-core.h"
#include "model/json-read.h"
#include "model/method-desk.h"

#define NO_READING 404

static int complain(Buffer *answer, int status, const char *text)
{
        method_error_write(answer, text);
        return status;
}

void pnp_method(const CommandSettings *command, const SensorSettings *sensors, size_t n_sensors,
                char method[static PNP_METHOD_MAX])
{
        const char *name = *command->command ? command->command : command->name;
        size_t n = strcspn(command->of, ".");

        for (size_t i = 0; i < n_sensors; i++)
                if (strlen(sensors[i].name) == n && strncmp(sensors[i].name, command->of, n) == 0 &&
                    *sensors[i].component) {
                        (void)snprintf(method, PNP_METHOD_MAX, "%s*%s", sensors[i].component, name);
                        return;
                }
        (void)snprintf(method, PNP_METHOD_MAX, "%s", name);
}

/* ---- since when ---- */

typedef struct Since {
        usec_t wall_usec, boot_usec;
} Since;

/* A service whose language begins in the year 1 sends that when it means no time. */
static bool read_time(const char *text, usec_t *ret)
{
        int r = iso_time_parse(text, ret);

        if (r == -ERANGE)
                *ret = 0;
        return r == 0 || r == -ERANGE;
}

static bool read_since(const Pnp *p, const char *json, size_t size, Since *ret)
{
        usec_t boot = clock_boot(p->clock), wall = clock_wall(p->clock);
        _cleanup_json_ json_object *value = NULL;
        const char *why;

        *ret = (Since){usec_sub(wall, usec_sub(boot, p->started_usec)), 0};
        if (size == 0)
                return true;
        if (json_read_within(json, size, 1, &value, &why) < 0) /* a text, or null */
                return false;
        if (!value) /* what a service sends that has nothing to say */
                return true;
        if (!json_object_is_type(value, json_type_string) ||
            !read_time(json_object_get_string(value), &ret->wall_usec))
                return false;
        ret->boot_usec = ret->wall_usec > wall ? usec_add(boot, ret->wall_usec - wall)
                                               : usec_sub(boot, wall - ret->wall_usec);
        return true;
}

/* ---- the report ---- */

static int report(const Pnp *p, const PnpCommand *command, const char *json, size_t size, Buffer *answer)
{
        char start[ISO_TIME_MAX], end[ISO_TIME_MAX];
        ExtremesReport found;
        Since since;

        if (!read_since(p, json, size, &since))
                return complain(answer, METHOD_BAD_REQUEST,
                                "expected a time as a text, such as \"2026-01-31T12:00:00Z\", or nothing for all since "
                                "the start");
        if (!extremes_since(&p->table.channels[command->channel].extremes, since.boot_usec, &found))
                return complain(answer, NO_READING, "there was no reading since then");
        (void)iso_time_format(since.wall_usec, start);
        (void)iso_time_format(clock_wall(p->clock), end);
        buffer_append_string(answer, "{\"maxTemp\":");
        json_number(answer, found.max);
        buffer_append_string(answer, ",\"minTemp\":");
        json_number(answer, found.min);
        buffer_append_string(answer, ",\"avgTemp\":");
        json_number(answer, found.mean);
        buffer_printf(answer, ",\"startTime\":\"%s\",\"endTime\":\"%s\"}", start, end);
        return METHOD_OK;
}

int pnp_run(const Pnp *p, const char *method, const char *json, size_t size, Buffer *answer)
{
        for (size_t i = 0; i < p->table.n_commands; i++)
                if (strcmp(p->table.commands[i].method, method) == 0)
                        return report(p, &p->table.commands[i], json, size, answer);
        return complain(answer, METHOD_NOT_FOUND, "the settings have no such command any more");
}
