/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/reader.h"

#include <errno.h>
#include <string.h>

#include "queue/lane.h"

#define READ_TRIES 5 /* 1, 2, 4, 8, 16 s apart */

void reader_init(Reader *r, Lane *lane)
{
        *r = (Reader){.lane = lane, .retry_usec = USEC_INFINITY, .chunk = READER_PAGES};
}

void reader_done(Reader *r)
{
        free(r->near.bytes);
        free(r->body.bytes);
        free(r->coming.bytes);
        *r = (Reader){};
}

void reader_drop_body(Reader *r)
{
        free(r->body.bytes);
        r->body = (ReaderPages){};
}

void reader_rest(Reader *r)
{
        free(r->near.bytes);
        r->near = (ReaderPages){};
        reader_drop_body(r);
}

bool reader_is_waiting(const Reader *r)
{
        return r->reading || r->retry_usec != USEC_INFINITY;
}

/* ---- trouble ---- */

int reader_wait(Reader *r)
{
        r->retry_usec = usec_add(clock_boot(r->lane->host->clock), USEC_PER_SEC);
        return QUEUE_E_WAIT;
}

/* An error may pass: is it worth another look, later? */
static bool try_later(Reader *r)
{
        if (r->weary || r->tries == READ_TRIES) {
                r->weary = true;
                r->tries = 0;
                return false;
        }
        r->retry_usec = usec_add(clock_boot(r->lane->host->clock), USEC_PER_SEC << r->tries++);
        return true;
}

static void read_well(Reader *r)
{
        r->tries = 0;
        r->weary = false;
}

void reader_tick(Reader *r, usec_t now)
{
        if (now < r->retry_usec)
                return;
        r->retry_usec = USEC_INFINITY;
        r->lane->host->readable(r->lane->host->userdata, r->lane);
}

/* ---- what came ---- */

static bool holds(const ReaderPages *p, const Slot *slot, uint64_t copy, size_t page)
{
        return p->segno == slot->segno && p->copy == copy && page >= p->first && page < p->first + p->n;
}

static void take_near(Reader *r, ReaderPages pages, ssize_t result)
{
        size_t asked = pages.n, got = result < 0 ? 0 : (size_t)result / PAGE_BYTES;

        if (result >= 0)
                read_well(r);
        r->chunk = result < 0 ? 1 : READER_PAGES;
        /* A page that cannot be read is a bad one, once its neighbours had their chance; and so is what a file that
         * is shorter than it was has lost. */
        if (result >= 0 || (asked == 1 && !try_later(r)))
                memset(pages.bytes + got * PAGE_BYTES, 0, (asked - got) * PAGE_BYTES);
        else
                pages.n = 0;
        pages.unreadable = result < 0;
        r->near = pages;
}

static void take_body(Reader *r, ReaderPages pages, ssize_t result)
{
        if (result == (ssize_t)(pages.n * PAGE_BYTES)) {
                read_well(r);
        } else {
                free(TAKE_PTR(pages.bytes));
                if (try_later(r))
                        pages.n = 0;
        }
        reader_drop_body(r);
        r->body = pages;
}

/* ---- on the worker ---- */

static void read_work(DiskJob *job, Disk *disk)
{
        Reader *r = container_of(job, Reader, job);

        r->result = disk_read(disk, r->fd, r->coming.bytes, r->coming.n * PAGE_BYTES,
                              (uint64_t)r->coming.first * PAGE_BYTES);
}

static void read_done(DiskJob *job)
{
        Reader *r = container_of(job, Reader, job);
        ReaderPages pages = r->coming;

        r->reading = false;
        r->coming = (ReaderPages){};
        if (r->is_body) {
                take_body(r, pages, r->result);
        } else {
                free(r->near.bytes);
                take_near(r, pages, r->result);
        }
        r->lane->host->readable(r->lane->host->userdata, r->lane);
}

static void read_dropped(DiskJob *job)
{
        lane_orphan_ended(container_of(job, Reader, job)->lane);
}

static int read_later(Reader *r, const Slot *slot, ReaderPages pages, bool is_body)
{
        r->job = (DiskJob){read_work, read_done, read_dropped};
        r->coming = pages;
        r->is_body = is_body;
        r->fd = slot->fd;
        r->reading = true;
        disk_submit(r->lane->disk, &r->job);
        return QUEUE_E_WAIT;
}

static ssize_t read_now(Reader *r, const Slot *slot, const ReaderPages *pages)
{
        return disk_read_now(r->lane->disk, slot->fd, pages->bytes, pages->n * PAGE_BYTES,
                             (uint64_t)pages->first * PAGE_BYTES);
}

/* ---- questions ---- */

int reader_page(Reader *r, const Slot *slot, size_t page, size_t end, uint64_t copy, const uint8_t **ret)
{
        ReaderPages pages = {
                .bytes = r->near.bytes,
                .first = page,
                .n = MIN(end - page, r->chunk),
                .segno = slot->segno,
                .copy = copy,
        };
        ssize_t n;

        if (holds(&r->near, slot, copy, page)) {
                *ret = r->near.bytes + (page - r->near.first) * PAGE_BYTES;
                return 0;
        }
        if (reader_is_waiting(r))
                return QUEUE_E_WAIT;
        r->near = (ReaderPages){};
        if (!pages.bytes)
                pages.bytes = malloc(READER_PAGES * PAGE_BYTES);
        if (!pages.bytes)
                return reader_wait(r);
        n = read_now(r, slot, &pages);
        if (n < 0)
                return read_later(r, slot, pages, false);
        take_near(r, pages, n);
        *ret = r->near.bytes;
        return 0;
}

bool reader_gave_up(const Reader *r)
{
        return r->near.unreadable;
}

int reader_body(Reader *r, const Slot *slot, size_t first, size_t n, uint8_t **ret)
{
        ReaderPages pages = {.first = first, .n = n, .segno = slot->segno};

        if (r->body.first == first && r->body.n == n && r->body.segno == slot->segno) {
                *ret = r->body.bytes;
                r->body.n = 0; /* no longer pages */
                return *ret ? 0 : -EIO;
        }
        if (reader_is_waiting(r))
                return QUEUE_E_WAIT;
        reader_drop_body(r);
        pages.bytes = malloc(n * PAGE_BYTES);
        if (!pages.bytes)
                return reader_wait(r);
        if (read_now(r, slot, &pages) != (ssize_t)(n * PAGE_BYTES))
                return read_later(r, slot, pages, true);
        r->body = pages;
        r->body.n = 0;
        *ret = pages.bytes;
        return 0;
}
