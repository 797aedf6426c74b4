/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Cloud - settings that the cloud desires, over what the files say
 *
 * Few settings may be set from there: the rows of the table that say so, and of a sensor or a stream only where the
 * files have it. What was desired and fitted is kept as the text of one more settings file (overlay.h), so that it is
 * read, checked and printed as the others are, with its place.
 */

#include "daemon/overlay.h"
#include "daemon/settings.h"

/* A desired section as the text of that file; NULL: an empty one. SETTINGS_E_BAD: it holds what no settings file can,
 * and *ret_why (of the caller) says where and what. -ENOMEM. */
int settings_cloud_write(const Document *desired, Buffer *text, char **ret_why);

/* New settings: those of the files that these came from, and what lies over them. Of the intervals only those of
 * sensors that have one in the files. SETTINGS_E_BAD with every problem, as settings_load(). */
int settings_cloud_overlay(Settings **ret, const Settings *files, const char *state_dir, const Overlay *overlay,
                           Problems *problems);

/* The same in place. Where what is desired does not fit (any more) it does not count, and problems says why. */
int settings_cloud_take(Settings **settings, const char *state_dir, const Overlay *overlay, Problems *problems);
