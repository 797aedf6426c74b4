/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/disk-rehearsal.h"
#include "queue/archive-core.h"

/* A rehearsal throws no dice: what it would draw is no identity that anything has. */
#define NO_IDENTITY 1

static uint64_t draw_nothing(void *userdata)
{
        return NO_IDENTITY;
}

static const Random no_random = {.draw = draw_nothing};

/* ---- life ---- */

static int by_generation(const void *a, const void *b)
{
        const Slot *x = *(Slot *const *)a, *y = *(Slot *const *)b;

        if (x->lane->which != y->lane->which)
                return x->lane->which < y->lane->which ? -1 : 1;
        if (slot_holds(x) != slot_holds(y))
                return slot_holds(x) ? -1 : 1;
        if (x->segno != y->segno)
                return x->segno < y->segno ? -1 : 1;
        return x->index < y->index ? -1 : x->index > y->index;
}

static int sort_slots(Archive *a)
{
        size_t n = 0;

        for (int i = 0; i < _QUEUE_LANE_MAX; i++)
                n += a->opening->lanes[i] ? a->opening->lanes[i]->n_slots : 0;
        a->slots = calloc(n + 1, sizeof(*a->slots));
        if (!a->slots)
                return -ENOMEM;
        for (int i = 0; i < _QUEUE_LANE_MAX; i++) {
                const Lane *l = a->opening->lanes[i];

                for (size_t k = 0; l && k < l->n_slots; k++)
                        a->slots[a->n_slots++] = l->slots[k];
        }
        qsort(a->slots, a->n_slots, sizeof(*a->slots), by_generation);
        return 0;
}

typedef struct Lanes {
        bool any, urgent; /* a store of dead letters has no urgent one */
} Lanes;

static void look_for_lane(void *userdata, const char *name)
{
        Lanes *lanes = userdata;

        lanes->urgent |= strcmp(name, "urgent") == 0;
        lanes->any |= lanes->urgent || strcmp(name, "normal") == 0;
}

/* What is not there must not pass for an empty queue: it is a slip of the pen, most likely. */
static int look_for_lanes(const char *directory, Disk *disk, unsigned *ret, char reason[static ARCHIVE_REASON_MAX])
{
        Lanes lanes = {};
        int r = disk_list(disk, directory, look_for_lane, &lanes);

        *ret = lanes.urgent ? QUEUE_LANE_URGENT + 1 : QUEUE_LANE_NORMAL + 1;
        if (r < 0)
                (void)snprintf(reason, ARCHIVE_REASON_MAX, "cannot read %.200s: %s", directory, strerror(-r));
        else if (!lanes.any) {
                (void)snprintf(reason, ARCHIVE_REASON_MAX, "no queue is in %.200s: it has neither normal/ nor urgent/",
                               directory);
                r = -ENOENT;
        }
        return r;
}

static int rehearse(Archive *a, const char *directory, unsigned n_lanes, char reason[static ARCHIVE_REASON_MAX])
{
        const char *denied;
        LaneHost host = {
                .disk = a->disk,
                .clock = &clock_system,
                .random = &no_random,
                .n_lanes = n_lanes,
                .tries = UINT_MAX, /* nobody will try again: what cannot be read now is lost */
        };
        int r = opening_new(&a->opening, &host, directory);

        if (r < 0)
                return r;
        opening_work(&a->opening->job, a->disk);
        denied = disk_rehearsal_denied(a->disk);
        /* What may not be read must not pass for what is not there. */
        if (denied && a->opening->error != -EWOULDBLOCK) {
                (void)snprintf(reason, ARCHIVE_REASON_MAX,
                               "%.180s may not be read: be root or the owner of the queue's files", denied);
                return -EACCES;
        }
        if (a->opening->error < 0) {
                (void)snprintf(reason, ARCHIVE_REASON_MAX, "%s", a->opening->reason);
                return a->opening->error;
        }
        for (int i = 0; i < _QUEUE_LANE_MAX; i++)
                for (int k = 0; k < LANE_NOTES; k++)
                        a->notes[i][k] = a->opening->found[i].notes[k];
        r = opening_streams(a->opening, a->streams);
        return r < 0 ? r : sort_slots(a);
}

