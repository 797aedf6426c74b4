/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Output file - where something is to be put that is to be had once
 *
 * A new file, or standard output. It is opened, and found to take what comes, before that is fetched; a file is whole
 * then, or not there: whoever finds it may act on it. What is written is on the disk.
 *
 * What goes wrong is told on standard error, and comes back as the exit code of the program.
 *
 * Owns:   the file until it has its name.
 */

#include <stddef.h>
#include <stdio.h>

typedef struct OutputFile {
        const char *path; /* NULL: standard output */
        char *made;       /* its name until it is whole */
        FILE *file;
} OutputFile;

/* One that is there already is not written over. path is borrowed. */
int output_file_open(OutputFile *o, const char *path);
int output_file_write(OutputFile *o, const void *data, size_t size); /* once */
/* What has no name is gone. */
void output_file_done(OutputFile *o);
