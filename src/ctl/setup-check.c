/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Would hublinkd start with what is about to be stored, and would it use it? The settings are read as they will be
 * then; a gateway that runs is not put at risk to find out.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "ctl/root.h"
#include "ctl/setup.h"
#include "daemon/credential.h"
#include "daemon/settings-rights.h"

#define NOTHING "Nothing was stored.\n"

/* ---- would it start? ---- */

static int refuse_problems(const Problems *problems)
{
        for (size_t i = 0; i < problems->n; i++)
                fprintf(stderr, "%s\n", problems->items[i].text);
        fprintf(stderr, "hublinkd would not start with these settings. Nothing was changed.\n");
        return CTL_FAILED;
}

/* *ret stays NULL where a tree has no settings yet: hublinkd comes later. */
static int load(const SetupWays *ways, const SettingsCandidate *candidate, Settings **ret)
{
        Problems problems = {};
        char path[PATH_MAX];
        int r = root_find(ways->root, SETTINGS_FILE, path);

        if (r < 0 && *ways->root)
                return CTL_OK;
        r = settings_load_as_if(ret, path, SETTINGS_STATE_DIR, candidate, &problems);
        if (r == 0)
                r = settings_rights(*ret, path, candidate, &problems);
        if (r < 0)
                fprintf(stderr, "%s: %s. " NOTHING, path, strerror(-r));
        r = r < 0 ? CTL_FAILED : r > 0 ? refuse_problems(&problems) : CTL_OK;
        problems_done(&problems);
        return r;
}

int setup_check_settings(const SetupWays *ways)
{
        _cleanup_(settings_freep) Settings *s = NULL;

        return load(ways, NULL, &s);
}

/* ---- would it use it? ---- */

static int refuse(const Settings *s, const char *path, const char *value)
{
        const Place *place = &node_nearest(s->tree, path)->place;

        fprintf(stderr, "%s:%u: %s = \"%s\": hublinkd would go on with that, and not use what is given here. Take that "
                        "line out. "
                        NOTHING, place->name, place->line, path, value);
        return CTL_FAILED;
}

static int check_use(const Settings *s, const Access *a)
{
        const DpsSettings *dps = &s->hub.dps;
        const char *setting, *file = credential_file(&s->hub, &setting);

        if (a->kind == ACCESS_CONNECTION_STRING && dps->id_scope)
                return refuse(s, "hub.dps.id_scope", dps->id_scope);
        if (strcmp(file, access_name(a->kind)) != 0)
                return refuse(s, setting, file);
        if (a->kind != ACCESS_CONNECTION_STRING && strcmp(dps->id_scope, a->id_scope) != 0)
                return refuse(s, "hub.dps.id_scope", dps->id_scope);
        if (a->kind != ACCESS_CONNECTION_STRING && strcmp(dps->registration_id, a->registration_id) != 0)
                return refuse(s, "hub.dps.registration_id", dps->registration_id);
        return CTL_OK;
}

int setup_check(const SetupWays *ways, const Access *a)
{
        _cleanup_(settings_freep) Settings *s = NULL;
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;
        SettingsCandidate candidate = {.name = strrchr(SETUP_SETTINGS, '/') + 1};
        int r;

        access_put_settings(a, &text);
        candidate.text = text.size > 0 ? text.data : NULL;
        r = load(ways, &candidate, &s);
        return r != CTL_OK || !s ? r : check_use(s, a);
}
