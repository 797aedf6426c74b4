/* SPDX-License-Identifier: Apache-2.0 */

/* Every page of every slot, in the order of their generations. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "queue/archive-walk.h"

#define CHUNK_PAGES 64 /* read at once */

const char *archive_fault_to_string(ArchiveFault fault)
{
        static const char *const words[_ARCHIVE_FAULT_MAX] = {
                [ARCHIVE_UNREADABLE] = "the disk does not give this page",
                [ARCHIVE_BAD_PAGE] = "the checksum of this page is wrong",
                [ARCHIVE_LOST_WRITE] = "a page that was written is not there",
                [ARCHIVE_FOREIGN] = "a page of another queue, or of a newer hublink",
                [ARCHIVE_BAD_HEAD] = "the first page of this file does not tell what numbers it holds",
                [ARCHIVE_BAD_RECORD] = "a record that is not understood, in a page that is whole",
                [ARCHIVE_BAD_BODY] = "the body of a large record is not whole",
                [ARCHIVE_BAD_ORDER] = "commits that do not follow one another",
                [ARCHIVE_MISSING] = "records that wait are in no page",
                [ARCHIVE_BAD_IDENTITY] = "the identity of the lane cannot be read here",
                [ARCHIVE_NO_LANE] = "no lane that this hublink can read is here",
        };

        return fault < _ARCHIVE_FAULT_MAX ? words[fault] : "";
}

/* ---- findings ---- */

void walk_tell(Walk *w, const ArchiveFinding *finding)
{
        if (finding->harmless)
                w->totals.harmless++;
        else
                w->totals.damaged++;
        if (finding->stream)
                w->totals.missing += finding->last - finding->first + 1;
        if (w->visitor->finding)
                w->visitor->finding(w->visitor->userdata, finding);
}

void walk_tell_page(Walk *w, ArchiveFault fault, size_t page, size_t at, bool harmless)
{
        walk_tell(w, &(ArchiveFinding){
                        .fault = fault,
                        .harmless = harmless,
                        .path = w->path,
                        .offset = (uint64_t)page * PAGE_BYTES + at,
                });
}

/* ---- pages ---- */

static PageState look(const Walk *w, const uint8_t *bytes, Page *ret)
{
        int r = page_open(bytes, ret);

        if (r == PAGE_E_NEWER)
                return PAGE_IS_FOREIGN;
        if (r != 0)
                return page_is_blank(bytes) ? PAGE_IS_BLANK : PAGE_IS_BAD;
        if (ret->lane != w->slot->lane->identity)
                return PAGE_IS_FOREIGN;
        return slot_owns(w->slot, ret) ? PAGE_IS_GOOD : PAGE_IS_OLD;
}

static void walk_page(Walk *w, const uint8_t *bytes, size_t i)
{
        Page page = {};
        PageState state = bytes ? look(w, bytes, &page) : PAGE_IS_UNREAD;

        w->pages[i] = (Seen){.state = (uint8_t)state};
        w->totals.pages++;
        if (w->big_open && (state != PAGE_IS_GOOD || page.kind != PAGE_CONT))
                walk_body_end(w);
        if (state != PAGE_IS_GOOD)
                return;
        w->pages[i].epoch = page.epoch;
        w->pages[i].commit = page.commit;
        w->pages[i].page_in_commit = (uint16_t)page.page_in_commit;
        w->pages[i].pages_in_commit = (uint16_t)page.pages_in_commit;
        if (page.kind == PAGE_CONT)
                walk_body(w, bytes, &page);
        else if (page.kind == PAGE_DATA || page.kind == PAGE_HEAD)
                walk_records(w, bytes, &page, i);
}

/* ---- slots ---- */

static bool any_numbers(const Slot *slot)
{
        for (unsigned id = 0; id < RECORD_STREAMS; id++)
                if (slot->first[id] != 0)
                        return true;
        return false;
}

static void slot_starts(Walk *w)
{
        for (unsigned id = 0; id < RECORD_STREAMS; id++)
                w->next_n[id] = w->slot->first[id];
}

static bool slot_ends(Walk *w)
{
        bool missing = false;

        if (!w->next || w->slot->joined)
                return false;
        for (unsigned id = 0; id < RECORD_STREAMS; id++)
                if (w->next_n[id] != 0)
                        missing |= walk_tell_missing(w, id, w->next_n[id], w->slot->end[id], w->slot->n_pages - 1);
        return missing;
}

