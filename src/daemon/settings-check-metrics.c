/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where the numbers may be told: the file is put in place of what has its name, so it must be nothing that the daemon
 * lives by.
 */

#include <string.h>

#include "daemon/settings-check-core.h"
#include "sensor/unix-socket.h"

#define SUFFIX ".prom" /* what the textfile collector reads, and nothing of ours is called */

/* What of the path lies below the folder, whatever slashes they are written with; NULL: it lies elsewhere. */
static const char *below(const char *folder, const char *path)
{
        while (*folder) {
                size_t n = strspn(folder, "/"), m = strspn(path, "/");

                folder += n;
                path += m;
                if (!*folder)
                        return m > 0 && *path ? path : NULL;
                n = strcspn(folder, "/");
                if (strncmp(folder, path, n) != 0 || (path[n] && path[n] != '/'))
                        return NULL;
                folder += n;
                path += n;
        }
        path += strspn(path, "/");
        return *path ? path : NULL;
}

/* Where a path with these leads is not to be seen from it: a link may lie before them. */
static bool has_dots(const char *path)
{
        while (*path) {
                size_t n = strcspn(path, "/");

                if ((n == 1 || n == 2) && strncmp(path, "..", n) == 0)
                        return true;
                path += n;
                path += strspn(path, "/");
        }
        return false;
}

static void check_file(const Check *c)
{
        const char *file = c->settings->metrics.file, *name;
        const char *suffix;

        if (!file)
                return;
        if (has_dots(file)) {
                check_complain(c, "metrics.file", "expected a path without \".\" and \"..\"; found \"%s\"", file);
                return;
        }
        if (below(c->settings->queue.directory, file)) {
                check_complain(c, "metrics.file",
                               "lies in the folder of the queue (queue.directory), which is its own");
                return;
        }
        name = below(c->state_dir, file);
        suffix = name ? strrchr(name, '.') : NULL;
        if (name && !strchr(name, '/') && (!suffix || strcmp(suffix, SUFFIX) != 0))
                check_complain(c, "metrics.file",
                               "lies beside the daemon's own files, where expected is a name that ends in " SUFFIX);
}

void check_metrics(const Check *c)
{
        const MetricsSettings *s = &c->settings->metrics;

        check_file(c);
        if (s->listen && strncmp(s->listen, METRICS_LISTEN "/", strlen(METRICS_LISTEN "/")) != 0)
                check_complain(c, "metrics.listen",
                               "expected \"" METRICS_LISTEN "\" and a path, such as \"" METRICS_LISTEN
                               "/run/hublink/metrics.sock\"; found \"%s\"",
                               s->listen);
        else if (s->listen && !unix_socket_path_fits(s->listen + strlen(METRICS_LISTEN)))
                check_complain(c, "metrics.listen", "the path is too long for a socket");
        else if (s->group && !s->listen)
                check_complain(c, "metrics.group", "is of the socket, and there is no metrics.listen");
}
