/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/vitals.h"

#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "base/macro.h"

#define KERNEL_LOOKS 3 /* one that gets on is there for a moment as well, with each write */

/* As in proc(5): the name, which may hold anything, ends with the last parenthesis; then comes the state. */
bool vitals_waits_in_kernel(pid_t thread)
{
        char path[64], line[128] = "";
        const char *state;
        FILE *f;

        (void)snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)thread);
        f = fopen(path, "re");
        if (!f)
                return false;
        (void)!fgets(line, sizeof(line), f);
        (void)fclose(f);
        state = strrchr(line, ')');
        return state && strncmp(state, ") D", 3) == 0;
}

void vitals_init(Vitals *v, usec_t look_usec, bool (*waits_in_kernel)(pid_t thread))
{
        *v = (Vitals){.look_usec = look_usec, .waits_in_kernel = waits_in_kernel};
}

void vitals_add(Vitals *v, Vital vital)
{
        if (v->n < VITALS_MAX)
                v->rows[v->n++].vital = vital;
}

static bool any_in_kernel(const Vitals *v, const ThreadIds *threads)
{
        for (size_t i = 0; i < threads->n; i++)
                if (v->waits_in_kernel(threads->ids[i]))
                        return true;
        return false;
}

static void tell(Vitals *v, size_t i, const char *what, bool in_kernel)
{
        const char *end = in_kernel ? "A thread of it waits in the kernel, where a restart would not reach it"
                                    : "The service manager is left to start the daemon anew";
        bool *told = v->rows[i].told;

        if (told[in_kernel] || (in_kernel && (told[false] || v->rows[i].in_kernel < KERNEL_LOOKS)))
                return;
        told[in_kernel] = true;
        log_line(LOG_CRIT, LOG_ID_STUCK, NULL,
                 "%s%s%s: stuck for %llu s. %s; what was accepted is on disk.",
                 v->rows[i].vital.name, what ? " " : "", what ?: "",
                 (unsigned long long)(v->rows[i].waited / USEC_PER_SEC), end);
}

static bool is_good(Vitals *v, size_t i, usec_t passed)
{
        const Vital *vital = &v->rows[i].vital;
        ThreadIds threads = {};
        const char *what = NULL;
        usec_t since = vital->stuck_since(vital->userdata, &what, &threads);
        bool in_kernel;

        v->rows[i].waited = since == USEC_INFINITY || since != v->rows[i].since ? 0 : v->rows[i].waited + passed;
        v->rows[i].since = since;
        if (v->rows[i].waited < vital->patience_usec) {
                v->rows[i].in_kernel = 0;
                v->rows[i].told[false] = v->rows[i].told[true] = false;
                return true;
        }
        in_kernel = any_in_kernel(v, &threads);
        v->rows[i].in_kernel = in_kernel ? v->rows[i].in_kernel + 1 : 0;
        tell(v, i, what, in_kernel);
        return in_kernel;
}

bool vitals_are_good(Vitals *v, usec_t now)
{
        usec_t passed = v->looked_usec > 0 ? MIN(usec_sub(now, v->looked_usec), 2 * v->look_usec) : 0;
        bool good = true;

        v->looked_usec = now;
        for (size_t i = 0; i < v->n; i++)
                if (!is_good(v, i, passed))
                        good = false;
        return good;
}
