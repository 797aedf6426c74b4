/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/owner.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"

/* For those whom the system has no name for, too. */
static int put_command(uid_t uid, gid_t gid, char **ret)
{
        const struct passwd *user = getpwuid(uid);
        const struct group *group = getgrgid(gid);
        int r;

        if (user && group)
                r = asprintf(ret, "setpriv --reuid=%s --regid=%s --init-groups hublinkd", user->pw_name,
                             group->gr_name);
        else
                r = asprintf(ret, "setpriv --reuid=%u --regid=%u --clear-groups hublinkd", (unsigned)uid,
                             (unsigned)gid);
        if (r >= 0)
                return 0;
        *ret = NULL;
        return -ENOMEM;
}

int owner_is_another(const char *folder, char **ret_words)
{
        _cleanup_free_ char *command = NULL;
        const struct passwd *user;
        struct stat st;
        int r;

        if (geteuid() != 0 || stat(folder, &st) < 0 || st.st_uid == 0)
                return 0;
        r = put_command(st.st_uid, st.st_gid, &command);
        if (r < 0)
                return r;
        user = getpwuid(st.st_uid);
        r = asprintf(ret_words,
                     "%s belongs to user %s, who could not read what root writes there: systemctl start hublinkd, or "
                     "by hand %s, with the same options",
                     folder, user ? user->pw_name : "of another system", command);
        if (r >= 0)
                return 1;
        *ret_words = NULL;
        return -ENOMEM;
}
