/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings.h"

#include <errno.h>
#include <string.h>

#include "daemon/settings-check.h"
#include "daemon/settings-chip.h"
#include "daemon/settings-fill.h"

Settings *settings_free(Settings *s)
{
        if (!s)
                return NULL;
        settings_empty(s);
        node_free(s->tree);
        node_free(s->said);
        settings_files_done(&s->files);
        free(s);
        return NULL;
}

/* A sensor's component is that of its stream: all of them there have the same. */
static void assign_components(Settings *s)
{
        for (size_t i = 0; i < s->n_sensors; i++) {
                const SensorSettings *sensor = &s->sensors[i];
                const char *stream = *sensor->stream ? sensor->stream : STREAM_DEFAULT;

                for (size_t k = 0; k < s->n_streams; k++)
                        if (strcmp(s->streams[k].name, stream) == 0)
                                memcpy(s->streams[k].component, sensor->component, sizeof(Name));
        }
}

bool settings_want_dps(const Settings *s)
{
        const DpsSettings *dps = &s->hub.dps;

        return dps->id_scope || dps->registration_id || dps->key_file || dps->group_key_file;
}

/* The default would be a second answer to the question which hub is ours. */
static void drop_default_credential(Settings *s)
{
        if (!settings_want_dps(s) || node_child(node_child(s->tree, "hub"), "connection_string_file"))
                return;
        free(s->hub.connection_string_file);
        s->hub.connection_string_file = NULL;
}

/* Where a file could not be read the rest is still looked at row by row, not whether it fits together. */
static int complete_from(Settings *s, int reading, const char *state_dir, Problems *problems)
{
        int r;

        if (s->tree) {
                r = settings_fill(s, state_dir, problems);
                if (r < 0)
                        return r;
                drop_default_credential(s);
        }
        if (s->tree) {
                r = settings_chips(s, problems);
                if (r < 0)
                        return r;
        }
        if (reading == 0) {
                r = settings_check(s, state_dir, problems);
                if (r < 0)
                        return r;
        }
        assign_components(s);
        problems_sort(problems);
        if (problems->no_memory)
                return -ENOMEM;
        return problems->n > 0 ? SETTINGS_E_BAD : 0;
}

int settings_complete(Settings *s, const char *state_dir, Problems *problems)
{
        return complete_from(s, 0, state_dir, problems);
}

int settings_load(Settings **ret, const char *path, const char *state_dir, Problems *problems)
{
        return settings_load_as_if(ret, path, state_dir, NULL, problems);
}

int settings_load_as_if(Settings **ret, const char *path, const char *state_dir, const SettingsCandidate *candidate,
                        Problems *problems)
{
        _cleanup_(settings_freep) Settings *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        r = settings_read(path, candidate, &s->files, &s->tree, problems);
        if (r < 0)
                return r;
        r = complete_from(s, r, state_dir, problems);
        if (r != 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

int settings_load_text(Settings **ret, const char *name, const char *text, const char *state_dir,
                       Problems *problems)
{
        _cleanup_(settings_freep) Settings *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        r = settings_read_text(name, text, strlen(text), &s->files, &s->tree, problems);
        if (r < 0)
                return r;
        r = complete_from(s, r, state_dir, problems);
        if (r != 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}