int archive_open(Archive **ret, const char *directory, Disk *disk, char reason[static ARCHIVE_REASON_MAX])
{
        unsigned n_lanes;
        Archive *a;
        int r;

        lane_reason(reason, -ENOMEM, "open", directory);
        r = look_for_lanes(directory, disk, &n_lanes, reason);
        if (r < 0)
                return r;
        a = calloc(1, sizeof(*a));
        r = a ? disk_rehearsal_new(&a->disk, disk) : -ENOMEM;
        if (r == 0)
                r = rehearse(a, directory, n_lanes, reason);
        if (r < 0) {
                (void)archive_free(a);
                return r;
        }
        *ret = a;
        return 0;
}

Archive *archive_free(Archive *a)
{
        if (!a)
                return NULL;
        for (unsigned id = 0; id < RECORD_STREAMS; id++)
                if (a->streams[id]) {
                        stream_done(a->streams[id]);
                        free(a->streams[id]);
                }
        free(a->slots);
        (void)opening_free(a->opening);
        (void)disk_free(a->disk);
        free(a);
        return NULL;
}

/* ---- lanes ---- */

typedef struct Quarantine {
        const Archive *archive;
        const char *path;
        ArchiveLane *ret;
} Quarantine;

static void weigh(void *userdata, const char *name)
{
        Quarantine *q = userdata;
        char path[PATH_MAX];
        int64_t size;
        int fd;

        if (name[0] == '.')
                return;
        q->ret->n_quarantined++;
        if (snprintf(path, sizeof(path), "%s/%s", q->path, name) >= (int)sizeof(path))
                return;
        fd = disk_open(q->archive->disk, path, O_RDONLY);
        size = fd < 0 ? 0 : disk_size(q->archive->disk, fd);
        q->ret->quarantined_bytes += size > 0 ? (uint64_t)size : 0;
        disk_close(q->archive->disk, fd);
}

bool archive_lane(const Archive *a, QueueLane lane, ArchiveLane *ret)
{
        const LaneFound *found = &a->opening->found[lane];
        const Lane *l = a->opening->lanes[lane];
        char path[PATH_MAX];

        if (!l)
                return false;
        *ret = (ArchiveLane){
                .path = l->path,
                .identity = l->identity == NO_IDENTITY ? 0 : l->identity,
                .epoch = a->opening->found[lane].epoch,
                .commit = l->commit,
                .notes = a->notes[lane],
                .n_notes = MIN(found->n_notes, (unsigned)LANE_NOTES),
                .n_more_notes = found->n_notes - MIN(found->n_notes, (unsigned)LANE_NOTES),
                .n_slots = l->n_slots,
                .bytes = lane_bytes(l),
                .sequence = a->opening->found[lane].settled.sequence,
        };
        if (snprintf(path, sizeof(path), "%s/quarantine", l->path) < (int)sizeof(path))
                (void)disk_list(a->disk, path, weigh, &(Quarantine){a, path, ret});
        return true;
}

/* ---- slots ---- */

size_t archive_n_slots(const Archive *a)
{
        return a->n_slots;
}

/* An opening does not care how full the older slots are; a person does. */
static size_t pages_used(const Archive *a, const Slot *slot)
{
        uint8_t bytes[PAGE_BYTES];
        Page page;

        for (size_t n = slot->n_pages; n > 0; n--)
                if (disk_read(a->disk, slot->fd, bytes, PAGE_BYTES, (uint64_t)(n - 1) * PAGE_BYTES) == PAGE_BYTES &&
                    page_open(bytes, &page) == 0 && slot_owns(slot, &page) && page.lane == slot->lane->identity)
                        return n;
        return 0;
}

