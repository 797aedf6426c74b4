/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Unit files - what systemd reads of a unit: its file and the drop-ins, in its order and by its rules
 *
 * Of a unit the file in the first folder counts. Of drop-ins with one name that in the first folder counts, an empty
 * one or a link to /dev/null too; those that are left are read in the order of their names, whatever their folders.
 * Blanks around keys and values are none, a line may go on after a backslash, and an empty value takes back what was
 * said before.
 *
 * Owns:   the words and the names of the files.
 */

#include <limits.h>

#include "base/macro.h"

typedef struct UnitWord {
        char *section, *key, *value;
        const char *file; /* its path on the machine */
        unsigned line;
} UnitWord;

typedef struct UnitFiles {
        char *fragment; /* path of the unit's own file; NULL: there is none */
        bool masked;
        UnitWord *words; /* in the order in which they count */
        size_t n;
        char **files;
        size_t n_files;
        char *closed; /* the first file or folder that we have not the rights to read; NULL: none */
} UnitFiles;

/* root: "", or the tree of another machine. 0, also where there is no such unit; -ENOMEM. A file that cannot be read is
 * as one that is empty: closed. */
int unit_files_read(UnitFiles *u, const char *root, const char *unit);
void unit_files_done(UnitFiles *u);

/* Of a setting with one value the last word: NULL, or one that is empty, is the default. */
const UnitWord *unit_files_find(const UnitFiles *u, const char *section, const char *key);
/* Of a list one word after the other, from what took back all before; *at is 0 at first. */
const UnitWord *unit_files_next(const UnitFiles *u, const char *section, const char *key, size_t *at);

/* ---- credentials ---- */

typedef enum UnitCredentialKind {
        UNIT_CREDENTIAL_NONE,
        UNIT_CREDENTIAL_LOAD,           /* of a file */
        UNIT_CREDENTIAL_LOAD_ENCRYPTED,
        UNIT_CREDENTIAL_SET,            /* its text stands in the unit */
        UNIT_CREDENTIAL_SET_ENCRYPTED,
} UnitCredentialKind;

typedef struct UnitCredential {
        UnitCredentialKind kind;
        const UnitWord *word;  /* that says so */
        char path[PATH_MAX];   /* of one that is loaded; one without a folder lies in the store of systemd */
} UnitCredential;

/* The word that counts for that name. One that is loaded goes before one that is set, which stands in for it. */
UnitCredentialKind unit_files_credential(const UnitFiles *u, const char *name, UnitCredential *ret);
/* Each word for that name that no empty one behind it takes back; *at is 0 at first. */
const UnitWord *unit_files_next_credential(const UnitFiles *u, const char *name, size_t *at);
