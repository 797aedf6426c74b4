/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Setup - the steps between an installed gateway and one that is connected
 *
 * Each step tells what it did on standard output, unless it is told to be quiet, and what went wrong on standard error;
 * it gives the exit code of the program.
 */

#include <limits.h>
#include <signal.h>

#include "ctl/access.h"
#include "ctl/ctl.h"

#define SETUP_DROPINS  "/etc/systemd/system/hublinkd.service.d"
#define SETUP_UNIT     SETUP_DROPINS "/credential.conf"
#define SETUP_LOCK     "/etc/hublink/.setup.lock" /* while one is under way */
#define SETUP_TIMEOUT  (30 * USEC_PER_SEC)
#define SETUP_SETTINGS "/etc/hublink/conf.d/setup.conf"
#define SETUP_EARLIER  "/etc/hublink/earlier" /* what an earlier setup stored, until a later one has connected */

/* How it is done. */
typedef struct SetupWays {
        const Options *options;
        const char *root; /* "" or the tree of another machine, whose systemd and daemon are not there */
        bool no_start;    /* files only */
        usec_t timeout;   /* of the try */
        sigset_t ends;    /* signals that are held back, and end the try */
        bool held;        /* until setup_release(), which makes what was before */
        sigset_t mask;
        struct sigaction pipe;
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

/* ... or hands another over by its name? */
int setup_check_rivals(const SetupWays *ways, const Access *a);

/* With the unit and the settings that say where it is. */
int setup_store(const SetupWays *ways, const Access *a);
int setup_forget(const SetupWays *ways, bool *ret_changed);
bool setup_is_stored(const SetupWays *ways);
/* Is that file there, and another than those that it may be stored in? */
bool setup_is_another_file(const SetupWays *ways, AccessKind kind, const char *file);
/* In the place of an earlier one, which is there again where this one does not do what it has to. Signals stay held
 * back. */
int setup_replace(SetupWays *ways, const Access *a, bool *ret_connected);
/* Those that came meanwhile come now. */
void setup_release(SetupWays *ways);
/* The one that was kept takes its place again, and the one that is stored is kept, until either has connected. As
 * setup_replace(). */
int setup_back(SetupWays *ways);

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

/* The same on the disk, in a folder beside: for who is killed, or without power, before it is over. */
int setup_set_aside(const SetupWays *ways, const SetupKept *kept);
bool setup_is_aside(const SetupWays *ways);
void setup_keep_aside(const SetupWays *ways, SetupKept *ret); /* as setup_keep(), of what lies there */
int setup_drop_aside(const SetupWays *ways);

/* What is told of the link of hublinkd as it runs now. */
typedef enum SetupLink {
        SETUP_LINK_NONE,
        SETUP_LINK_WRONG, /* and time does not mend it */
        SETUP_LINK_ONCE, /* the hub has taken something since it started */
        SETUP_LINK_UP,
} SetupLink;
SetupLink setup_link(const SetupWays *ways);
/* Has what is stored had a link, now or ever? */
bool setup_has_connected(const SetupWays *ways);

/* What a new credential must do to stay. */
typedef enum SetupTerms {
        SETUP_STAYS,              /* there is none to go back to */
        SETUP_STAYS_UNLESS_WRONG, /* the one before it never had a link, or is wrong by now */
        SETUP_STAYS_CONNECTED,    /* that one had */
} SetupTerms;
bool setup_stays(SetupTerms terms, int result); /* of the try */

/* Starts hublinkd anew, and says in words what comes of it. */
int setup_try(const SetupWays *ways, SetupTerms terms, bool *ret_connected);
int setup_restart(const SetupWays *ways);
bool setup_is_ended(const SetupWays *ways); /* by a signal */
/* systemd reads its files; hublinkd is restarted where it runs. */
int setup_take_over(const SetupWays *ways);

/* The drop-in of that name, with group and rights that it needs; and away with it. */
int setup_enable(const SetupWays *ways, const char *name);
int setup_disable(const SetupWays *ways, const char *name);
