/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings-rights.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_closed(int error)
{
        return error < 0 && error != -ENOTSUP && error != -ENOENT;
}

static bool close_at(SettingsClosed *ret, const char *path, const char *mode, int error)
{
        if (strcmp(ret->path, path) == 0)
                return false;
        (void)snprintf(ret->path, sizeof(ret->path), "%s", path);
        ret->mode = mode;
        ret->error = error;
        return true;
}

/* The first folder on the way that he cannot pass. */
static bool find_folder(const ServiceUser *user, const char *path, char ret[static PATH_MAX])
{
        char *real = realpath(path, NULL);
        bool found = false;

        for (char *slash = real ? strchr(real + 1, '/') : NULL; slash && !found; slash = strchr(slash + 1, '/')) {
                *slash = 0;
                found = is_closed(service_user_ask(user, may_pass, real));
                if (found)
                        (void)snprintf(ret, PATH_MAX, "%s", real);
                *slash = '/';
        }
        free(real);
        return found;
}

static bool look_at(const char *path, const ServiceUser *user, SettingsClosed *ret)
{
        struct stat st;
        bool is_folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
        char folder[PATH_MAX];
        int r = service_user_ask(user, is_folder ? may_enter : may_read, path);

        if (!is_closed(r))
                return false;
        if (find_folder(user, path, folder))
                return close_at(ret, folder, "x", r);
        return close_at(ret, path, is_folder ? "rx" : "r", r);
}

bool settings_rights_next(const SettingsFiles *files, const ServiceUser *user, size_t *i, SettingsClosed *ret)
{
        while (*i < files->n)
                if (look_at(files->names[(*i)++], user, ret))
                        return true;
        return false;
}

/* That one is yet to be written, and others can read it then. */
static bool is_candidate(const char *path, const SettingsCandidate *candidate)
{
        static const char folder[] = "/conf.d/";
        const char *found = strstr(path, folder);

        return candidate && found && strcmp(found + strlen(folder), candidate->name) == 0;
}

int settings_rights(const Settings *s, const char *path, const SettingsCandidate *candidate, Problems *problems)
{
        SettingsClosed closed = {};
        ServiceUser user;
        int r = 0;

        if (geteuid() != 0 || strcmp(path, SETTINGS_FILE) != 0 || !service_user_find(&user))
                return 0;
        for (size_t i = 0; settings_rights_next(&s->files, &user, &i, &closed);) {
                if (is_candidate(closed.path, candidate))
                        continue;
                problems_add(problems, (Place){closed.path, (unsigned)i, 0},
                             "user " SERVICE_USER " cannot read it, and hublinkd does not start so (%s): chmod a+%s %s",
                             strerror(-closed.error), closed.mode, closed.path);
                r = SETTINGS_E_BAD;
        }
        return problems->no_memory ? -ENOMEM : r;
}
