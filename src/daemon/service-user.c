/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/service-user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macro.h"

bool service_user_find(ServiceUser *ret)
{
        const struct passwd *p = getpwnam(SERVICE_USER);
        int n = ARRAY_SIZE(ret->groups);

        if (!p)
                return false;
        *ret = (ServiceUser){.known = true, .uid = p->pw_uid};
        (void)getgrouplist(SERVICE_USER, p->pw_gid, ret->groups, &n); /* as many as there is room for */
        ret->n_groups = MIN((size_t)n, ARRAY_SIZE(ret->groups));
        return true;
}

static _Noreturn void answer_as(const ServiceUser *user, int (*question)(const char *path), const char *path)
{
        if (setgroups(user->n_groups, user->groups) < 0 || setgid(user->groups[0]) < 0 || setuid(user->uid) < 0)
                _exit(ENOTSUP);
        _exit(-question(path));
}

int service_user_ask(const ServiceUser *user, int (*question)(const char *path), const char *path)
{
        int status;
        pid_t pid;

        if (!user->known)
                return -ENOTSUP;
        if (geteuid() == user->uid)
                return question(path);
        if (geteuid() != 0)
                return -ENOTSUP;
        pid = fork();
        if (pid == 0)
                answer_as(user, question, path);
        if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
                return -ENOTSUP;
        return -WEXITSTATUS(status);
}

int may_read(const char *path)
{
        return access(path, R_OK) < 0 ? -errno : 0;
}

int may_enter(const char *path)
{
        return access(path, R_OK | X_OK) < 0 ? -errno : 0;
}

int may_pass(const char *path)
{
        return access(path, X_OK) < 0 ? -errno : 0;
}
