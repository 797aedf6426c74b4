/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/diagnosis.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/certificate.h"
#include "base/macro.h"

#define RELEASED    (1735689600 * USEC_PER_SEC) /* 2025-01-01: no clock that is right is before it */
#define SKEW_LIMIT  (30 * USEC_PER_SEC)
#define TOKEN_LIMIT (5 * USEC_PER_MIN) /* a token may be off by as much */
#define SOON        (30 * USEC_PER_DAY)

/* ---- where the queue lies ---- */

bool diagnosis_is_memory(const MountPoint *m)
{
        return strcmp(m->kind, "tmpfs") == 0 || strcmp(m->kind, "ramfs") == 0;
}

MountState diagnosis_of_mount(const MountPoint *m)
{
        if (mount_has(m, "ro"))
                return MOUNT_READ_ONLY;
        if (mount_has(m, "sync"))
                return MOUNT_SYNC;
        return mount_has(m, "noatime") || mount_has(m, "relatime") ? MOUNT_WELL : MOUNT_ATIME;
}

/* "0x01 0x02": tenths, of two kinds of memory; 0: not defined. */
bool diagnosis_of_wear(const char *life_time, unsigned *ret_percent)
{
        unsigned a, b;

        if (sscanf(life_time, "%x %x", &a, &b) != 2 || MAX(a, b) == 0)
                return false;
        *ret_percent = MIN(MAX(a, b), 10U) * 10;
        return true;
}

/* ---- the clock ---- */

ClockState diagnosis_of_clock(usec_t wall_usec, bool synchronised, const bool *trust)
{
        if (wall_usec < RELEASED)
                return CLOCK_IMPLAUSIBLE;
        if (trust && *trust)
                return CLOCK_TRUSTED;
        if (synchronised)
                return CLOCK_SYNCHRONISED;
        return trust ? CLOCK_UNTRUSTED : CLOCK_UNKNOWN;
}

bool diagnosis_find_date(const char *answer, usec_t *ret_wall)
{
        const char *date = strcasestr(answer, "\r\nDate: ");
        struct tm tm = {};
        time_t seconds;

        if (!date || !strptime(date + 8, "%a, %d %b %Y %H:%M:%S GMT", &tm))
                return false;
        seconds = timegm(&tm);
        *ret_wall = seconds > 0 ? (usec_t)seconds * USEC_PER_SEC : 0;
        return seconds > 0;
}

ClockSkew diagnosis_of_skew(usec_t ours, usec_t theirs)
{
        usec_t off = ours > theirs ? ours - theirs : theirs - ours;

        return off > TOKEN_LIMIT ? SKEW_WRONG : off > SKEW_LIMIT ? SKEW_LOOSE : SKEW_NONE;
}

/* ---- certificates ---- */

CertificateStore diagnosis_count_certificates(const char *pem, usec_t wall_usec)
{
        static const char begin[] = "-----BEGIN CERTIFICATE-----";
        CertificateStore s = {};

        for (const char *at = strstr(pem, begin), *next; at; at = next) {
                _cleanup_(certificate_freep) Certificate *c = NULL;
                usec_t end;

                next = strstr(at + 1, begin);
                if (certificate_parse(&c, at, next ? (size_t)(next - at) : strlen(at)) < 0)
                        continue;
                end = certificate_not_after(c);
                s.last_end = MAX(s.last_end, end);
                s.n++;
                s.n_expired += end < wall_usec;
        }
        return s;
}

StoreState diagnosis_of_store(const CertificateStore *s, usec_t wall_usec)
{
        if (s->n == 0)
                return STORE_EMPTY;
        if (s->n_expired * 2 > s->n)
                return STORE_EXPIRED;
        return s->last_end < usec_add(wall_usec, SOON) ? STORE_EXPIRES : STORE_WELL;
}

/* ---- files that are watched ---- */

static size_t length_of_folder(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? (size_t)(slash - path) : 0;
}

static bool is_in_one_folder(const char *a, const char *b)
{
        size_t n = length_of_folder(a);

        return n == length_of_folder(b) && strncmp(a, b, n) == 0;
}

size_t diagnosis_count_watches(const char *const *paths, size_t n)
{
        size_t needed = 0;

        for (size_t i = 0; i < n; i++) {
                bool file = true, folder = true;

                for (size_t j = 0; j < i; j++) {
                        file &= strcmp(paths[i], paths[j]) != 0;
                        folder &= !is_in_one_folder(paths[i], paths[j]);
                }
                needed += (size_t)file + (size_t)folder;
        }
        return needed;
}

/* ---- all of it ---- */

bool diagnosis_is_bad(size_t problems, size_t warnings, bool strict)
{
        return problems > 0 || (strict && warnings > 0);
}
