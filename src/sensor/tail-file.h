/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tail file - the bytes of a growing file in their order, over its rotations
 *
 * A file is rotated in one of two ways, and both are followed without being told:
 *
 *   renamed     PATH becomes PATH.1, and a new PATH is made. The descriptor stays with the old file. When something is
 *               in the new one, its writer is done with the old one; so that is read to its end first, then those
 *               that were rotated since, by age, then PATH.
 *   copied      PATH is copied to PATH.1 and cut to nothing. What had not been read is in the copy alone: it is looked
 *               for among the files beside, and known by what it holds. It is read to its end from there.
 *
 * That a file was cut is seen when what lies before the next byte is not what was read there, however long the
 * file has become since. Where lines are alike, its copy tells at the start (sensor/tail-cut.h).
 *
 * Everything here may block: it runs on a worker's thread.
 *
 * Owns:   a descriptor.
 */

#include "model/reading.h"
#include "sensor/driver.h"

#define TAIL_CHUNK (64 * 1024)
#define TAIL_MARK  128 /* bytes at the beginning and before the next byte, by which a file is known */

typedef struct TailFile TailFile;

enum {
        TAIL_BYTES,  /* there are some */
        TAIL_END,    /* none until the file grows */
        TAIL_TURNED, /* the file is at its end for good; what comes next is another's */
        TAIL_FAILED, /* the error tells */
};

typedef struct TailLook {
        /* The next bytes, behind `before` bytes that came earlier. */
        char data[TAIL_MARK + TAIL_CHUNK];
        size_t before, size;

        /* of the file that they are from */
        uint64_t file;
        uint64_t offset; /* of the next byte, once these are taken */
        uint64_t mtime;
        char start[TAIL_MARK];
        size_t n_start;

        bool gap;                     /* what had not been read of the file before is gone */
        bool perhaps_cut;             /* and perhaps only copied: then what comes was read before */
        char error[SENSOR_ERROR_MAX]; /* TAIL_FAILED */
} TailLook;

/* at: where it was left; NULL: it was never read. from_end: then begin behind its last line. */
int tail_file_new(TailFile **ret, const char *path, const SourcePosition *at, bool from_end);
TailFile *tail_file_free(TailFile *t);
DEFINE_CLEANUP(TailFile *, tail_file_free);

/* One of TAIL_*. */
int tail_file_look(TailFile *t, TailLook *look);

/* Of a file at this offset: its first bytes, and those before the offset; as many as there are of each, up to
 * TAIL_MARK. */
uint32_t tail_check(const char *start, const char *before, uint64_t offset);
