/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Watched files: will the kernel tell hublinkd of changes to all files that the settings have watched?
 *
 * A user has so many inotify instances and watches, for all of his programs together. hublinkd takes one instance, and
 * a watch for each file and each folder (sensor/file-watch.h). In a user namespace they count for who made it: with
 * PrivateUsers= that is root.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/diagnosis.h"
#include "ctl/doctor.h"
#include "sensor/file-watch.h"

#define LIMITS "/proc/sys/fs/inotify/"
#define WHY                                                                                                          \
        "hublinkd then looks at such files every 10 s only: lines of growing ones come late, and of those that are " \
        "read as a whole, versions in between are missed."

typedef struct Limit {
        const char *name, *noun;
        unsigned long long enough; /* for what a gateway does besides */
} Limit;

static const Limit instances = {"max_user_instances", "instances", 1024};
static const Limit watches = {"max_user_watches", "watches", 65536};

static bool is_watched(const SensorSettings *s)
{
        return s->path && (strcmp(s->driver, "tail") == 0 || strcmp(s->driver, "watch") == 0);
}

/* -ENOMEM */
static ssize_t count_needed(const Settings *s)
{
        const char **paths = calloc(MAX(s->n_sensors, (size_t)1), sizeof(*paths));
        size_t n = 0, needed;

        if (!paths)
                return -ENOMEM;
        for (size_t i = 0; i < s->n_sensors; i++)
                if (is_watched(&s->sensors[i]))
                        paths[n++] = s->sensors[i].path;
        needed = diagnosis_count_watches(paths, n);
        free(paths);
        return (ssize_t)needed;
}

static bool find_limit(const Limit *l, unsigned long long *ret)
{
        char path[64];
        _cleanup_free_ char *text = NULL;

        (void)snprintf(path, sizeof(path), LIMITS "%s", l->name);
        if (doctor_read(path, &text) < 0 || *text < '0' || *text > '9')
                return false;
        *ret = strtoull(text, NULL, 10);
        return true;
}

static void tell(Doctor *d, const Limit *l, unsigned long long limit, const char *id, const char *what)
{
        char remedy[320];

        (void)snprintf(remedy, sizeof(remedy),
                       "echo fs.inotify.%s=%llu >> /etc/sysctl.d/50-inotify.conf; sysctl --system; who has some: "
                       "find /proc/[0-9]*/fd -lname anon_inode:inotify",
                       l->name, MAX(2 * limit, l->enough));
        doctor_tell(d, VERDICT_WARNING, id, (Advice){WHY, remedy}, "%s", what);
}

static void tell_few(Doctor *d, const Limit *l, unsigned long long limit, size_t needed)
{
        char what[160];

        (void)snprintf(what, sizeof(what), "sensors need %zu inotify %s, and fs.inotify.%s is %llu", needed, l->noun,
                       l->name, limit);
        tell(d, l, MAX(limit, (unsigned long long)needed), "watches-few", what);
}

static void tell_used_up(Doctor *d, const Limit *l, unsigned long long limit, bool for_root)
{
        char what[200];

        (void)snprintf(what, sizeof(what),
                       "user %s can have no more inotify %s: fs.inotify.%s, %llu, is used up%s",
                       for_root ? "root" : "hublink", l->noun, l->name, limit,
                       for_root ? " (that of hublinkd counts as root's, PrivateUsers)" : "");
        tell(d, l, limit, "watches-used-up", what);
}

/* Are there some left? Asked as whoever they count for. */
static int ask(const Doctor *d, bool for_root)
{
        return !for_root ? doctor_as_daemon(d, file_watch_try, "/") : geteuid() == 0 ? file_watch_try("/") : -ENOTSUP;
}

void doctor_watches(Doctor *d)
{
        const UnitWord *users = d->has_unit ? unit_files_find(&d->unit, "Service", "PrivateUsers") : NULL;
        bool for_root = users && *users->value && !doctor_is_off(users->value);
        unsigned long long most_instances, most_watches;
        ssize_t needed = count_needed(d->settings);
        int r;

        if (needed <= 0) {
                d->no_memory |= needed < 0;
                return;
        }
        if (doctor_sees_files_only(d)) {
                doctor_unseen(d, "watches",
                              "left out: how many files can be watched is told by another kernel (--root)");
                return;
        }
        if (!find_limit(&instances, &most_instances) || !find_limit(&watches, &most_watches)) {
                doctor_unseen(d, "watches", "the kernel does not tell how many files can be watched (" LIMITS ")");
                return;
        }
        if (most_instances < 1)
                tell_few(d, &instances, most_instances, 1);
        if (most_watches < (size_t)needed)
                tell_few(d, &watches, most_watches, (size_t)needed);
        if (most_instances < 1 || most_watches < (size_t)needed)
                return;
        r = ask(d, for_root);
        if (r == -EMFILE || r == -ENOSPC)
                tell_used_up(d, r == -EMFILE ? &instances : &watches, r == -EMFILE ? most_instances : most_watches,
                             for_root);
        else if (r < 0)
                doctor_unseen(d, "watches", "whether more files can be watched%s%s",
                              r == -ENOTSUP ? ", only root can look" : ": ", r == -ENOTSUP ? "" : strerror(-r));
        else
                doctor_well(d, "watches", "changes to their files can be told (%zd of %llu inotify watches)", needed,
                            most_watches);
}
