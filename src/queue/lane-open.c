/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What an opening makes of a directory: the lane's lock and identity, and its slots (lane-files.c). Nothing that is
 * found can keep a lane from opening; only the system's refusal can, and what is withheld (foreign.h).
 *
 * A page that would not be read is neither blank nor torn. The opening fails then, and is tried again; only what
 * cannot be read for half a minute is taken for lost.
 */

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "queue/foreign.h"

void lane_found_done(LaneFound *found)
{
        for (size_t id = 0; id < RECORD_STREAMS; id++)
                ranges_done(&found->torn[id]);
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

static void in_use_reason(char reason[static LANE_REASON_MAX], const char *directory, pid_t holder)
{
        char pid[32] = "";

        if (holder > 0)
                (void)snprintf(pid, sizeof(pid), " (pid %lld)", (long long)holder);
        (void)snprintf(reason, LANE_REASON_MAX, "%s is in use by another process%s", directory, pid);
}

static int make_directories(Search *o, const char *directory, char reason[static LANE_REASON_MAX])
{
        int r = make_directory(o->disk, directory), below;

        if (r == -ENOENT && o->lane->host->nested) /* the queue says what keeps it from making that one */
                (void)snprintf(reason, LANE_REASON_MAX, "cannot make %s: the folder of the queue is not there",
                               directory);
        else if (r < 0)
                lane_reason(reason, r, "make", directory);
        if (r < 0)
                return r;
        below = make_directory(o->disk, o->lane->path);
        if (o->lane->host->nested && foreign_is(below) && !foreign_is_withheld(below) &&
            foreign_set_aside(o, directory, "foreign", foreign_what(below)) == 0 &&
            make_directory(o->disk, directory) == 0)
                below = make_directory(o->disk, o->lane->path);
        if (o->lane->host->nested && foreign_is_withheld(below))
                foreign_withheld_reason(reason, directory, directory);
        else if (below < 0)
                lane_reason(reason, below, "make", o->lane->path);
        return below;
}

static int open_directory(Search *o, const char *directory, char reason[static LANE_REASON_MAX])
{
        Lane *l = o->lane;
        _cleanup_free_ char *lock = NULL;
        int r;

        r = make_directories(o, directory, reason);
        if (r < 0)
                return r;
        l->dir_fd = disk_open(o->disk, l->path, O_RDONLY | O_DIRECTORY);
        if (foreign_is_withheld(l->dir_fd)) {
                foreign_withheld_reason(reason, l->path, directory);
                return l->dir_fd;
        }
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
        if (r == -EWOULDBLOCK)
                in_use_reason(reason, directory, disk_lock_holder(o->disk, l->lock_fd));
        else if (r < 0)
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
        if (o->newer)
                return 0;
        known = l->identity != 0;
        if (known)
                o->unread = 0; /* the other page of two tells the same */
        o->directory = directory;
        o->reason = reason;
        *reason = 0;
        r = lane_files_open(o);
        if (r == 0 && o->newer)
                return 0;
        if (r == 0 && o->unread < 0 && lane_scan_is_patient(o->lane))
                r = o->unread;
        if (r < 0) {
                if (!*reason)
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

/* What is no lane must not be harmed, nor keep us from collecting. Is it out of the way? */
static bool clear_the_way(Search *o, int error)
{
        return o->barred && foreign_set_aside(o, o->lane->path, "foreign", foreign_what(error)) == 0;
}

/* But the notes. */
static void clear_found(LaneFound *found)
{
        lane_found_done(found);
        memset(found, 0, offsetof(LaneFound, notes));
}

int lane_open(Lane **ret, LaneHost *host, const char *directory, QueueLane which, LaneFound *found,
              char reason[static LANE_REASON_MAX])
{
        for (int tries = 0;; tries++) {
                Search o = {.disk = host->disk, .found = found};
                bool again;
                int r;

                clear_found(found);
                lane_reason(reason, -ENOMEM, "open", directory);
                o.lane = lane_new(host, directory, which);
                o.pages = malloc(LANE_SCAN_PAGES * PAGE_BYTES);
                r = o.lane && o.pages ? open_lane(&o, directory, reason) : -ENOMEM;
                free(o.pages);
                free(o.indexes);
                if (r == 0) {
                        found->newer = o.newer;
                        *ret = o.lane;
                        return 0;
                }
                again = o.lane && tries == 0 && clear_the_way(&o, r);
                (void)lane_free(o.lane);
                if (again)
                        continue;
                clear_found(found);
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
