/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of the check, for the files that it is made of
 *
 * settings-check.c      the parts one by one
 * settings-check-commands.c  what starts a unit, and how long it may take
 * settings-check-files.c  growing files that would be taken for one another
 * settings-check-i2c.c  sensors on one bus that would answer together
 * settings-check-methods.c  names of methods that are the daemon's own
 * settings-check-metrics.c  where the numbers may be told
 * settings-check-pnp.c  what Plug and Play names across them
 * settings-check-rules.c  what rules name, and what of them does not go together
 * settings-check-sockets.c  sockets that would be in each other's way
 * settings-complain.c   how what does not fit is told
 */

#include "daemon/settings-check.h"

typedef struct Check {
        const Settings *settings;
        const char *state_dir;
        Problems *problems;
} Check;

/* settings-complain.c */

/* The line is that of the setting, or of the group that ought to have it. */
void check_complain(const Check *c, const char *path, const char *fmt, ...) _printf_(3, 4);
/* The same for a text of the wrong form; what stands in the file is shown unless it holds a secret. */
void check_complain_form(const Check *c, const char *path, const char *expected);
const Node *check_group(const Check *c, const char *map, const char *name);

/* settings-check-commands.c */

void check_commands(const Check *c);

/* settings-check-files.c */

void check_files(const Check *c);

/* settings-check-i2c.c */

void check_i2c(const Check *c);

/* settings-check-methods.c */

void check_methods(const Check *c);

/* settings-check-metrics.c */

void check_metrics(const Check *c);

/* settings-check-pnp.c */

void check_pnp(const Check *c);

/* settings-check-rules.c */

void check_rules(const Check *c);

/* settings-check-sockets.c */

void check_sockets(const Check *c);
