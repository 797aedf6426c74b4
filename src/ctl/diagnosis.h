/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Diagnosis - what the doctor makes of what he saw
 *
 * Texts of the kernel and of a hub are read here, and judged; he himself looks, and finds the words.
 *
 * Pure.
 */

#include "base/clock.h"
#include "base/mount.h"

/* ---- where the queue lies ---- */

typedef enum MountState {
        MOUNT_WELL,
        MOUNT_READ_ONLY,
        MOUNT_SYNC,  /* each write goes to the disk at once */
        MOUNT_ATIME, /* each read writes */
} MountState;

bool diagnosis_is_memory(const MountPoint *m);
MountState diagnosis_of_mount(const MountPoint *m);

/* From what an eMMC says of its life, how many percent of it are used at most; 100: all, or more. False: it says
 * nothing. */
bool diagnosis_of_wear(const char *life_time, unsigned *ret_percent);

/* ---- the clock ---- */

typedef enum ClockState {
        CLOCK_SYNCHRONISED,
        CLOCK_TRUSTED,     /* by the settings, without that */
        CLOCK_UNKNOWN,     /* nobody synchronises it, and whether it is trusted all the same cannot be read */
        CLOCK_UNTRUSTED,
        CLOCK_IMPLAUSIBLE, /* it is before the first release */
} ClockState;

typedef enum ClockSkew {
        SKEW_NONE,
        SKEW_LOOSE,
        SKEW_WRONG, /* tokens are refused */
} ClockSkew;

/* trust: of the settings; NULL: they cannot be read. */
ClockState diagnosis_of_clock(usec_t wall_usec, bool synchronised, const bool *trust);
/* The time of an HTTP answer's head. */
bool diagnosis_find_date(const char *answer, usec_t *ret_wall);
ClockSkew diagnosis_of_skew(usec_t ours, usec_t theirs);

/* ---- certificates ---- */

/* Whom this machine trusts. */
typedef struct CertificateStore {
        size_t n, n_expired;
        usec_t last_end;
} CertificateStore;

typedef enum StoreState {
        STORE_WELL,
        STORE_EMPTY,
        STORE_EXPIRED, /* most of it */
        STORE_EXPIRES, /* all of it, soon */
} StoreState;

/* Those in a text of PEM; what is none is passed over. */
CertificateStore diagnosis_count_certificates(const char *pem, usec_t wall_usec);
StoreState diagnosis_of_store(const CertificateStore *s, usec_t wall_usec);

/* ---- files that are watched ---- */

/* How many watches these files take: one each and one for each folder, however often they are named. */
size_t diagnosis_count_watches(const char *const *paths, size_t n);

/* ---- all of it ---- */

/* Does the command fail, for a script? */
bool diagnosis_is_bad(size_t problems, size_t warnings, bool strict);
