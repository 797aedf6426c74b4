/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Growing files: what has the name of a rotated one beside it is read as such, and so its lines would come twice, or
 * as another sensor's.
 */

#include <stdio.h>
#include <string.h>

#include "daemon/settings-check-core.h"
#include "sensor/rotated.h"

static const char *file_name(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

static bool looks_rotated(const char *path, const char *of)
{
        size_t folder = (size_t)(file_name(of) - of);

        return (size_t)(file_name(path) - path) == folder && strncmp(path, of, folder) == 0 &&
               rotated_is_name(file_name(path), file_name(of));
}

void check_files(const Check *c)
{
        const Settings *s = c->settings;

        for (size_t i = 0; i < s->n_sensors; i++)
                for (size_t k = 0; k < s->n_sensors; k++) {
                        const SensorSettings *one = &s->sensors[i], *tail = &s->sensors[k];
                        char path[128];

                        if (!one->path || !tail->path || !tail->driver || strcmp(tail->driver, "tail") != 0 ||
                            !looks_rotated(one->path, tail->path))
                                continue;
                        (void)snprintf(path, sizeof(path), "sensors.%s.path", one->name);
                        check_complain(c, path,
                                       "sensor %s follows %s, and would take this one for a rotated file of it: give "
                                       "it another name or folder",
                                       tail->name, tail->path);
                        break;
                }
}
