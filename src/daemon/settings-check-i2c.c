/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What sensors on one I2C bus cannot be for one another
 *
 * A chip that is on the bus itself answers whatever channel of a multiplexer is open. So nobody behind one may have its
 * address: both would answer, and what is read is what the two have in common; no error tells of it.
 *
 * A bus is known by its name: of one that has two, a link and a number, nobody would know that it is the same, and two
 * measurements would fall into one another. Of one chip its sensors have to choose the same. Links of buses that are
 * not there yet cannot be looked through.
 */

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/settings-check-core.h"

static bool is_behind(const SensorSettings *s)
{
        return s->mux.address != 0;
}

static void check_pair(const Check *c, const SensorSettings *behind, const SensorSettings *direct)
{
        char path[128];

        if (strcmp(behind->bus, direct->bus) != 0)
                return;
        (void)snprintf(path, sizeof(path), "sensors.%s.address", direct->name);
        if (direct->address == behind->address)
                check_complain(c, path,
                               "sensor %s has it behind a multiplexer of the same bus, where this one would answer as "
                               "well: one of the chips needs another address, or both a channel", behind->name);
        else if (direct->address == behind->mux.address)
                check_complain(c, path, "there is the multiplexer of sensor %s", behind->name);
}

/* Its address is known, and it was not refused. */
static bool is_placed(const Check *c, const SensorSettings *s)
{
        return s->bus && s->address != 0 && !node_is_faulty(check_group(c, "sensors", s->name));
}

static void check_names(const Check *c, const SensorSettings *first, const SensorSettings *second)
{
        char path[128], one[PATH_MAX], other[PATH_MAX];

        if (strcmp(first->bus, second->bus) == 0 || !realpath(first->bus, one) || !realpath(second->bus, other) ||
            strcmp(one, other) != 0)
                return;
        (void)snprintf(path, sizeof(path), "sensors.%s.bus", second->name);
        check_complain(c, path, "sensor %s calls this bus \"%s\": all its sensors have to name it alike", first->name,
                       first->bus);
}

static bool is_same_place(const SensorSettings *a, const SensorSettings *b)
{
        return strcmp(a->bus, b->bus) == 0 && a->address == b->address && a->mux.address == b->mux.address &&
               (!is_behind(a) || a->mux.channel == b->mux.channel);
}

/* Each would set the chip up its own way, and one of them read by its own choice what the other had chosen. Two
 * descriptions of other names may well read two things of one chip. */
static void check_options(const Check *c, const SensorSettings *first, const SensorSettings *second)
{
        char path[128];

        if (!is_same_place(first, second) || strcmp(first->chip, second->chip) != 0 || !first->description ||
            !second->description || chip_equal(first->description, second->description))
                return;
        (void)snprintf(path, sizeof(path), "sensors.%s.options", second->name);
        check_complain(c, path, "sensor %s is of the same chip and chooses otherwise: all its sensors have to choose "
                                "alike",
                       first->name);
}

void check_i2c(const Check *c)
{
        const Settings *s = c->settings;

        for (size_t i = 0; i < s->n_sensors; i++)
                for (size_t k = i + 1; k < s->n_sensors && is_placed(c, &s->sensors[i]); k++)
                        if (is_placed(c, &s->sensors[k])) {
                                check_names(c, &s->sensors[i], &s->sensors[k]);
                                check_options(c, &s->sensors[i], &s->sensors[k]);
                        }
        for (size_t i = 0; i < s->n_sensors; i++)
                for (size_t k = 0; k < s->n_sensors && is_behind(&s->sensors[i]); k++)
                        if (!is_behind(&s->sensors[k]) && is_placed(c, &s->sensors[i]) && is_placed(c, &s->sensors[k]))
                                check_pair(c, &s->sensors[i], &s->sensors[k]);
}
