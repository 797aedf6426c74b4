/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What an opening makes of a directory: page 0 of each slot, and the newest slot as a whole. The backlog stays
 * where it is. Nothing that is found can keep a lane from opening; only the system's refusal can.
 *
 * A bad page 0 costs a look at the other pages of that slot, for its generation. Where its numbers begin is then
 * not known: it shares the table of the slot before it. The end of a crash is told from damage by the last commit:
 * if pages of it are missing, so are its receipts.
 *
 * A page that would not be read is neither blank nor torn. The opening fails then, and is tried again; only what
 * cannot be read for half a minute is taken for lost.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "queue/foreign.h"

void lane_found_done(LaneFound *found)
{
        for (size_t id = 0; id < RECORD_STREAMS; id++)
                ranges_done(&found->torn[id]);
}

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

static bool is_patient(const Search *o)
{
        return lane_scan_is_patient(o->lane);
}

/* Nothing could be read of it: not blank, but unknown. Out of the way if that does not pass, so that what it holds
 * never mixes with what comes after it. */
static void give_up(Search *o, Slot *slot, const char *path)
{
        slot->state = SLOT_ALIEN;
        if (!is_patient(o))
                (void)foreign_set_aside(o, path, "unread", "cannot be read, nothing of it: check the disk");
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
        if (r == PAGE_E_NEWER || (r == 0 && !adopt(o, &page))) {
                slot->state = SLOT_ALIEN;
                foreign_note(o->found, path, r == PAGE_E_NEWER ?
                                                     "was written by a newer hublink; left alone: upgrade hublink" :
                                                     "belongs to another queue; left alone: put it back there, or remove it");
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
        if (foreign_is(error) || error == -ENOENT) {
                slot->state = SLOT_ALIEN;
                foreign_note(o->found, path, error == -ENOENT ? "is a link to nowhere: remove it" : foreign_what(error));
                return 0;
        }
        if (error == -EIO || error == -EINTR) {
                o->unread = o->unread ?: error;
                give_up(o, slot, path);
                return 0;
        }
        return error; /* out of descriptors, read-only: not the slot's fault, however long it takes */
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

static int open_slots(Search *o)
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

/* ---- the lane's identity ---- */

static int read_identity(Search *o, const char *path)
{
        int fd = foreign_open(o->disk, path, O_RDWR);
        Page page;

        if (fd == -ENOENT || (foreign_is(fd) && foreign_set_aside(o, path, "foreign", foreign_what(fd)) == 0))
                return 0;
        if (fd < 0)
                return fd;
        for (int i = 0; i < 2; i++) {
                int r = lane_scan_read(o, fd, o->pages, 1, (size_t)i) == PAGE_BYTES ? page_open(o->pages, &page) :
                                                                                      PAGE_E_BAD;

                o->newer |= r == PAGE_E_NEWER;
                if (r == 0 && page.kind == PAGE_IDENTITY && page.lane != 0 && o->lane->identity == 0)
                        o->lane->identity = page.lane;
        }
        disk_close(o->disk, fd);
        return 0;
}

static int write_identity(Search *o, const char *path)
{
        Lane *l = o->lane;
        MeterUse *use = &l->host->use;
        struct iovec iov = {o->pages, 2 * PAGE_BYTES};
        int fd, r;

        for (int i = 0; i < 2; i++) {
                page_begin(o->pages + i * PAGE_BYTES, PAGE_IDENTITY);
                page_seal(o->pages + i * PAGE_BYTES,
                          &(Page){.kind = PAGE_IDENTITY, .used = PAGE_HEADER, .lane = l->identity});
        }
        fd = disk_open(o->disk, path, O_RDWR | O_CREAT);
        if (fd < 0)
                return fd;
        r = meter_write(use, o->disk, fd, &iov, 1, 0);
        if (r == 0)
                r = meter_sync_metadata(use, o->disk, fd);
        disk_close(o->disk, fd);
        return r;
}

/* At each opening: whoever made a file or the directory may have died before its name was on the disk, and what is
 * written there from now on must not go with the name. */
static int sync_names(Search *o, const char *directory)
{
        MeterUse *use = &o->lane->host->use;
        int r = meter_sync_metadata(use, o->disk, o->lane->dir_fd);
        int parent = r < 0 ? -1 : disk_open(o->disk, directory, O_RDONLY | O_DIRECTORY);

        if (parent >= 0) {
                r = meter_sync_metadata(use, o->disk, parent);
                disk_close(o->disk, parent);
        }
        return r;
}

/* ---- the directory ---- */

static int make_directory(Disk *disk, const char *path)
{
        int r = disk_mkdir(disk, path);

        return r == -EEXIST ? 0 : r;
}

static int open_directory(Search *o, const char *directory, char reason[static LANE_REASON_MAX])
{
        Lane *l = o->lane;
        _cleanup_free_ char *lock = NULL;
        int r;

        r = make_directory(o->disk, directory);
        if (r < 0) {
                lane_reason(reason, r, "make", directory);
                return r;
        }
        r = make_directory(o->disk, l->path);
        if (r < 0) {
                lane_reason(reason, r, "make", l->path);
                return r;
        }
        l->dir_fd = disk_open(o->disk, l->path, O_RDONLY | O_DIRECTORY);
        if (l->dir_fd < 0) {
                o->barred = foreign_is(l->dir_fd);
                lane_reason(reason, l->dir_fd, "open", l->path);
                return l->dir_fd;
        }
        if (asprintf(&lock, "%s/lock", l->path) < 0) {
                lock = NULL;
                return -ENOMEM;
        }
        l->lock_fd = foreign_open(o->disk, lock, O_RDWR | O_CREAT);
        if (foreign_is(l->lock_fd) && foreign_set_aside(o, lock, "foreign", foreign_what(l->lock_fd)) == 0)
                l->lock_fd = foreign_open(o->disk, lock, O_RDWR | O_CREAT);
        o->barred = foreign_is(l->lock_fd);
        r = l->lock_fd < 0 ? l->lock_fd : disk_lock(o->disk, l->lock_fd);
        if (r < 0)
                lane_reason(reason, r, "lock", lock);
        return r;
}

static int open_lane(Search *o, const char *directory, char reason[static LANE_REASON_MAX])
{
        Lane *l = o->lane;
        _cleanup_free_ char *identity = NULL;
        bool known;
        int r;

        r = open_directory(o, directory, reason);
        if (r < 0)
                return r;
        if (asprintf(&identity, "%s/lane", l->path) < 0) {
                identity = NULL;
                return -ENOMEM;
        }
        r = read_identity(o, identity);
        if (r < 0) {
                lane_reason(reason, r, "open", identity);
                return r;
        }
        if (o->newer && l->identity == 0)
                return 0;
        known = l->identity != 0;
        if (known)
                o->unread = 0; /* the other page of two tells the same */
        r = open_slots(o);
        if (r == 0 && o->unread < 0 && is_patient(o))
                r = o->unread;
        if (r < 0) {
                lane_reason(reason, r, "read", l->path);
                return r;
        }
        if (!known && l->segno != 0)
                foreign_note(o->found, identity, "was missing or bad; made anew after the pages of the slots");
        while (l->identity == 0)
                l->identity = l->host->random->draw(l->host->random->userdata);
        if (!known) {
                r = write_identity(o, identity);
                if (r < 0) {
                        lane_reason(reason, r, "write to", identity);
                        return r;
                }
        }
        r = sync_names(o, directory);
        if (r < 0)
                lane_reason(reason, r, "sync", l->path);
        return r;
}

static Lane *lane_new(LaneHost *host, const char *directory, QueueLane which)
{
        static const char *const names[_QUEUE_LANE_MAX] = {
                [QUEUE_LANE_NORMAL] = "normal",
                [QUEUE_LANE_URGENT] = "urgent",
        };
        Lane *l = calloc(1, sizeof(*l));

        if (!l)
                return NULL;
        l->host = host;
        l->disk = host->disk;
        l->which = which;
        l->lock_fd = l->dir_fd = l->making.fd = -1;
        l->dirty_usec = l->making.retry_usec = USEC_INFINITY;
        l->backoff = (Backoff){.first_usec = USEC_PER_SEC, .max_usec = USEC_PER_MIN, .floor_usec = USEC_PER_SEC};
        lane_cursors_init(l);
        l->flight.head = malloc(PAGE_BYTES);
        l->flight.carry = malloc(PAGE_BYTES);
        l->tail.page = malloc(PAGE_BYTES);
        l->scratch = malloc(sizeof(*l->scratch));
        if (asprintf(&l->path, "%s/%s", directory, names[which]) < 0)
                l->path = NULL;
        if (!l->flight.head || !l->flight.carry || !l->tail.page || !l->scratch || !l->path)
                return lane_free(l);
        return l;
}

/* A lane of a later version, or of somebody else, is out of our reach, but must not be harmed, nor keep us from
 * collecting. 1: it is out of the way; 0: it is not in the way, or stays there with the error that it gave. */
static int set_aside(Search *o, int error, char reason[static LANE_REASON_MAX])
{
        int r;

        if (o->barred)
                return foreign_set_aside(o, o->lane->path, "foreign", foreign_what(error)) == 0;
        if (error < 0 || !o->newer || o->lane->identity != 0)
                return 0;
        r = foreign_set_aside(o, o->lane->path, "newer",
                              "was written by a newer hublink: upgrade it, and put this back, for what waits in it");
        if (r < 0)
                lane_reason(reason, r, "set aside", o->lane->path);
        return r < 0 ? r : 1;
}

int lane_open(Lane **ret, LaneHost *host, const char *directory, QueueLane which, LaneFound *ret_found,
              char reason[static LANE_REASON_MAX])
{
        int r;

        for (int tries = 0;; tries++) {
                Search o = {.disk = host->disk, .found = ret_found};

                if (tries == 0)
                        *ret_found = (LaneFound){};
                lane_reason(reason, -ENOMEM, "open", directory);
                o.lane = lane_new(host, directory, which);
                o.pages = malloc(LANE_SCAN_PAGES * PAGE_BYTES);
                r = o.lane && o.pages ? open_lane(&o, directory, reason) : -ENOMEM;
                free(o.pages);
                free(o.indexes);
                if (o.lane && tries == 0) {
                        int aside = set_aside(&o, r, reason);

                        if (aside > 0) {
                                (void)lane_free(o.lane);
                                continue;
                        }
                        r = aside < 0 ? aside : r;
                }
                if (r == 0) {
                        *ret = o.lane;
                        return 0;
                }
                (void)lane_free(o.lane);
                lane_found_done(ret_found);
                return r;
        }
}

void lane_start(Lane *l)
{
        usec_t now = clock_boot(l->host->clock);

        l->commit_usec = l->checkpoint_usec = now;
        for (size_t i = 0; i < l->n_slots; i++) {
                Slot *slot = l->slots[i];

                if (slot->state != SLOT_USED || slot == l->current || !slot_is_settled(slot, l->host->streams))
                        continue;
                if (lane_is_short(l, slot))
                        lane_remove(l, slot);
                else
                        slot->state = SLOT_FREE;
        }
        lane_split(l);
}
