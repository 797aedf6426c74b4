/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Settings manual - the rows of the settings as a part of hublink.conf(5)
 *
 * For each group a heading, for each setting its path with the default, what it means, what it can be, for which
 * drivers it is, and whether the cloud may set it: all of it out of the rows, in roff. The build prints it into the
 * page's frame, hublink.conf.5.in; the daemon has no use for it.
 *
 * Knows:  how a row describes itself. Pure.
 */

#include "daemon/settings-table.h"

/* Appended to page. The paths of rows without a meaning go to mute, one a line. -ENOMEM. */
int settings_manual(const SettingsRow *rows, Buffer *page, Buffer *mute);
