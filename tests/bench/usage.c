/* SPDX-License-Identifier: Apache-2.0 */
#include "usage.h"

#include <stdio.h>
#include <sys/resource.h>

static usec_t usec_of(struct timeval tv)
{
        return (usec_t)tv.tv_sec * USEC_PER_SEC + (usec_t)tv.tv_usec;
}

Usage usage_now(void)
{
        struct rusage ru;

        (void)getrusage(RUSAGE_SELF, &ru);
        return (Usage){clock_boot(&clock_system), usec_of(ru.ru_utime) + usec_of(ru.ru_stime)};
}

static long pss_kib(void)
{
        FILE *f = fopen("/proc/self/smaps_rollup", "re");
        char line[256];
        long kib = -1;

        if (!f)
                return -1;
        while (fgets(line, sizeof(line), f))
                if (sscanf(line, "Pss: %ld", &kib) == 1)
                        break;
        (void)fclose(f);
        return kib;
}

void usage_print(const char *what, const Usage *since, uint64_t samples, uint64_t commits)
{
        Usage now = usage_now();

        (void)printf("{\"what\":\"%s\",\"samples\":%llu,\"commits\":%llu,\"seconds\":%.3f,\"cpu_seconds\":%.3f,"
                     "\"pss_kib\":%ld}\n",
                     what, (unsigned long long)samples, (unsigned long long)commits,
                     (double)(now.wall_usec - since->wall_usec) / 1e6,
                     (double)(now.cpu_usec - since->cpu_usec) / 1e6, pss_kib());
        (void)fflush(stdout);
}
