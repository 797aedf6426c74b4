/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Rights - may the service read the settings that root has just read?
 *
 * A file that root wrote under a strict umask is right to all who look as root, and keeps hublinkd from starting.
 */

#include <limits.h>

#include "daemon/service-user.h"
#include "daemon/settings.h"

/* What keeps the user from a file: itself, or a folder on the way to it. */
typedef struct SettingsClosed {
        char path[PATH_MAX];
        const char *mode; /* what it lacks, in the letters of chmod */
        int error;        /* negative errno */
} SettingsClosed;

/* The next one, beginning with the file *i, 0 at first; each folder once. ret is empty at first. false: no more. */
bool settings_rights_next(const SettingsFiles *files, const ServiceUser *user, size_t *i, SettingsClosed *ret);

/* All of them as problems, where root asks and it is the service's own file that was loaded, as if with the candidate.
 * 0; SETTINGS_E_BAD; -ENOMEM. */
int settings_rights(const Settings *s, const char *path, const SettingsCandidate *candidate, Problems *problems);
