/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/stop.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

static volatile sig_atomic_t requested;
static int bell = -1; /* rung by the handler: a signal between question and poll is not missed */

static void on_signal(int signal)
{
        static const uint64_t one = 1;
        int saved_errno = errno;
        ssize_t n;

        requested = 1;
        n = write(bell, &one, sizeof(one));
        (void)n;
        errno = saved_errno;
}

void stop_begin(void)
{
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

        if (bell >= 0)
                return;
        bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        (void)sigaction(SIGINT, &action, NULL);
        (void)sigaction(SIGTERM, &action, NULL);
        (void)signal(SIGPIPE, SIG_IGN);
}

bool stop_requested(void)
{
        return requested != 0;
}

/* Only a pipe or a socket tells that its reader has gone; a terminal that hung up sends a signal. */
static int watched_output(void)
{
        struct stat st;

        if (bell < 0 || fstat(STDOUT_FILENO, &st) < 0)
                return -1;
        return S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) ? STDOUT_FILENO : -1;
}

static int milliseconds(usec_t until)
{
        usec_t left;

        if (until == USEC_INFINITY)
                return -1;
        left = usec_sub(until, clock_boot(&clock_system));
        return (int)MIN((left + USEC_PER_MSEC - 1) / USEC_PER_MSEC, (usec_t)INT_MAX);
}

int stop_poll(int fd, short events, usec_t until, short *ret_events)
{
        struct pollfd fds[] = {
                {.fd = fd, .events = events},
                {.fd = bell, .events = POLLIN},
                {.fd = watched_output()},
        };

        *ret_events = 0;
        if (requested)
                return 0;
        if (poll(fds, ARRAY_SIZE(fds), milliseconds(until)) < 0)
                return errno == EINTR ? 0 : -errno;
        if (fds[2].revents & (POLLERR | POLLHUP | POLLNVAL))
                requested = 1;
        *ret_events = fds[0].revents;
        return 0;
}
