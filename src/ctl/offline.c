/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/offline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/log.h"

#define DIRECTORY_DEFAULT "/var/lib/hublink/queue"
#define PROGRESS_USEC     (200 * USEC_PER_MSEC)

/* ---- which directory ---- */

/* "  directory = "/a/path";   # where it is from" within "queue: {" */
static char *find_directory(FILE *f)
{
        static const char key[] = "  directory = \"";
        _cleanup_free_ char *line = NULL;
        bool in_queue = false;
        size_t room = 0;

        while (getline(&line, &room, f) >= 0) {
                char *end;

                if (line[0] != ' ')
                        in_queue = strncmp(line, "queue:", strlen("queue:")) == 0;
                if (!in_queue || strncmp(line, key, strlen(key)) != 0)
                        continue;
                end = strchr(line + strlen(key), '"');
                return end ? strndup(line + strlen(key), (size_t)(end - line) - strlen(key)) : NULL;
        }
        return NULL;
}

/* The daemon itself tells, so that there is one opinion of the settings. */
static char *ask_daemon(const char *config)
{
        char path[PATH_MAX];
        const char *arguments[] = {path, "--print-config", config ? "--config" : NULL, config, NULL};
        char *directory;
        int pipes[2];
        pid_t pid;
        FILE *f;

        if (!find_daemon(path) || pipe2(pipes, O_CLOEXEC) < 0)
                return NULL;
        pid = fork();
        if (pid == 0) {
                int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

                (void)dup2(pipes[1], STDOUT_FILENO);
                if (!config && null >= 0)
                        (void)dup2(null, STDERR_FILENO);
                (void)execv(path, (char **)arguments);
                _exit(127);
        }
        safe_close(pipes[1]);
        f = fdopen(pipes[0], "r");
        directory = f ? find_directory(f) : NULL;
        if (f)
                (void)fclose(f);
        else
                safe_close(pipes[0]);
        if (pid > 0)
                (void)waitpid(pid, NULL, 0);
        return directory;
}

int offline_directory(const Options *options, const char *given, char **ret)
{
        *ret = given ? strdup(given) : ask_daemon(options->config);
        if (!*ret && !given && !options->config)
                *ret = strdup(DIRECTORY_DEFAULT);
        if (*ret)
                return CTL_OK;
        fprintf(stderr, "queue: the settings do not tell where the queue is; name its directory.\n");
        return CTL_FAILED;
}

char *offline_store(const char *directory, const char *name)
{
        char *path;

        if (asprintf(&path, "%s/%s", directory, name) < 0)
                return NULL;
        if (access(path, F_OK) == 0 || errno != ENOENT) /* what cannot be read there is told when it is opened */
                return path;
        free(path);
        return NULL;
}

/* ---- opening ---- */

int offline_open(Disk *disk, const char *directory, Archive **ret)
{
        char reason[ARCHIVE_REASON_MAX];
        int r;

        log_configure(&(LogSettings){.level = LOG_EMERG}); /* what an opening would log, we tell in our own words */
        r = archive_open(ret, directory, disk, reason);
        if (r == 0)
                return CTL_OK;
        if (r == -EWOULDBLOCK)
                fprintf(stderr,
                        "The queue in %s is in use: stop hublinkd first (systemctl stop hublinkd), or look at a "
                        "copy.\n",
                        directory);
        else
                fprintf(stderr, "queue: %s\n", reason);
        return CTL_FAILED;
}

/* ---- progress ---- */

Progress progress_begin(bool quiet)
{
        return (Progress){.wanted = !quiet && isatty(STDERR_FILENO), .percent = 101};
}

void progress_tell(Progress *p, uint64_t done, uint64_t of)
{
        unsigned percent = of > 0 ? (unsigned)((double)done / (double)of * 100) : 100;
        usec_t now;

        if (!p->wanted || percent == p->percent)
                return;
        now = clock_boot(&clock_system);
        if (now < p->next_usec)
                return;
        p->next_usec = usec_add(now, PROGRESS_USEC);
        p->percent = percent;
        p->shown = true;
        fprintf(stderr, "\r%3u %%", percent);
        (void)fflush(stderr);
}

void progress_end(Progress *p)
{
        if (p->shown)
                fprintf(stderr, "\r\033[K");
        p->shown = false;
        p->percent = 101;
}
