/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Cloud - settings that the cloud desires, over what the files say
 *
 * Few settings may be set from there: the rows of the table that say so, and of a sensor or a stream only where the
 * files have it. What was desired and fitted is kept as one more settings file, in the state folder, so that it is
 * read, checked and printed as the others are, with its line.
 */

#include "daemon/settings.h"
#include "model/document.h"

#define SETTINGS_CLOUD_FILE "twin.conf" /* in the state folder */

/* A desired section as the text of that file; NULL: an empty one. SETTINGS_E_BAD: it holds what no settings file can, and
 * *ret_why (of the caller) says where and what. -ENOMEM. */
int settings_cloud_write(const Document *desired, Buffer *text, char **ret_why);

/* What was stored, "" when there is nothing; trouble with reading it is told. */
int settings_cloud_load(const char *state_dir, Buffer *text);

/* New settings: those of the files that these came from, and the text over them. SETTINGS_E_BAD with every problem, as
 * settings_load(). */
int settings_cloud_overlay(Settings **ret, const Settings *files, const char *state_dir, const char *text,
                           Problems *problems);

/* The same in place, where the text fits; where it does not (any more) the files alone count, and problems says why. */
int settings_cloud_take(Settings **settings, const char *state_dir, const char *text, Problems *problems);
