/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The parts of a TailFile
 *
 *   tail-file.c     the descriptor: bytes in their order, as long as it is the same file
 *   tail-resume.c   where it is begun, or gone on after a restart
 *   tail-turn.c     from a file that was rotated to the one that came after it
 */

#include <sys/stat.h>

#include "sensor/neighbours.h"
#include "sensor/rotated.h"
#include "sensor/tail-file.h"

#define TAIL_TRIES_MAX 8 /* files may be rotated under our eyes */

struct TailFile {
        char *path;

        int fd;
        bool is_path; /* opened by its own name, not as one that was rotated */
        uint64_t inode, offset;
        uint64_t mtime;         /* when it was looked at last */
        char start[TAIL_MARK];  /* min(offset, TAIL_MARK) bytes each */
        char before[TAIL_MARK];

        /* The file before this one, while no byte of this one was read: until then another may take its place. */
        bool turning;
        SourcePosition left; /* where its end was */

        Neighbours neighbours; /* of the file that is read, while it had its name: none of them came after it */

        SourcePosition resume; /* serial 0: there is nothing to go on from */
        bool from_end;
};

/* tail-file.c */

/* The errors are those of open(2), and what a file has to be. */
int tail_open_file(const char *path, struct stat *st);
bool tail_read_exactly(int fd, char *data, size_t n, uint64_t offset);
/* As it lies on the disk, the marks of an offset. */
bool tail_read_marks(int fd, uint64_t offset, char *start, char *before);
/* From now on this one; the offset is not touched. */
void tail_take_file(TailFile *t, int fd, const struct stat *st, bool is_path);
/* The one that has the name, from its beginning. */
int tail_open_path(TailFile *t);

/* tail-resume.c */

int tail_resume_begin(TailFile *t, TailLook *look);
/* Opens it if it holds what was read up to there; -1: it does not. */
int tail_open_known(const char *path, const SourcePosition *at, struct stat *st, char *start, char *before);
/* The copy that was made of a file before it was cut: it holds what was read, and was written no earlier. */
bool tail_resume_in_copy(TailFile *t, const SourcePosition *at, const Rotated *siblings, size_t n);

/* tail-turn.c */

/* The oldest file that came after the one that was left there and was rotated since. */
bool tail_turn_to_later(TailFile *t, const SourcePosition *left, const Rotated *siblings, size_t n);
/* Is its writer done with it? Something is in the file that has its name now, or had it meanwhile. */
bool tail_turn_is_due(const TailFile *t);
/* This one will not grow any more, or is another now. */
void tail_turn_leave(TailFile *t);
/* To the one that came after it. */
int tail_turn_next(TailFile *t);
/* Nothing of it was read when it was chosen: is it still the next one? */
bool tail_turn_is_still_next(const TailFile *t);
/* Before it is read: who is beside it? False: nothing new, or it has not its name any more. */
bool tail_turn_look_beside(const TailFile *t, Neighbours *ret);
/* It does not hold any more what was read of it. True: what was not read is in a copy, and is read on there. */
int tail_turn_cut(TailFile *t, bool *ret_copy);
