/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Doctor - what of this machine keeps the daemon from its work
 *
 * Groups of checks, each a file doctor-GROUP.c, look one after the other and leave findings: what is wrong, why it
 * matters, what to do. What cannot be looked at, for want of rights or because something before it failed, is said as
 * such and counts as no fault. Nothing is changed, but for a file that is written and taken away in the state folder.
 *
 * Owns:   the findings, and what one group learns for the next: settings, host names, the daemon's user.
 */

#include <grp.h>

#include "ctl/ctl.h"
#include "ctl/unit-files.h"
#include "daemon/service-user.h"
#include "daemon/settings.h"

typedef enum Verdict {
        VERDICT_WELL,
        VERDICT_UNSEEN, /* could not be looked at */
        VERDICT_WARNING,
        VERDICT_PROBLEM,
        _VERDICT_MAX,
} Verdict;

typedef struct Finding {
        Verdict verdict;
        const char *group, *id; /* static */
        char *what;
        char *why, *remedy; /* NULL: none */
} Finding;

typedef struct Doctor {
        const Options *options;
        char root[PATH_MAX]; /* of the machine that is looked at, its files alone and nothing that runs; "": this one */
        const char *config, *state_dir; /* as its hublinkd is given them */
        bool offline;

        const char *group; /* of the checks that run */
        Finding *findings;
        size_t n_findings;
        bool no_memory;

        Settings *settings; /* NULL: they cannot be read */
        char *hub;          /* host name, as TLS is to prove it; NULL: not known */
        ServiceUser user; /* with the groups that the unit gives */
        UnitFiles unit;
        bool has_unit; /* it is installed, and not masked */
        struct sd_bus *bus; /* NULL: it was not asked yet, or it does not answer */
        int bus_error;
        bool daemon_runs, daemon_hangs; /* it answers; it has its name, and does not */
} Doctor;

/* ---- findings ---- */

typedef struct Advice {
        const char *why, *remedy;
} Advice;

void doctor_well(Doctor *d, const char *id, const char *fmt, ...) _printf_(3, 4);
void doctor_unseen(Doctor *d, const char *id, const char *fmt, ...) _printf_(3, 4);
/* The texts are copied. */
void doctor_tell(Doctor *d, Verdict verdict, const char *id, Advice advice, const char *fmt, ...) _printf_(5, 6);

/* ---- the system (doctor-system.c) ---- */

/* Is it another machine's tree? What a kernel, a daemon or a network tells is then told of the wrong machine. */
bool doctor_sees_files_only(const Doctor *d);
/* Where a path of that machine lies here. */
void doctor_place(const Doctor *d, const char *path, char ret[static PATH_MAX]);
/* The same; the caller's to free, NULL without memory. */
char *doctor_path(const Doctor *d, const char *path);
/* The text of a small file, the caller's to free. */
int doctor_read(const char *path, char **ret);

void doctor_find_user(Doctor *d);
bool doctor_find_group(const Doctor *d, const char *name, gid_t *ret);
/* Is that an error of our own rights, which tell nothing of those of the daemon? error: negative errno. */
bool doctor_is_denied(const Doctor *d, int error);
/* As service_user_ask(), of the daemon's user. */
int doctor_as_daemon(const Doctor *d, int (*question)(const char *path), const char *path);
int may_read_write(const char *path); /* more questions */
int may_run(const char *path);
int may_write_in(const char *path); /* a folder: make files, and rename them */

/* ---- the bus (doctor-bus.c) ---- */

/* Once for all groups: nobody waits twice for one that hangs. 0, and d->bus is there; negative errno. */
int doctor_open_bus(Doctor *d);

/* ---- the unit (doctor-unit.c, doctor-reach.c) ---- */

bool doctor_is_off(const char *value); /* "no", "0", "" ... */
/* Does the unit let hublinkd have that device, and see that file, as far as it is not a matter of rights? Without a
 * unit: yes. device: a path below /dev. */
bool doctor_unit_opens(const Doctor *d, const char *device);
/* The word of the unit that hides it, such as ProtectHome; NULL: none. */
const char *doctor_unit_hides(const Doctor *d, const char *file);
/* Does it let hublinkd write in that folder? */
bool doctor_unit_lets_write(const Doctor *d, const char *folder);
bool doctor_reaches(Doctor *d, const char *what, const char *folder); /* the same, and a finding where it does not */

/* ---- the sensors (doctor-watches.c) ---- */

void doctor_watches(Doctor *d); /* the settings are known */

/* ---- the groups, in their order ---- */

void doctor_settings(Doctor *d);
void doctor_clock(Doctor *d);
void doctor_unit(Doctor *d);
void doctor_commands(Doctor *d);
void doctor_bus(Doctor *d);
void doctor_credential(Doctor *d);
void doctor_certificates(Doctor *d);
void doctor_network(Doctor *d);
void doctor_disk(Doctor *d);
void doctor_sensors(Doctor *d);
void doctor_metrics(Doctor *d);
void doctor_daemon(Doctor *d);
