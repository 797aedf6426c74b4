/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char *const environment[] = {
        (char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        (char *)"LANG=C.UTF-8",
        NULL,
};

/* One that is running. */
typedef struct Child {
        pid_t pid;
        int pidfd;
        int output, errors; /* what it writes to; -1: at its end */
        usec_t deadline;
} Child;

static usec_t now_usec(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (usec_t)t.tv_sec * USEC_PER_SEC + (usec_t)t.tv_nsec / 1000;
}

/* ---- beginning ---- */

static int prepare_files(posix_spawn_file_actions_t *files, int output, int errors)
{
        int r = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

        if (r == 0)
                r = posix_spawn_file_actions_adddup2(files, output, STDOUT_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(files, errors, STDERR_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
        if (r == 0)
                r = posix_spawn_file_actions_addchdir_np(files, "/");
        return r;
}

/* As a new process would have it: no signal blocked or ignored. */
static int prepare_signals(posix_spawnattr_t *attributes)
{
        sigset_t all, none;
        int r;

        sigfillset(&all);
        sigemptyset(&none);
        r = posix_spawnattr_setsigdefault(attributes, &all);
        if (r == 0)
                r = posix_spawnattr_setsigmask(attributes, &none);
        if (r == 0)
                r = posix_spawnattr_setflags(attributes,
                                             POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
        return r;
}

/* 0 or an errno. */
static int spawn(Child *c, char *const *argv, int output, int errors)
{
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attributes;
        int r = posix_spawn_file_actions_init(&files);

        if (r != 0)
                return r;
        r = posix_spawnattr_init(&attributes);
        if (r == 0) {
                r = prepare_files(&files, output, errors);
                if (r == 0)
                        r = prepare_signals(&attributes);
                if (r == 0)
                        r = posix_spawn(&c->pid, argv[0], &files, &attributes, argv, environment);
                (void)posix_spawnattr_destroy(&attributes);
        }
        (void)posix_spawn_file_actions_destroy(&files);
        return r;
}

/* Its number is its own until it was waited for. */
static void kill_all(const Child *c)
{
        (void)kill(-c->pid, SIGKILL);
}

/* 0 or an errno. */
static int begin(Child *c, char *const *argv)
{
        int output[2], errors[2], r;

        if (pipe2(output, O_CLOEXEC) < 0)
                return errno;
        if (pipe2(errors, O_CLOEXEC) < 0) {
                r = errno;
                close(output[0]);
                close(output[1]);
                return r;
        }
        r = spawn(c, argv, output[1], errors[1]);
        close(output[1]);
        close(errors[1]);
        c->output = output[0];
        c->errors = errors[0];
        if (r == 0) {
                (void)fcntl(c->output, F_SETFL, O_NONBLOCK);
                (void)fcntl(c->errors, F_SETFL, O_NONBLOCK);
                c->pidfd = pidfd_open(c->pid, 0);
                if (c->pidfd < 0) {
                        r = errno;
                        kill_all(c);
                        (void)waitpid(c->pid, NULL, 0);
                }
        }
        if (r != 0) {
                close(c->output);
                close(c->errors);
        }
        return r;
}

/* ---- the rein ---- */

void child_rein_init(ChildRein *rein)
{
        *rein = (ChildRein){.lock = PTHREAD_MUTEX_INITIALIZER};
}

void child_rein_done(ChildRein *rein)
{
        (void)pthread_mutex_destroy(&rein->lock);
}

static void kill_held(const ChildRein *rein)
{
        if (rein->pid > 0 && rein->pulled)
                (void)kill(-rein->pid, SIGKILL);
}

void child_rein_pull(ChildRein *rein)
{
        (void)pthread_mutex_lock(&rein->lock);
        rein->pulled = true;
        kill_held(rein);
        (void)pthread_mutex_unlock(&rein->lock);
}

/* pid: 0 before it is waited for, since then its number may be another's. */
static void rein_hold(ChildRein *rein, pid_t pid)
{
        (void)pthread_mutex_lock(&rein->lock);
        rein->pid = pid;
        kill_held(rein);
        (void)pthread_mutex_unlock(&rein->lock);
}

/* ---- what it says ---- */

/* Takes what is there. 0; -EFBIG: more than it may be; -ENOMEM. */
static int take_output(Child *c, Buffer *b)
{
        for (;;) {
                size_t before = b->size;
                char *room = buffer_extend(b, 4096);
                ssize_t n;

                if (!room)
                        return -ENOMEM;
                n = read(c->output, room, 4096);
                buffer_truncate(b, before + (n > 0 ? (size_t)n : 0));
                if (b->size > CHILD_OUTPUT_MAX)
                        return -EFBIG;
                if (n > 0 || (n < 0 && errno == EINTR))
                        continue;
                if (n == 0 || errno != EAGAIN)
                        c->output = safe_close(c->output);
                return 0;
        }
}

/* The beginning is kept; the rest is read, so that it is not held up. */
static void take_errors(Child *c, ChildResult *ret)
{
        char chunk[1024];
        size_t n_kept = strlen(ret->errors);
        ssize_t n;

        while ((n = read(c->errors, chunk, sizeof(chunk))) > 0 || (n < 0 && errno == EINTR))
                for (ssize_t i = 0; i < n && n_kept < CHILD_ERRORS_MAX; i++)
                        ret->errors[n_kept++] = chunk[i] >= 0x20 && chunk[i] < 0x7f ? chunk[i] : ' ';
        ret->errors[n_kept] = 0;
        if (n == 0 || errno != EAGAIN)
                c->errors = safe_close(c->errors);
}

/* ---- to its end ---- */

static void reap(Child *c, ChildResult *ret)
{
        siginfo_t info = {};
        int r;

        do
                r = waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED);
        while (r < 0 && errno == EINTR);
        if (ret->end == CHILD_TIMED_OUT || ret->end == CHILD_TOO_MUCH)
                return;
        ret->end = info.si_code == CLD_EXITED ? CHILD_EXITED : CHILD_SIGNALED;
        ret->value = info.si_status;
}

static int milliseconds_until(usec_t deadline)
{
        return (int)MIN((usec_sub(deadline, now_usec()) + USEC_PER_MSEC - 1) / USEC_PER_MSEC, (usec_t)60000);
}

/* True: it ended by itself. */
static bool watch(Child *c, Buffer *output, ChildResult *ret, int *ret_error)
{
        for (;;) {
                struct pollfd fds[] = {{c->pidfd, POLLIN, 0}, {c->output, POLLIN, 0}, {c->errors, POLLIN, 0}};
                int n = poll(fds, ARRAY_SIZE(fds), milliseconds_until(c->deadline));

                if (n < 0 && errno != EINTR && errno != EAGAIN)
                        *ret_error = -errno;
                if (c->output >= 0 && *ret_error == 0)
                        *ret_error = take_output(c, output);
                if (c->errors >= 0)
                        take_errors(c, ret);
                if (*ret_error != 0)
                        return false;
                if (n > 0 && fds[0].revents != 0)
                        return true;
                if (now_usec() >= c->deadline) {
                        ret->end = CHILD_TIMED_OUT;
                        return false;
                }
        }
}

int child_run(char *const *argv, usec_t timeout_usec, ChildRein *rein, Buffer *output, ChildResult *ret)
{
        Child c = {.deadline = usec_add(now_usec(), timeout_usec)};
        int r = begin(&c, argv), error = 0;

        *ret = (ChildResult){.end = CHILD_EXITED};
        buffer_clear(output);
        if (r != 0) {
                *ret = (ChildResult){.end = CHILD_NOT_RUN, .value = r};
                return r == ENOMEM ? -ENOMEM : 0;
        }
        rein_hold(rein, c.pid);
        if (watch(&c, output, ret, &error)) {
                /* what it wrote last; those whom it left behind do not count */
                if (c.output >= 0)
                        error = take_output(&c, output);
                if (c.errors >= 0)
                        take_errors(&c, ret);
        }
        if (error == -EFBIG)
                ret->end = CHILD_TOO_MUCH;
        kill_all(&c);
        rein_hold(rein, 0);
        reap(&c, ret);
        safe_close(c.output);
        safe_close(c.errors);
        close(c.pidfd);
        return error == -ENOMEM ? -ENOMEM : 0;
}
