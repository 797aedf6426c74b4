/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The slots that an opening finds: page 0 of each, and the newest as a whole. The backlog stays where it is.
 *
 * A bad page 0 costs a look at the other pages of that slot, for its generation. Where its numbers begin is then
 * not known: it shares the table of the slot before it. The end of a crash is told from damage by the last commit:
 * if pages of it are missing, so are its receipts.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "queue/foreign.h"

/* ---- the tables ---- */

static int by_segno(const void *a, const void *b)
{
        uint64_t x = ((const Head *)a)->slot->segno, y = ((const Head *)b)->slot->segno;

        return x < y ? -1 : x > y;
}

/* Which numbers lie in which slot, from where each begins. */
static void fill_tables(Head *heads, size_t n)
{
        bool newest_bad = !heads[n - 1].good;

        heads[n - 1].slot->guessed = newest_bad;
        for (size_t i = 0; i + 1 < n; i++) {
                if (heads[i].good)
                        continue;
                for (size_t id = 0; id < RECORD_STREAMS; id++)
                        heads[i].slot->first[id] = i > 0 ? heads[i - 1].slot->first[id] : 1;
                if (i > 0)
                        heads[i - 1].slot->joined = true;
        }
        for (size_t i = n - 1; i-- > 0;) {
                const Head *next = &heads[i + 1];
                Slot *slot = heads[i].slot;

                slot->guessed = !heads[i].good || !next->good || next->slot->segno != slot->segno + 1;
                if (i == n - 2 && newest_bad)
                        continue; /* that end is found by reading */

                for (size_t id = 0; id < RECORD_STREAMS; id++) {
                        uint64_t end = next->good ? next->previous_end[id] : next->slot->end[id];

                        if (slot->first[id] == 0 && end > 1)
                                slot->first[id] = 1;
                        slot->end[id] = MAX(end, slot->first[id]);
                }
        }
}

/* ---- files ---- */

static void collect(void *userdata, const char *name)
{
        Search *o = userdata;
        unsigned index;
        int length = 0;

        if (sscanf(name, "seg-%9u%n", &index, &length) != 1 || name[length] || length < (int)strlen("seg-0000"))
                return;
        if (o->n_indexes == o->indexes_allocated) {
                size_t room = MAX(o->indexes_allocated * 2, (size_t)64);
                unsigned *indexes = realloc(o->indexes, room * sizeof(*indexes));

                if (!indexes) {
                        o->error = -ENOMEM;
                        return;
                }
                o->indexes = indexes;
                o->indexes_allocated = room;
        }
        o->indexes[o->n_indexes++] = index;
}

static bool adopt(Search *o, const Page *page)
{
        if (o->lane->identity == 0)
                o->lane->identity = page->lane;
        return page->lane == o->lane->identity;
}

/* Looks for the generation in the pages behind a bad page 0. */
static bool find_segno(Search *o, Slot *slot)
{
        Page page;

        for (size_t i = 1; i < slot->n_pages; i++)
                if (lane_scan_read(o, slot->fd, o->pages, 1, i) == PAGE_BYTES &&
                    page_open(o->pages, &page) == 0 && adopt(o, &page)) {
                        slot->segno = page.segno;
                        slot->epoch = page.epoch;
                        return true;
                }
        return false;
}

/* Nothing could be read of it: not blank, but unknown. Out of the way if that does not pass, so that what it holds
 * never mixes with what comes after it. */
static void give_up(Search *o, Slot *slot, const char *path)
{
        slot->state = SLOT_ALIEN;
        if (!lane_scan_is_patient(o->lane))
                (void)foreign_set_aside(o, path, "unread", "cannot be read, nothing of it: check the disk");
}

/* Not ours to read, but ours: whoever goes back to an older hublink has slots of both. Served without the newer ones
 * their numbers would be given a second time, so the whole queue goes aside. */
static void look_at_newer(Search *o, Slot *slot)
{
        slot->state = SLOT_ALIEN;
        o->newer = true;
}

static void look_at(Search *o, Head *head, const char *path)
{
        Slot *slot = head->slot;
        int unread = o->unread;
        ssize_t n;
        Page page;
        int r;

        o->unread = 0;
        n = lane_scan_read(o, slot->fd, o->pages, 1, 0);
        r = n == PAGE_BYTES ? page_open(o->pages, &page) : PAGE_E_BAD;
        slot->n_used = slot->n_walk = slot->n_pages;
        if (r == PAGE_E_NEWER) {
                look_at_newer(o, slot);
        } else if (r == 0 && !adopt(o, &page)) {
                slot->state = SLOT_ALIEN;
                foreign_note(o->found, path, "belongs to another queue; left alone: put it back there, or remove it");
        } else if (r == 0 && page.kind == PAGE_HEAD) {
                slot->state = SLOT_USED;
                slot->segno = page.segno;
                lane_scan_head(o, head, o->pages, &page);
        } else if ((n != PAGE_BYTES || !page_is_blank(o->pages)) && find_segno(o, slot)) {
                slot->state = SLOT_USED;
        } else if (o->unread < 0) {
                give_up(o, slot, path);
        }
        o->unread = unread ?: o->unread;
}

