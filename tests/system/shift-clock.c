/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Shift clock - lets one program live at another wall clock (LD_PRELOAD)
 *
 * SHIFT_CLOCK=SECONDS. What counts from boot stays as it is, and so does the machine's own clock.
 */

#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t shift(void)
{
        const char *text = getenv("SHIFT_CLOCK");

        return text ? (time_t)strtoll(text, NULL, 10) : 0;
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
        int r = (int)syscall(SYS_clock_gettime, id, ts);

        if (r == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
                ts->tv_sec += shift();
        return r;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
        struct timespec ts;

        if (clock_gettime(CLOCK_REALTIME, &ts) < 0)
                return -1;
        tv->tv_sec = ts.tv_sec;
        tv->tv_usec = (suseconds_t)(ts.tv_nsec / 1000);
        return 0;
}

time_t time(time_t *ret)
{
        struct timespec ts;

        if (clock_gettime(CLOCK_REALTIME, &ts) < 0)
                return (time_t)-1;
        if (ret)
                *ret = ts.tv_sec;
        return ts.tv_sec;
}
