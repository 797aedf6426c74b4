/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/unit-fate.h"

#include <string.h>

#include "base/macro.h"

#define LOOK "journalctl -u hublinkd -b"

typedef struct Words {
        const char *what, *remedy;
} Words;

/* systemd's own begin with 200: systemd.exec(5). */
static const struct {
        int status;
        Words words;
} statuses[] = {
        {2, {"its command line is wrong (exit status 2)",
             "systemctl cat hublinkd shows it, in ExecStart=; then: systemctl restart hublinkd"}},
        {78, {"the settings are wrong (exit status 78)",
              "hublinkd --check names the line; after it is mended: systemctl restart hublinkd"}},
        {203, {"its program cannot be run (203/EXEC)", "systemctl cat hublinkd shows ExecStart=; or install the "
                                                       "package again"}},
        {216, {"a group that the unit gives it does not exist (216/GROUP)",
               "systemctl cat hublinkd shows SupplementaryGroups=; hublinkctl setup --enable makes those of its "
               "drop-ins"}},
        {217, {"user hublink does not exist (217/USER)", "systemd-sysusers; then: systemctl restart hublinkd"}},
        {226, {"a folder that the unit names does not exist (226/NAMESPACE)",
               "make the folder of ReadWritePaths= or Bind*Paths= (systemctl cat hublinkd), or put a - before it"}},
        {233, {"/run/hublink cannot be made (233/RUNTIME_DIRECTORY)",
               "ls -ld /run/hublink: it is no folder, or a link; " LOOK}},
        {238, {"/var/lib/hublink cannot be its folder (238/STATE_DIRECTORY)",
               "ls -ld /var/lib/hublink: in the place of a link mount the disk there, or set queue.directory"}},
        {240, {"/etc/hublink cannot be its folder (240/CONFIGURATION_DIRECTORY)",
               "ls -ld /etc/hublink: it is no folder, or a link"}},
        {243, {"a credential that the unit names cannot be opened (243/CREDENTIALS): its file is gone, or it was "
               "encrypted for another machine",
               "hublinkctl setup stores it anew; systemctl cat hublinkd shows LoadCredential="}},
};

static const struct {
        const char *result;
        Words words;
} results[] = {
        {"watchdog", {"it hung, and the watchdog ended it", LOOK}},
        {"oom-kill", {"the kernel ended it for want of memory", "systemctl show hublinkd -p MemoryMax; " LOOK}},
        {"signal", {"it was killed, or crashed", LOOK}},
        {"core-dump", {"it crashed", LOOK}},
        {"timeout", {"it did not start or end in time", LOOK}},
        {"protocol", {"it did not tell systemd that it had started", LOOK}},
        {"resources", {"systemd could not get what the unit asks for", "systemctl status hublinkd"}},
        {"start-limit-hit", {"it ended too often in too short a time", "systemctl reset-failed hublinkd; " LOOK}},
};

static const struct {
        const char *load;
        Words words;
} loads[] = {
        {"masked", {"its unit is masked, so that nobody can start it",
                    "systemctl unmask hublinkd; systemctl start hublinkd"}},
        {"not-found", {"systemd knows no hublinkd.service", "install the package hublink; then: systemctl "
                                                            "daemon-reload"}},
        {"bad-setting", {"its unit is wrong", "systemd-analyze verify hublinkd.service"}},
        {"error", {"its unit cannot be read", "systemctl status hublinkd"}},
};

static bool say(Buffer *what, Buffer *remedy, Words w)
{
        buffer_append_string(what, w.what);
        buffer_append_string(remedy, w.remedy);
        return true;
}

static bool put_status(Buffer *what, Buffer *remedy, int status)
{
        for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
                if (statuses[i].status == status)
                        return say(what, remedy, statuses[i].words);
        buffer_printf(what, "it ended with exit status %d", status);
        buffer_append_string(remedy, LOOK);
        return true;
}

static bool put_result(Buffer *what, Buffer *remedy, const UnitFate *f)
{
        if (strcmp(f->result, "exit-code") == 0)
                return put_status(what, remedy, f->status);
        for (size_t i = 0; i < ARRAY_SIZE(results); i++)
                if (strcmp(results[i].result, f->result) == 0)
                        return say(what, remedy, results[i].words);
        return false;
}

bool unit_fate_put(Buffer *what, Buffer *remedy, const UnitFate *f)
{
        for (size_t i = 0; i < ARRAY_SIZE(loads); i++)
                if (strcmp(loads[i].load, f->load) == 0)
                        return say(what, remedy, loads[i].words);
        if (strcmp(f->active, "active") == 0)
                return say(what, remedy, (Words){"systemd says that it runs, but it is not on this bus", LOOK});
        if (strcmp(f->active, "activating") == 0 && strcmp(f->sub, "auto-restart") != 0)
                return say(what, remedy, (Words){"it is just starting", "hublinkctl status, in some seconds"});
        if (!put_result(what, remedy, f))
                return false;
        if (f->restarts > 0)
                buffer_printf(what, "; systemd has tried again %u time%s", f->restarts, f->restarts == 1 ? "" : "s");
        return true;
}
