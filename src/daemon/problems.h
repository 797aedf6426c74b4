/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Problems - everything that is wrong with the settings, not only the first
 *
 * Each is one line, "FILE:LINE: what is expected", sorted as somebody reads the files.
 *
 * Owns:   its texts.
 */

#include <stdarg.h>

#include "base/macro.h"

typedef struct Problem {
        unsigned file; /* which one, in the order of reading; for sorting */
        unsigned line; /* 0: the file as a whole */
        char *text;
        int error; /* negative errno, where the file cannot be read; 0 */
} Problem;

typedef struct Problems {
        Problem *items;
        size_t n;
        bool no_memory; /* one could not be noted down */
} Problems;

/* A place in the files. */
typedef struct Place {
        const char *name; /* of the file */
        unsigned file;
        unsigned line; /* 0: the file as a whole */
} Place;

void problems_add(Problems *p, Place place, const char *fmt, ...) _printf_(3, 4);
/* The file cannot be read. */
void problems_add_unread(Problems *p, Place place, int error, const char *fmt, ...) _printf_(4, 5);
/* About a setting: its path goes before the words, and grade ("", "warning: ") before that. */
void problems_add_about(Problems *p, Place place, const char *grade, const char *path, const char *fmt, va_list ap)
        _printf_(5, 0);
void problems_sort(Problems *p);
const char *problem_words(const char *text); /* of one: without the place, which who is far away does not know */
void problems_done(Problems *p);
