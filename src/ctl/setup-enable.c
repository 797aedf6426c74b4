/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the unit as shipped keeps from hublinkd is opened by a drop-in of its own, which says why. systemd does not
 * start a service with a group that is absent, so the group is made; and that the devices belong to it is seen to as
 * well.
 */

#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "ctl/setup.h"
#include "ctl/system-file.h"
#include "ctl/tool.h"

#define DROPIN_MAX (64 * 1024)
#define RULE       "/etc/udev/rules.d/60-hublink-i2c.rules"

typedef struct Opening {
        const char *name;
        const char *group;   /* or NULL */
        const char *devices; /* a pattern, where they need a rule of ours; or NULL */
        const char *opens;
} Opening;

static const Opening openings[] = {
        {"i2c", "i2c", "/dev/i2c-*", "I2C buses are open to hublinkd."},
        {"serial", "dialout", NULL, "Serial lines are open to hublinkd."},
        {"users", NULL, NULL, "hublinkd sees who sends, and may give its sockets to other groups."},
};

static const char rule[] = "# Written by hublinkctl setup --enable i2c, and removed by --disable i2c.\n"
                           "SUBSYSTEM==\"i2c-dev\", GROUP=\"i2c\", MODE=\"0660\"\n";

static const Opening *find(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(openings); i++)
                if (strcmp(openings[i].name, name) == 0)
                        return &openings[i];
        return NULL;
}

static int unknown(const char *name)
{
        return usage("setup", "setup: there is no '%s' to enable or disable, but i2c, serial and users.", name);
}

/* ---- the drop-in ---- */

/* Where meson built us, or beside the folder that we are installed in. */
static int open_dropin(const char *name)
{
        static const char *const places[] = {"../../systemd/dropins", "../share/hublink/dropins"};
        char self[PATH_MAX], path[PATH_MAX + 320];
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
        const char *folder;
        int fd = -1;

        if (n < 0)
                return -1;
        self[n] = 0;
        folder = dirname(self);
        for (size_t i = 0; fd < 0 && i < ARRAY_SIZE(places); i++) {
                (void)snprintf(path, sizeof(path), "%s/%s/%s.conf", folder, places[i], name);
                fd = open(path, O_RDONLY | O_CLOEXEC);
        }
        return fd;
}

static int copy_dropin(const SetupWays *ways, const Opening *o, bool *ret_changed)
{
        _cleanup_close_ int fd = open_dropin(o->name);
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;
        char path[PATH_MAX];

        if (fd < 0 || file_read(&text, fd, DROPIN_MAX) < 0) {
                fprintf(stderr, "setup: the drop-in %s.conf is not found beside hublinkctl; is it installed?\n",
                        o->name);
                return CTL_FAILED;
        }
        (void)snprintf(path, sizeof(path), SETUP_DROPINS "/%s.conf", o->name);
        return system_file_write(ways->root, path, 0644, text.data, text.size, ret_changed);
}

/* ---- its group ---- */

static int make_group(const SetupWays *ways, const char *group)
{
        char line[64], root[PATH_MAX];
        const char *const command[] = {"systemd-sysusers", root, "--inline", line, NULL};

        if (!group || (!*ways->root && getgrnam(group)))
                return CTL_OK;
        (void)snprintf(line, sizeof(line), "g %s -", group);
        (void)snprintf(root, sizeof(root), "--root=%s", *ways->root ? ways->root : "/");
        if (tool_run(command, NULL, NULL, NULL) != 0) {
                fprintf(stderr, "There is no group %s, without which hublinkd would not start, and it could not be "
                                "made: groupadd --system %s\n", group, group);
                return CTL_FAILED;
        }
        setup_say(ways, "Group %s is there.\n", group);
        return CTL_OK;
}

/* ---- the rights of its devices ---- */

static bool is_given(const char *device, gid_t gid)
{
        struct stat st;

        return stat(device, &st) == 0 && st.st_gid == gid && (st.st_mode & 0060) == 0060;
}

/* There are some, and somebody's rule has given each to the group. */
static bool are_given(const Opening *o)
{
        const struct group *group = getgrnam(o->group);
        glob_t found = {};
        bool all = group && glob(o->devices, 0, NULL, &found) == 0;

        for (size_t i = 0; all && i < found.gl_pathc; i++)
                all = is_given(found.gl_pathv[i], group->gr_gid);
        globfree(&found);
        return all;
}

/* Those that are there already get what the rule says. A machine without udev has nobody to do it. */
static void apply_rule(void)
{
        static const char *const load[] = {"udevadm", "control", "--reload", NULL};
        static const char *const apply[] = {"udevadm", "trigger", "--settle", "--subsystem-match=i2c-dev", NULL};

        if (tool_run(load, NULL, NULL, NULL) == 0)
                (void)tool_run(apply, NULL, NULL, NULL);
}

static int give_devices(const SetupWays *ways, const Opening *o)
{
        bool changed = false;
        int r;

        if (!o->devices || (!*ways->root && are_given(o)))
                return CTL_OK;
        r = system_file_write(ways->root, RULE, 0644, rule, strlen(rule), &changed);
        if (r != CTL_OK || !changed)
                return r;
        if (!*ways->root)
                apply_rule();
        setup_say(ways, "%s belong to group %s by " RULE ".\n", o->devices, o->group);
        return CTL_OK;
}

/* ---- there and away ---- */

int setup_enable(const SetupWays *ways, const char *name)
{
        const Opening *o = find(name);
        bool changed = false;
        int r;

        if (!o)
                return unknown(name);
        if ((r = setup_check_settings(ways)) != CTL_OK || (r = make_group(ways, o->group)) != CTL_OK ||
            (r = give_devices(ways, o)) != CTL_OK || (r = copy_dropin(ways, o, &changed)) != CTL_OK)
                return r;
        setup_say(ways, "%s See " SETUP_DROPINS "/%s.conf.\n", o->opens, o->name);
        return setup_take_over(ways);
}

int setup_disable(const SetupWays *ways, const char *name)
{
        const Opening *o = find(name);
        bool changed = false;
        char path[PATH_MAX];
        int r;

        if (!o)
                return unknown(name);
        (void)snprintf(path, sizeof(path), SETUP_DROPINS "/%s.conf", o->name);
        r = system_file_remove(ways->root, path, &changed);
        if (r == CTL_OK && o->devices)
                r = system_file_remove(ways->root, RULE, &changed);
        if (r != CTL_OK)
                return r;
        setup_say(ways, "%s\n", changed ? "It is closed to hublinkd again." : "It was not enabled.");
        return changed ? setup_take_over(ways) : CTL_OK;
}