/* What is no file of ours is left alone. Any other refusal may pass; to go on without what the slot holds would give
 * its generation, and perhaps its numbers, a second time. */
static int cannot_open(Search *o, Slot *slot, const char *path, int error)
{
        if (foreign_is_withheld(error)) {
                foreign_withheld_reason(o->reason, path, o->directory);
                return error;
        }
        if (foreign_is(error) || error == -ENOENT) {
                slot->state = SLOT_ALIEN;
                foreign_note(o->found, path,
                             error == -ENOENT ? "is a link to nowhere: remove it" : foreign_what(error));
                return 0;
        }
        if (error == -EIO || error == -EINTR) {
                o->unread = o->unread ?: error;
                give_up(o, slot, path);
                return 0;
        }
        return error; /* out of descriptors, read-only: not the slot's fault, however long it takes */
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
        return n == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0);
}

/* No page of it is ours. What was half made is zero from one end to the other. Of a slot that was made a torn first
 * commit may have left noise, but never as far as to its end. */
static bool is_foreign(Search *o, const Slot *slot, int64_t size)
{
        int64_t at = lane_is_short(o->lane, slot) ? 0 : MAX(size - PAGE_BYTES, (int64_t)0);

        for (ssize_t n; at < size; at += n) {
                n = disk_read(o->disk, slot->fd, o->pages, PAGE_BYTES, (uint64_t)at);
                if (n <= 0)
                        return n < 0; /* not to be known: rather kept */
                if (!is_zero(o->pages, (size_t)n))
                        return true;
        }
        return false;
}

static int open_slot(Search *o, unsigned index, Head *head)
{
        Lane *l = o->lane;
        _cleanup_free_ char *path = lane_slot_path(l, index);
        int64_t size;
        Slot *slot;
        int fd;

        if (!path)
                return -ENOMEM;
        fd = foreign_open(o->disk, path, O_RDWR);
        size = fd < 0 ? 0 : disk_size(o->disk, fd);
        if (fd >= 0)
                disk_forget(o->disk, fd);
        /* What lies behind the largest slot is not ours, and a size_t may not hold it. */
        slot = lane_add_slot(l, index, fd, (size_t)CLAMP(size / PAGE_BYTES, (int64_t)0, (int64_t)SLOT_PAGES_MAX));
        if (!slot) {
                disk_close(o->disk, fd);
                return -ENOMEM;
        }
        head->slot = slot;
        if (fd < 0 || size < 0)
                return cannot_open(o, slot, path, fd < 0 ? fd : (int)size);
        look_at(o, head, path);
        if (slot->state == SLOT_FREE && is_foreign(o, slot, size)) {
                slot->state = SLOT_ALIEN;
                foreign_note(o->found, path, "is no file of the queue; left alone: move it away, if you do not know "
                                             "it");
        }
        if (slot->state == SLOT_FREE && lane_is_short(l, slot)) {
                /* half made when the power went, or of a smaller size */
                slot->fd = disk_close(o->disk, slot->fd);
                (void)disk_unlink(o->disk, path);
                free(slot);
                l->n_slots--;
                head->slot = NULL;
        }
        return 0;
}

static void tell_bad_heads(Search *o, const Head *heads, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                _cleanup_free_ char *path = heads[i].good ? NULL : lane_slot_path(o->lane, heads[i].slot->index);

                if (path)
                        foreign_note(o->found, path, "page 0 is bad (byte 0); what the other pages hold is served");
        }
}

int lane_files_open(Search *o)
{
        Lane *l = o->lane;
        _cleanup_free_ Head *heads = NULL;
        size_t n = 0;
        int r;

        r = disk_list(o->disk, l->path, collect, o);
        if (r < 0)
                return r;
        if (o->error < 0)
                return o->error;
        heads = calloc(o->n_indexes + 1, sizeof(*heads));
        if (!heads)
                return -ENOMEM;
        for (size_t i = 0; i < o->n_indexes; i++) {
                heads[n] = (Head){};
                r = open_slot(o, o->indexes[i], &heads[n]);
                if (r < 0)
                        return r;
                if (o->newer)
                        return 0;
                if (heads[n].slot && heads[n].slot->state == SLOT_USED)
                        n++;
        }
        if (n == 0)
                return 0;
        qsort(heads, n, sizeof(*heads), by_segno);
        tell_bad_heads(o, heads, n);
        fill_tables(heads, n);
        lane_scan_newest(o, heads, n);
        return o->error;
}