static ArchiveSlotState state_of(const Archive *a, const Slot *slot)
{
        if (slot->state == SLOT_FREE)
                return ARCHIVE_SLOT_FREE;
        if (!slot_holds(slot))
                return ARCHIVE_SLOT_ALIEN;
        return slot_is_settled(slot, a->streams) ? ARCHIVE_SLOT_SETTLED : ARCHIVE_SLOT_WAITING;
}

void archive_slot(const Archive *a, size_t i, ArchiveSlot *ret)
{
        const Slot *slot = a->slots[i];

        *ret = (ArchiveSlot){
                .lane = slot->lane->which,
                .state = state_of(a, slot),
                .segno = slot->segno,
                .epoch = slot->epoch,
                .n_pages = slot->n_pages,
        };
        (void)snprintf(ret->name, sizeof(ret->name), "seg-%04u", slot->index);
        if (!slot_holds(slot))
                return;
        ret->n_used = pages_used(a, slot);
        for (unsigned id = 0; id < RECORD_STREAMS; id++)
                if (slot->first[id] != 0 && slot->end[id] > slot->first[id]) {
                        ret->numbers[id].first = slot->first[id];
                        ret->numbers[id].last = slot->end[id] - 1;
                }
}

/* ---- streams ---- */

unsigned archive_n_streams(const Archive *a)
{
        return RECORD_STREAMS;
}

static const Checkpoint *newest(const Archive *a)
{
        const Checkpoint *best = &a->opening->found[0].settled;

        for (int i = 1; i < _QUEUE_LANE_MAX; i++)
                if (a->opening->found[i].settled.sequence > best->sequence)
                        best = &a->opening->found[i].settled;
        return best;
}

static uint64_t counted(const Stream *s, unsigned tag)
{
        uint64_t n = s->counts[tag];

        for (size_t i = 0; i < s->settled.n; i++)
                if (s->settled.items[i].tag == tag)
                        n += s->settled.items[i].last - s->settled.items[i].first + 1;
        return n;
}

static uint64_t told(const Checkpoint *c, unsigned id, unsigned tag)
{
        uint64_t n = c->streams[id].low > 0 ? c->streams[id].counts[tag] : 0;

        for (size_t i = 0; i < c->n_ranges; i++)
                if (c->ranges[i].id == id && c->ranges[i].tag == tag)
                        n += c->ranges[i].last - c->ranges[i].first + 1;
        return n;
}

static const char *outcome_of(unsigned tag)
{
        return tag < _OUTCOME_MAX ? outcome_to_string((Outcome)tag) : "torn";
}

bool archive_stream(const Archive *a, unsigned stream, ArchiveStream *ret)
{
        const Stream *s = stream < RECORD_STREAMS ? a->streams[stream] : NULL;
        const Checkpoint *c = newest(a);

        if (!s)
                return false;
        *ret = (ArchiveStream){
                .name = s->name,
                .lane = s->lane,
                .next = s->next,
                .low = s->low,
                .n_torn = counted(s, CHECKPOINT_TORN),
        };
        stream_ledger(s, &ret->ledger);
        ret->newly_torn = ret->n_torn - MIN(told(c, s->id, CHECKPOINT_TORN), ret->n_torn);
        ret->newly_lost = ret->ledger.settled[OUTCOME_DAMAGED] -
                          MIN(told(c, s->id, OUTCOME_DAMAGED), ret->ledger.settled[OUTCOME_DAMAGED]);
        for (size_t i = 0; i < a->opening->notices.n_items; i++)
                ret->n_notices += a->opening->notices.items[i].id == s->id;
        for (size_t i = 0; i < s->settled.n && ret->n_ranges < ARCHIVE_RANGES_MAX; i++) {
                const Range *r = &s->settled.items[i];

                ret->ranges[ret->n_ranges].first = r->first;
                ret->ranges[ret->n_ranges].last = r->last;
                ret->ranges[ret->n_ranges++].outcome = outcome_of(r->tag);
        }
        return true;
}
