/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/denied.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

/* As the bus sees him. Not all have a name. */
static void word_user(char *ret, size_t size)
{
        const struct passwd *user = getpwuid(geteuid());

        if (user)
                (void)snprintf(ret, size, "%s", user->pw_name);
        else
                (void)snprintf(ret, size, "uid %u", (unsigned)geteuid());
}

void print_denied(void)
{
        char user[256];

        word_user(user, sizeof(user));
        fprintf(stderr,
                "hublinkctl: not allowed for user %s. Group hublink submits, subscribes, takes from the inbox and "
                "reports; root and group hublink-admin do the rest.\n"
                "Who is to do this becomes a member: usermod -aG hublink USER (or hublink-admin). It counts from the "
                "next login; for a service, once it is restarted.\n",
                user);
}
