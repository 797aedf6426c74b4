/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Outlook - settings that are right, and may still not work on this machine
 *
 * Files and groups that are not there, and what was hardly meant. Settings may be checked elsewhere than they
 * are used: so these are warnings, with their file and line, and no errors.
 */

#include "daemon/settings.h"

/* -ENOMEM. */
int settings_outlook(const Settings *s, Problems *warnings);
