/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/file.h"

#define OUTPUT_MAX (64 * 1024)

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

/* It has all of it before it says anything: what we hand over fits into a socket. */
static int converse(int fd, const Buffer *input, Buffer *output)
{
        Buffer unwanted = BUFFER_NULL;
        int r = 0;

        if (input && send(fd, input->data, input->size, MSG_NOSIGNAL) != (ssize_t)input->size)
                r = errno == EPIPE || errno == ECONNRESET ? 0 : -EIO; /* its exit status tells why */
        (void)shutdown(fd, SHUT_WR);
        if (r == 0)
                r = file_read_bytes(output ?: &unwanted, fd, OUTPUT_MAX);
        buffer_done(&unwanted);
        return r == -ECONNRESET ? 0 : r;
}

static int wait_for(pid_t pid)
{
        int status;

        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -EPIPE;
}

int tool_run(const char *const *arguments, const Buffer *input, Buffer *output)
{
        int pair[2], r, status;
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        r = spawn(arguments, pair[1], &pid);
        (void)close(pair[1]);
        if (r == 0) {
                r = converse(pair[0], input, output);
                (void)close(pair[0]);
                status = wait_for(pid);
                return r < 0 ? r : status;
        }
        (void)close(pair[0]);
        return r;
}
