/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Setup - the steps between an installed gateway and one that is connected
 *
 * Each step tells what it did on standard output, unless it is told to be quiet, and what went wrong on standard error;
 * it gives the exit code of the program.
 */

#include <limits.h>

#include "ctl/access.h"
#include "ctl/ctl.h"

#define SETUP_DROPINS  "/etc/systemd/system/hublinkd.service.d"
#define SETUP_UNIT     SETUP_DROPINS "/credential.conf"
#define SETUP_TIMEOUT  (30 * USEC_PER_SEC)
#define SETUP_SETTINGS "/etc/hublink/conf.d/setup.conf"

/* How it is done. */
typedef struct SetupWays {
        const Options *options;
        const char *root; /* "" or the tree of another machine, whose systemd and daemon are not there */
        bool no_start;    /* files only */
        usec_t timeout;   /* of the try */
} SetupWays;

void setup_say(const SetupWays *ways, const char *fmt, ...) _printf_(2, 3);
/* On standard error; a question keeps its own mark at the end. */
void setup_complain(const char *what, const char *why);

/* On a terminal, without echo of what is secret. ids: room for what the access borrows. */
typedef struct SetupIds {
        char id_scope[256], registration_id[256];
} SetupIds;
int setup_ask(Access *a, SetupIds *ids);
bool setup_is_agreed(const char *question); /* y or Y, and a return */

/* Before anything changes: would hublinkd start with the settings as they are, and with this, and use it? Where not,
 * that is told with the file and line that stand against it. */
int setup_check_settings(const SetupWays *ways);
int setup_check(const SetupWays *ways, const Access *a);

/* With the unit and the settings that say where it is. */
int setup_store(const SetupWays *ways, const Access *a);
int setup_forget(const SetupWays *ways, bool *ret_changed);
bool setup_is_stored(const SetupWays *ways);

void setup_secret_path(AccessKind kind, bool encrypted, char ret[static PATH_MAX]);

/* What an earlier setup stored: whole where there was one and all of it could be read. Holds secrets; its owner's to
 * end. */
typedef struct SetupKeptFile {
        bool there;
        Buffer data;
} SetupKeptFile;
typedef struct SetupKept {
        bool whole;
        SetupKeptFile files[2 * _ACCESS_KIND_MAX + 2];
} SetupKept;
void setup_keep(const SetupWays *ways, SetupKept *ret);
int setup_put_back(const SetupWays *ways, const SetupKept *kept, bool *ret_changed);
void setup_kept_done(SetupKept *kept);

/* Starts hublinkd anew, and says in words what comes of it. goes_back: what is refused does not stay. */
int setup_try(const SetupWays *ways, bool goes_back);
int setup_restart(const SetupWays *ways);
/* systemd reads its files; hublinkd is restarted where it runs. */
int setup_take_over(const SetupWays *ways);

/* The drop-in of that name, with group and rights that it needs; and away with it. */
int setup_enable(const SetupWays *ways, const char *name);
int setup_disable(const SetupWays *ways, const char *name);
