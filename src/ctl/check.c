/* SPDX-License-Identifier: Apache-2.0 */

/*
 * check: the daemon itself checks the settings, so that there is one opinion only.
 *
 * It is looked for beside us: where meson built us, in the same folder, or in sbin beside bin.
 */

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "ctl/offline.h"

static const char *const places[] = {"../daemon/hublinkd", "../sbin/hublinkd", "hublinkd"};

bool find_daemon(char path[static PATH_MAX])
{
        char self[PATH_MAX];
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
        const char *folder;

        if (n < 0)
                return false;
        self[n] = 0;
        folder = dirname(self);
        for (size_t i = 0; i < ARRAY_SIZE(places); i++)
                if (snprintf(path, PATH_MAX, "%s/%s", folder, places[i]) < PATH_MAX &&
                    access(path, X_OK) == 0)
                        return true;
        return false;
}

int command_check(const Options *options, int argc, char **argv)
{
        char path[PATH_MAX];
        const char *arguments[] = {path, "--check", options->config ? "--config" : NULL, options->config,
                                   NULL};
        int r = no_arguments(argc, argv);

        if (r != CTL_OK)
                return r;
        if (!find_daemon(path)) {
                fprintf(stderr, "check: hublinkd is not found beside hublinkctl; is it installed?\n");
                return CTL_FAILED;
        }
        (void)fflush(stdout);
        (void)execv(path, (char **)arguments);
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return CTL_FAILED;
}
