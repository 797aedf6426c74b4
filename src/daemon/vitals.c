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
        if (v->n_parts < VITALS_MAX)
                v->parts[v->n_parts++] = vital;
}

static bool all_in_kernel(const Vitals *v, const ThreadIds *threads)
{
        for (size_t i = 0; i < threads->n; i++)
                if (!v->waits_in_kernel(threads->ids[i]))
                        return false;
        return threads->n > 0;
}

static void tell(VitalCase *c, bool in_kernel)
{
        const char *end = in_kernel ? "It waits in the kernel, where a restart would not reach it"
                                    : "The service manager is left to start the daemon anew";

        if (c->told[in_kernel] || (in_kernel && (c->told[false] || c->in_kernel < KERNEL_LOOKS)))
                return;
        c->told[in_kernel] = true;
        log_line(LOG_CRIT, LOG_ID_STUCK, NULL, "%s%s%s: stuck for %llu s. %s; what was accepted is on disk.",
                 c->vital->name, c->what ? " " : "", c->what ?: "", (unsigned long long)(c->waited / USEC_PER_SEC),
                 end);
}

/* Of earlier looks, or begun now. NULL: there are too many, which would need more devices than there may be. */
static VitalCase *find_case(Vitals *v, const Vital *vital, const Stuck *stuck, usec_t passed)
{
        for (size_t i = 0; i < v->n_cases; i++) {
                VitalCase *c = &v->cases[i];

                if (c->vital == vital && c->what == stuck->what && c->since == stuck->since) {
                        c->waited += passed;
                        return c;
                }
        }
        if (v->n_cases == VITALS_CASES_MAX)
                return NULL;
        v->cases[v->n_cases] = (VitalCase){.vital = vital, .what = stuck->what, .since = stuck->since};
        return &v->cases[v->n_cases++];
}

static bool is_borne(const Vitals *v, VitalCase *c, const ThreadIds *threads)
{
        bool in_kernel;

        if (c->waited < c->vital->patience_usec)
                return true;
        in_kernel = all_in_kernel(v, threads);
        c->in_kernel = in_kernel ? c->in_kernel + 1 : 0;
        tell(c, in_kernel);
        return in_kernel;
}

static bool is_good(Vitals *v, const Vital *vital, usec_t passed)
{
        bool good = true;
        Stuck stuck = {};

        for (size_t at = 0; vital->next_stuck(vital->userdata, &at, &stuck); stuck = (Stuck){}) {
                VitalCase *c = find_case(v, vital, &stuck, passed);

                if (!c)
                        continue;
                c->is_there = true;
                if (!is_borne(v, c, &stuck.threads))
                        good = false;
        }
        return good;
}

/* What gets on is as if it had never been stuck. */
static void forget_others(Vitals *v)
{
        size_t left = 0;

        for (size_t i = 0; i < v->n_cases; i++)
                if (v->cases[i].is_there) {
                        v->cases[left] = v->cases[i];
                        v->cases[left++].is_there = false;
                }
        v->n_cases = left;
}

bool vitals_are_good(Vitals *v, usec_t now)
{
        usec_t passed = v->looked_usec > 0 ? MIN(usec_sub(now, v->looked_usec), 2 * v->look_usec) : 0;
        bool good = true;

        v->looked_usec = now;
        for (size_t i = 0; i < v->n_parts; i++)
                if (!is_good(v, &v->parts[i], passed))
                        good = false;
        forget_others(v);
        return good;
}
