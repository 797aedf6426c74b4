/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Settings chip - from the names of chips to their descriptions
 *
 * A chip is a file NAME.conf, of the folder `chips` beside the main file or else of those that come with hublink
 * (HUBLINK_CHIPS_DIR). It is read by the rows of settings-chip-table.c, as settings are, so each error has its file,
 * its line and a remedy. Sensors of one chip share its description.
 */

#include "daemon/settings.h"
#include "daemon/settings-table.h"
#include "sensor/probe.h"

extern const SettingsRow settings_chip_table[]; /* of ChipDescription */

/* Gives its description to each sensor that names a chip. What cannot be had becomes a problem. -ENOMEM. */
int settings_chips(Settings *s, Problems *problems);

/* Every chip that can be had beside a main file: by name. What is wrong in others becomes problems. -ENOMEM. */
int settings_chips_list(const char *main_file, NamedChip **ret, size_t *ret_n, Problems *problems);
void settings_chips_list_free(NamedChip *chips, size_t n);

/* One description, out of its tree. NULL when it does not make sense, which the problems tell. -ENOMEM. */
int settings_chip(Node *tree, ChipDescription **ret, Problems *problems);
