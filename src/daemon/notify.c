/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"

#define RETRY_INTERVAL USEC_PER_SEC
#define STATES_MAX     4 /* reloading and ready, stopping; one to spare */
#define STATE_SIZE     96

static struct {
        int fd; /* -1: there is no manager */
        struct sockaddr_un address;
        socklen_t address_size;

        char states[STATES_MAX][STATE_SIZE]; /* not taken yet, in order */
        size_t n_states;
        Buffer status; /* the last; empty: it was taken */
        usec_t retry_usec;

        usec_t watchdog_usec, next_watchdog_usec; /* how often, and when; 0: never */
        bool (*is_well)(void *userdata, usec_t now); /* NULL: always */
        void *is_well_userdata;
} manager = {.fd = -1};

/* ---- the socket ---- */

/* A path, or with an @ a name without a file. */
static bool take_address(const char *name)
{
        size_t n = name ? strlen(name) : 0;

        if (n < 2 || n >= sizeof(manager.address.sun_path) || (name[0] != '/' && name[0] != '@'))
                return false;
        manager.address = (struct sockaddr_un){.sun_family = AF_UNIX};
        memcpy(manager.address.sun_path, name, n);
        if (name[0] == '@')
                manager.address.sun_path[0] = 0;
        manager.address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (name[0] == '/'));
        return true;
}

/* False: it has no room. One that is not there takes everything. */
static bool offer(const char *text, size_t size)
{
        ssize_t n;

        if (manager.fd < 0)
                return true;
        n = sendto(manager.fd, text, size, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&manager.address,
                   manager.address_size);
        return n >= 0 || (errno != EAGAIN && errno != ENOBUFS && errno != EINTR);
}

/* ---- what was not taken ---- */

static bool offer_states(void)
{
        while (manager.n_states > 0) {
                if (!offer(manager.states[0], strlen(manager.states[0])))
                        return false;
                memmove(manager.states[0], manager.states[1], --manager.n_states * STATE_SIZE);
        }
        return true;
}

static bool offer_status(void)
{
        if (manager.status.size > 0 && !offer(manager.status.data, manager.status.size))
                return false;
        buffer_clear(&manager.status);
        return true;
}

static void offer_all(usec_t now)
{
        manager.retry_usec = offer_states() && offer_status() ? USEC_INFINITY : usec_add(now, RETRY_INTERVAL);
}

static void say(const char *state)
{
        if (manager.n_states == STATES_MAX) /* the oldest has been said too late */
                memmove(manager.states[0], manager.states[1], --manager.n_states * STATE_SIZE);
        (void)snprintf(manager.states[manager.n_states++], STATE_SIZE, "%s", state);
        offer_all(clock_boot(&clock_system));
}

/* ---- told ---- */

void notify_ready(void)
{
        say("READY=1");
}

/* The time tells the manager which of several reloads this is; it wants CLOCK_MONOTONIC. What it has not heard of
 * earlier ones is of no use any more. */
void notify_reloading(void)
{
        char text[STATE_SIZE];
        struct timespec ts;

        if (clock_gettime(CLOCK_MONOTONIC, &ts) < 0)
                return;
        (void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
                       (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000);
        manager.n_states = 0;
        say(text);
}

void notify_stopping(void)
{
        say("STOPPING=1\nSTATUS=Stopping: what waits is being committed.");
}

void notify_status(const char *line)
{
        buffer_clear(&manager.status);
        buffer_printf(&manager.status, "STATUS=%s", line);
        if (buffer_error(&manager.status)) /* the next one may have the memory */
                buffer_done(&manager.status);
        offer_all(clock_boot(&clock_system));
}

/* ---- time ---- */

static usec_t next_watchdog(void)
{
        return manager.watchdog_usec > 0 ? manager.next_watchdog_usec : USEC_INFINITY;
}

static usec_t deadline(void *userdata)
{
        return MIN(manager.retry_usec, next_watchdog());
}

/* Twice as often as is asked for; where there is no room it is full of them, or offered again soon. */
static void watchdog_step(usec_t now)
{
        static const char text[] = "WATCHDOG=1";
        usec_t wait;
        bool taken;

        if (now < next_watchdog())
                return;
        taken = (manager.is_well && !manager.is_well(manager.is_well_userdata, now)) || offer(text, strlen(text));
        wait = taken ? manager.watchdog_usec : MIN(manager.watchdog_usec, RETRY_INTERVAL);
        manager.next_watchdog_usec = usec_add(now, wait);
}

static void tick(void *userdata, usec_t now)
{
        watchdog_step(now);
        if (now >= manager.retry_usec)
                offer_all(now);
}

Ticker notify_ticker(void)
{
        return (Ticker){"notify", deadline, tick, NULL};
}

bool notify_has_manager(void)
{
        return manager.fd >= 0;
}

usec_t notify_watchdog_usec(void)
{
        return manager.watchdog_usec;
}

void notify_watch(bool (*is_well)(void *userdata, usec_t now), void *userdata)
{
        manager.is_well = is_well;
        manager.is_well_userdata = userdata;
}

/* ---- life ---- */

void notify_open(void)
{
        uint64_t within = 0;

        notify_close();
        manager.retry_usec = USEC_INFINITY;
        if (take_address(getenv("NOTIFY_SOCKET")))
                manager.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (sd_watchdog_enabled(0, &within) > 0)
                manager.watchdog_usec = within / 2;
}

void notify_close(void)
{
        if (manager.fd >= 0)
                close(manager.fd);
        buffer_done(&manager.status);
        manager.fd = -1;
        manager.n_states = 0;
        manager.watchdog_usec = manager.next_watchdog_usec = 0;
        notify_watch(NULL, NULL);
}
