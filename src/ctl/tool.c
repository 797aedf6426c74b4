/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define OUTPUT_MAX (64 * 1024)
#define STEP       4096

extern char **environ;

/* A socket, not a pipe: who does not read to the end must not end us. Signals that we hold back end it all the same. */
static int spawn(const char *const *arguments, int other, pid_t *ret)
{
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none, pipe;
        int r = posix_spawn_file_actions_init(&actions);

        if (r != 0)
                return -r;
        (void)posix_spawnattr_init(&attributes); /* which cannot fail here, nor what sets them */
        (void)sigemptyset(&none);
        (void)sigemptyset(&pipe);
        (void)sigaddset(&pipe, SIGPIPE);
        (void)posix_spawnattr_setsigmask(&attributes, &none);
        (void)posix_spawnattr_setsigdefault(&attributes, &pipe);
        (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        r = posix_spawn_file_actions_adddup2(&actions, other, STDIN_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, other, STDOUT_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        if (r == 0)
                r = posix_spawnp(ret, arguments[0], &actions, &attributes, (char **)arguments, environ);
        (void)posix_spawn_file_actions_destroy(&actions);
        (void)posix_spawnattr_destroy(&attributes);
        return -r;
}

/* ---- until it is done, or is not waited for any more ---- */

typedef struct Patience {
        int ends; /* can be read once a signal has come that ends the waiting; -1: there are none */
        usec_t until;
} Patience;

/* One that is held back stays so: whoever holds it back deals with it. */
static int patience_init(Patience *p, const sigset_t *ends)
{
        *p = (Patience){.ends = ends ? signalfd(-1, ends, SFD_CLOEXEC) : -1,
                        .until = usec_add(clock_boot(&clock_system), TOOL_MOST_USEC)};
        return ends && p->ends < 0 ? -errno : 0;
}

static void patience_done(Patience *p)
{
        p->ends = safe_close(p->ends);
}

static int wait_until_readable(const Patience *p, int fd)
{
        struct pollfd fds[] = {{.fd = p->ends, .events = POLLIN}, {.fd = fd, .events = POLLIN}};

        for (;;) {
                usec_t now = clock_boot(&clock_system);

                if (now >= p->until)
                        return -ETIMEDOUT;
                if (poll(fds, ARRAY_SIZE(fds), (int)((p->until - now) / USEC_PER_MSEC + 1)) < 0 && errno != EINTR)
                        return -errno;
                if (fds[0].revents)
                        return -EINTR;
                if (fds[1].revents)
                        return 0;
        }
}

static int read_all(const Patience *p, int fd, Buffer *output)
{
        size_t before = output->size;

        while (output->size - before <= OUTPUT_MAX) {
                size_t at = output->size;
                int r = wait_until_readable(p, fd);
                char *to = r < 0 ? NULL : buffer_extend(output, STEP);
                ssize_t n;

                if (!to)
                        return r < 0 ? r : -ENOMEM;
                n = read(fd, to, STEP);
                buffer_truncate(output, at + (n > 0 ? (size_t)n : 0));
                if (n <= 0)
                        return n == 0 || errno == ECONNRESET ? 0 : -errno;
        }
        return -EFBIG;
}

/* It has all of it before it says anything: what we hand over fits into a socket. */
static int converse(const Patience *p, int fd, const Buffer *input, Buffer *output)
{
        Buffer unwanted = BUFFER_NULL;
        int r = 0;

        if (input && send(fd, input->data, input->size, MSG_NOSIGNAL) != (ssize_t)input->size)
                r = errno == EPIPE || errno == ECONNRESET ? 0 : -EIO; /* its exit status tells why */
        (void)shutdown(fd, SHUT_WR);
        if (r == 0)
                r = read_all(p, fd, output ?: &unwanted);
        buffer_done(&unwanted);
        return r;
}

/* glibc has no name for it before 2.36. */
static int wait_for(const Patience *p, pid_t pid)
{
        _cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);
        int status, r = fd < 0 ? -errno : wait_until_readable(p, fd);

        if (r < 0)
                return r;
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -EPIPE;
}

/* One that hangs in the kernel ends when that lets it go: nobody waits for that. */
static void leave(pid_t pid)
{
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, WNOHANG);
}

static int run(const Patience *p, const char *const *arguments, const Buffer *input, Buffer *output)
{
        int pair[2], r;
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        r = spawn(arguments, pair[1], &pid);
        (void)close(pair[1]);
        if (r == 0) {
                r = converse(p, pair[0], input, output);
                if (r == 0)
                        r = wait_for(p, pid);
                if (r < 0)
                        leave(pid);
        }
        (void)close(pair[0]);
        return r;
}

int tool_run(const char *const *arguments, const sigset_t *ends, const Buffer *input, Buffer *output)
{
        Patience p;
        int r = patience_init(&p, ends);

        if (r == 0)
                r = run(&p, arguments, input, output);
        patience_done(&p);
        return r;
}
