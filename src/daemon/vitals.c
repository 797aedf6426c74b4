/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/vitals.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "base/macro.h"

#define KERNEL_LOOKS 3 /* a healthy thread is there for a moment as well, with each write */

/* As in proc(5): the name, which may hold anything, ends with the last parenthesis; then comes the state. */
static bool is_uninterruptible(const char *thread)
{
        char path[64], line[128] = "";
        const char *state;
        FILE *f;

        (void)snprintf(path, sizeof(path), "/proc/self/task/%.20s/stat", thread);
        f = fopen(path, "re");
        if (!f)
                return false;
        (void)!fgets(line, sizeof(line), f);
        (void)fclose(f);
        state = strrchr(line, ')');
        return state && strncmp(state, ") D", 3) == 0;
}

bool vitals_waits_in_kernel(void)
{
        DIR *tasks = opendir("/proc/self/task");
        bool waits = false;
        struct dirent *e;

        while (tasks && !waits && (e = readdir(tasks)))
                waits = e->d_name[0] != '.' && is_uninterruptible(e->d_name);
        if (tasks)
                (void)closedir(tasks);
        return waits;
}

void vitals_init(Vitals *v, usec_t look_usec, bool (*waits_in_kernel)(void))
{
        *v = (Vitals){.look_usec = look_usec, .waits_in_kernel = waits_in_kernel};
}

void vitals_add(Vitals *v, Vital vital)
{
        if (v->n < VITALS_MAX)
                v->rows[v->n++].vital = vital;
}

static void tell(Vitals *v, const Vital *vital, const char *what, usec_t waited, bool in_kernel)
{
        const char *end = in_kernel ? "A thread of the daemon waits in the kernel, where a restart would not reach it"
                                    : "The service manager is left to start the daemon anew";

        if (v->told[in_kernel] || (in_kernel && (v->told[false] || v->in_kernel < KERNEL_LOOKS)))
                return;
        v->told[in_kernel] = true;
        log_line(LOG_CRIT, LOG_ID_STUCK, NULL,
                 "%s%s%s: stuck for %llu s. %s; what was accepted is on disk.",
                 vital->name, what ? " " : "", what ?: "", (unsigned long long)(waited / USEC_PER_SEC), end);
}

bool vitals_are_good(Vitals *v, usec_t now)
{
        usec_t passed = v->looked_usec > 0 ? MIN(usec_sub(now, v->looked_usec), 2 * v->look_usec) : 0;
        bool good = true, any = false, in_kernel;

        v->looked_usec = now;
        for (size_t i = 0; i < v->n; i++) {
                const Vital *vital = &v->rows[i].vital;
                const char *what = NULL;
                usec_t since = vital->stuck_since(vital->userdata, &what);

                v->rows[i].waited =
                        since == USEC_INFINITY || since != v->rows[i].since ? 0 : v->rows[i].waited + passed;
                v->rows[i].since = since;
                if (v->rows[i].waited < vital->patience_usec)
                        continue;
                any = true;
                in_kernel = v->waits_in_kernel();
                v->in_kernel = in_kernel ? v->in_kernel + 1 : 0;
                tell(v, vital, what, v->rows[i].waited, in_kernel);
                good = good && in_kernel;
        }
        if (!any) {
                v->told[false] = v->told[true] = false;
                v->in_kernel = 0;
        }
        return good;
}
