/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Fake disk - files in memory that forget, tear and fail on request
 *
 * Everything that changes a file is recorded, so that a power cut can be played at any moment of a scenario:
 * fake_disk_after_cut() gives the disk as a machine would find it at its next start. Calls can be made to
 * fail or to stall, by number. Jobs run in disk_dispatch(), unless held.
 */

#include "base/disk.h"

typedef enum FakeCall {
        FAKE_OPEN = 1 << 0,
        FAKE_MKDIR = 1 << 1,
        FAKE_UNLINK = 1 << 2,
        FAKE_RENAME = 1 << 3,
        FAKE_LIST = 1 << 4,
        FAKE_LOCK = 1 << 5,
        FAKE_SIZE = 1 << 6,
        FAKE_READ = 1 << 7,
        FAKE_WRITE = 1 << 8,
        FAKE_ALLOCATE = 1 << 9,
        FAKE_SYNC = 1 << 10,
        FAKE_SPACE = 1 << 11,
        FAKE_ANY = (1 << 12) - 1,
} FakeCall;

/* What the unsynced writes become. What was synced stays. */
typedef enum FakeCut {
        FAKE_CUT_LOST,      /* none of them reached the medium */
        FAKE_CUT_KEPT,      /* all did */
        FAKE_CUT_TORN,      /* each sector of 512 bytes by itself did or did not */
        FAKE_CUT_REORDERED, /* each page of 4 KiB by itself did or did not */
        FAKE_CUT_ZEROED,    /* pages that did not are zero */
        FAKE_CUT_GARBAGE,   /* pages that did not are noise */
        _FAKE_CUT_MAX,
} FakeCut;

/* What a cut does to a page that was under write, and to what the medium writes together with it. */
typedef struct FakeBlow {
        size_t page;     /* which one of those under write */
        size_t block;    /* bytes that the medium writes at once: 4096 or more */
        bool unreadable; /* until it is written again; or else it is noise */
        bool bystanders; /* pages of the block that nobody wrote to suffer too */
} FakeBlow;

typedef struct FakeInode FakeInode;
typedef struct FakeEntry FakeEntry;

typedef struct FakeDisk {
        Disk disk; /* first: hand out &fake->disk */

        /* wishes */
        uint64_t fail_at;    /* the call, counted by n_calls from 1; 0: none */
        uint64_t fail_count; /* so many calls on */
        unsigned fail_mask;  /* of these kinds only; others pass and do not use up fail_count. 0: any */
        int fail_errno;      /* 0: a write is cut short, other calls pass */
        uint64_t stall_at;   /* the job that makes this call ends after fake_disk_resume() only */
        uint64_t capacity;   /* bytes of all files; 0: no limit */
        uint64_t inodes_left; /* what is told; 0: no limit */
        bool held;           /* jobs wait for fake_disk_step() */
        bool cold;           /* no read is ready at once */
        bool locked;         /* somebody else has every lock */
        bool forgetful;      /* of what happened only the last is remembered: for long runs without a cut */
        uint8_t boot[16];

        /* facts */
        uint64_t n_calls, n_reads, n_writes, n_syncs;
        uint64_t n_trusted; /* writes and syncs through a descriptor whose sync had failed: there should be none */
        uint64_t bytes_read, bytes_written;
        size_t n_entries; /* recorded changes: where a cut can fall */

        FakeEntry *entries;
        size_t entries_allocated;
        FakeInode *inodes;
        size_t n_inodes;
        struct FakeHandle {
                size_t inode;
                bool used, locked, sync_failed;
        } handles[1024];
        DiskJob *waiting, *stalled, *ended;
        bool stalling;
} FakeDisk;

FakeDisk *fake_disk_new(void);
FakeDisk *fake_disk_free(FakeDisk *fake);
DEFINE_CLEANUP(FakeDisk *, fake_disk_free);

/* Runs one job and tells its end; false when there is none. */
bool fake_disk_step(FakeDisk *fake);
void fake_disk_resume(FakeDisk *fake);
bool fake_disk_is_idle(const FakeDisk *fake);

/* A new disk, as it is found when the power went after the first n_entries changes. */
FakeDisk *fake_disk_after_cut(const FakeDisk *fake, size_t n_entries, FakeCut cut, uint64_t seed);
/* The same, and one page under write is hit, of so many. */
size_t fake_disk_pages_under_write(const FakeDisk *fake, size_t n_entries);
FakeDisk *fake_disk_after_blow(const FakeDisk *fake, size_t n_entries, FakeCut cut, uint64_t seed,
                               const FakeBlow *blow);
/* A new disk with all that this one shows: the machine goes on, its program was killed. */
FakeDisk *fake_disk_copy(const FakeDisk *fake);

/* The bytes of a file, to look at or to harm; NULL if there is none. */
uint8_t *fake_disk_file(FakeDisk *fake, const char *path, size_t *ret_size);

/* A page of it cannot be read until it is written again. */
void fake_disk_spoil(FakeDisk *fake, const char *path, size_t page);

/* It is another user's from now on, with all that is below it: it may be renamed, not opened. */
void fake_disk_forbid(FakeDisk *fake, const char *path);
/* It is ours again. */
void fake_disk_allow(FakeDisk *fake, const char *path);

/* What all this takes of the heap: no part of the program's own memory. */
size_t fake_disk_memory(const FakeDisk *fake);
