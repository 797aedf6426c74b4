/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Read - settings files into one tree of nodes
 *
 * The only place that knows libconfig. The main file, then the *.conf of conf.d beside it in the order of
 * their names, each laid over what came before, and so those of methods.d and commands.d (settings-dropin.h).
 */

#include "daemon/settings-node.h"

/* The files that were read, and the folders that were looked into; nodes borrow their names from here. */
typedef struct SettingsFiles {
        char **names;
        size_t n;
} SettingsFiles;

void settings_files_done(SettingsFiles *files);

enum {
        _SETTINGS_E_SUCCESS,
        SETTINGS_E_BAD, /* the problems tell what is wrong */
};

/* A file of conf.d as it is meant to become, in the place of what is on the disk. */
typedef struct SettingsCandidate {
        const char *name; /* without its folder */
        const char *text; /* NULL: there is to be none */
} SettingsCandidate;

/* Gives the tree of all files that could be read; SETTINGS_E_BAD beside it when some could not. candidate: NULL for
 * none. */
int settings_read(const char *path, const SettingsCandidate *candidate, SettingsFiles *files, Node **ret,
                  Problems *problems);

/* The same for one file alone. */
int settings_read_one(const char *path, SettingsFiles *files, Node **ret, Problems *problems);

/* The same for one text in memory, called name. */
int settings_read_text(const char *name, const char *text, size_t size, SettingsFiles *files, Node **ret,
                       Problems *problems);