static int walk_chunk(Walk *w, size_t first, size_t n)
{
        ssize_t got = disk_read(w->archive->disk, w->slot->fd, w->chunk, n * PAGE_BYTES, (uint64_t)first * PAGE_BYTES);

        for (size_t i = 0; i < n && w->result == 0; i++) {
                uint8_t *bytes = w->chunk + i * PAGE_BYTES;
                ssize_t one = got < 0 ? disk_read(w->archive->disk, w->slot->fd, bytes, PAGE_BYTES,
                                                  (uint64_t)(first + i) * PAGE_BYTES) :
                                        got - (ssize_t)(i * PAGE_BYTES);

                walk_page(w, one >= PAGE_BYTES ? bytes : NULL, first + i);
        }
        if (w->visitor->progress && w->result == 0)
                w->visitor->progress(w->visitor->userdata, w->totals.pages, w->n_pages);
        return w->result;
}

static int walk_slot(Walk *w)
{
        const Slot *slot = w->slot;
        bool bad_head;
        int r = 0;

        if (slot->n_pages > w->pages_allocated) {
                Seen *more = reallocarray(w->pages, slot->n_pages, sizeof(*more));

                if (!more)
                        return -ENOMEM;
                w->pages = more;
                w->pages_allocated = slot->n_pages;
        }
        slot_starts(w);
        for (size_t first = 0; first < slot->n_pages && r == 0; first += CHUNK_PAGES)
                r = walk_chunk(w, first, MIN(slot->n_pages - first, (size_t)CHUNK_PAGES));
        if (r < 0)
                return r;
        if (w->big_open)
                walk_body_end(w);
        bad_head = slot->n_pages > 0 && w->pages[0].state == PAGE_IS_GOOD && w->next && !any_numbers(slot) &&
                   any_numbers(w->next);
        walk_judge(w, slot_ends(w));
        if (bad_head)
                walk_tell_page(w, ARCHIVE_BAD_HEAD, 0, 0, false);
        return w->result;
}

/* ---- lanes ---- */

static int walk_identity(Walk *w, const Lane *l)
{
        _cleanup_free_ char *path = NULL;
        bool any = false;
        int fd;

        if (asprintf(&path, "%s/lane", l->path) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        fd = disk_open(w->archive->disk, path, O_RDONLY);
        for (size_t i = 0; i < w->archive->n_slots; i++)
                any |= w->archive->slots[i]->lane == l && slot_holds(w->archive->slots[i]);
        for (unsigned i = 0; i < 2 && (fd >= 0 || any); i++) {
                Page page;

                if (fd >= 0 &&
                    disk_read(w->archive->disk, fd, w->chunk, PAGE_BYTES, (uint64_t)i * PAGE_BYTES) == PAGE_BYTES &&
                    page_open(w->chunk, &page) == 0 && page.kind == PAGE_IDENTITY && page.lane == l->identity)
                        continue;
                walk_tell(w, &(ArchiveFinding){
                                .fault = ARCHIVE_BAD_IDENTITY,
                                .path = path,
                                .offset = i * PAGE_BYTES,
                        });
        }
        disk_close(w->archive->disk, fd);
        return 0;
}

/* What an opening would set aside must not pass for whole because nothing of it is read. */
static bool is_there(Walk *w, const Lane *l)
{
        int fd = disk_open(w->archive->disk, l->path, O_RDONLY);

        if (fd == -ENOENT)
                walk_tell(w, &(ArchiveFinding){.fault = ARCHIVE_NO_LANE, .path = l->path});
        disk_close(w->archive->disk, fd);
        return fd != -ENOENT;
}

static int walk_lane(Walk *w, const Lane *l)
{
        Slot *const *slots = w->archive->slots;
        size_t n = w->archive->n_slots;
        int r = is_there(w, l) ? walk_identity(w, l) : 0;

        memset(w->met, 0, sizeof(w->met));
        memset(w->names, 0, sizeof(w->names));
        for (size_t i = 0; i < n && r == 0; i++) {
                if (slots[i]->lane != l || !slot_holds(slots[i]))
                        continue;
                w->slot = slots[i];
                w->next = i + 1 < n && slots[i + 1]->lane == l && slot_holds(slots[i + 1]) ? slots[i + 1] : NULL;
                w->path = lane_slot_path(l, slots[i]->index);
                r = w->path ? walk_slot(w) : -ENOMEM;
                free(TAKE_PTR(w->path));
        }
        return r;
}

int archive_walk(Archive *a, const ArchiveVisitor *visitor, ArchiveTotals *ret)
{
        Walk w = {.archive = a, .visitor = visitor};
        int r = 0;

        w.chunk = malloc(CHUNK_PAGES * PAGE_BYTES);
        if (!w.chunk)
                return -ENOMEM;
        for (size_t i = 0; i < a->n_slots; i++)
                w.n_pages += slot_holds(a->slots[i]) ? a->slots[i]->n_pages : 0;
        for (int i = 0; i < _QUEUE_LANE_MAX && r == 0; i++)
                if (a->opening->lanes[i])
                        r = walk_lane(&w, a->opening->lanes[i]);
        free(w.body);
        free(w.pages);
        free(w.chunk);
        if (ret)
                *ret = w.totals;
        return r;
}
