/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/opening.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/log-id.h"
#include "queue/foreign.h"
#include "queue/lane-scan.h"

int opening_new(Opening **ret, const LaneHost *host, const char *directory)
{
        Opening *o = calloc(1, sizeof(*o));

        if (!o)
                return -ENOMEM;
        o->host = *host;
        o->directory = strdup(directory);
        if (!o->directory) {
                free(o);
                return -ENOMEM;
        }
        o->job = (DiskJob){.work = opening_work, .dropped = opening_dropped};
        *ret = o;
        return 0;
}

static void free_lanes(Opening *o)
{
        for (int i = 0; i < _QUEUE_LANE_MAX; i++)
                o->lanes[i] = lane_free(o->lanes[i]);
}

Opening *opening_free(Opening *o)
{
        if (!o)
                return NULL;
        free_lanes(o);
        for (int i = 0; i < _QUEUE_LANE_MAX; i++)
                lane_found_done(&o->found[i]);
        free(o->directory);
        free(o->aside);
        free(o);
        return NULL;
}

/* A table that was made of its neighbours' promises numbers that another lane may have: their cursor would count
 * them as lost. This reads whole slots, but only where a stream has changed lanes and a slot between is gone. */
static void tell_lanes_apart(Opening *o)
{
        uint32_t once = 0, twice = 0;

        for (unsigned i = 0; i < o->host.n_lanes; i++)
                for (unsigned id = 0; id < RECORD_STREAMS; id++)
                        if (o->lanes[i]->end[id] != 0) {
                                twice |= once & 1u << id;
                                once |= 1u << id;
                        }
        for (unsigned i = 0; i < o->host.n_lanes && twice != 0 && o->error == 0; i++) {
                o->error = lane_scan_guessed(o->lanes[i], twice);
                if (o->error < 0)
                        lane_reason(o->reason, o->error, "read", o->lanes[i]->path);
        }
}

static void open_lanes(Opening *o)
{
        for (unsigned i = 0; i < o->host.n_lanes && o->error == 0; i++)
                o->error = lane_open(&o->lanes[i], &o->host, o->directory, (QueueLane)i, &o->found[i], o->reason);
}

/* ---- lanes of a later version ---- */

static bool any_newer(const Opening *o)
{
        bool any = false;

        for (unsigned i = 0; i < o->host.n_lanes; i++)
                any |= o->found[i].newer;
        return any;
}

static void put_aside(Opening *o, bool newer, unsigned number, const char *what)
{
        for (unsigned i = 0; i < o->host.n_lanes && o->error == 0; i++) {
                const Lane *l = o->lanes[i];

                if (o->found[i].newer != newer || (!newer && l->n_slots == 0))
                        continue;
                o->error = foreign_put_aside(o->host.disk, &o->found[i], l->path, "newer", number, what);
                if (o->error < 0)
                        lane_reason(o->reason, o->error, "set aside", l->path);
        }
}

/* What a later version wrote is out of our reach, but must not be harmed, nor keep us from collecting. The other lanes
 * go with it: each knows of the numbers of all. Left behind, they would count what it holds as lost, and give its
 * numbers to other records; and put back beside them it would not be sent any more. Those that we can read go first, so
 * that an opening which does not come to its end leaves one to the next that tells the same. */
static void begin_anew(Opening *o)
{
        unsigned number = (unsigned)o->host.random->draw(o->host.random->userdata);

        put_aside(o, false, number,
                  "goes with what a newer hublink wrote: put both back together, for what waits in it");
        put_aside(o, true, number,
                  "was written by a newer hublink: upgrade it, and put this back, with all that has its number, for "
                  "what waits in it");
        free_lanes(o);
        open_lanes(o);
}

/* By name, so that it is the same one each time. Without memory it is not told of. */
static void note_aside(void *userdata, const char *name)
{
        Opening *o = userdata;
        char *path;

        if (!strstr(name, "-newer-") || asprintf(&path, "%s/%s", o->directory, name) < 0)
                return;
        if (!o->aside || strcmp(path, o->aside) < 0) {
                free(o->aside);
                o->aside = path;
        } else {
                free(path);
        }
}

void opening_work(DiskJob *job, Disk *disk)
{
        Opening *o = container_of(job, Opening, job);

        (void)disk_boot_id(disk, o->host.boot);
        open_lanes(o);
        if (o->error == 0 && any_newer(o))
                begin_anew(o);
        if (o->error == 0)
                tell_lanes_apart(o);
        if (o->error == 0)
                (void)disk_list(disk, o->directory, note_aside, o);
        if (o->error < 0)
                free_lanes(o);
}

void opening_dropped(DiskJob *job)
{
        (void)opening_free(container_of(job, Opening, job));
}

/* ---- merging ---- */

static const Checkpoint *newest(const Opening *o)
{
        const Checkpoint *best = &o->found[0].settled;

        for (int i = 1; i < _QUEUE_LANE_MAX; i++)
                if (o->found[i].settled.sequence > best->sequence)
                        best = &o->found[i].settled;
        return best;
}

/* The newest checkpoint has the table; of boots that began after it, their openings tell. Older ones that an opening
 * tells of and the table does not hold are done with. */
void opening_boots(const Opening *o, Boots *ret)
{
        const Checkpoint *settled = newest(o);
        uint32_t last = settled->n_boots > 0 ? settled->boots[0].ordinal : 0;

        *ret = (Boots){};
        for (size_t i = settled->n_boots; i-- > 0;)
                boots_add(ret, &settled->boots[i]);
        for (unsigned i = 0; i < o->host.n_lanes; i++)
                for (size_t k = 0; k < o->found[i].boots.n; k++)
                        if (o->found[i].boots.boots[k].ordinal >= last)
                                boots_add(ret, &o->found[i].boots.boots[k]);
}

/* When its records were appended, as far as the slots tell: none before its slot was begun. */
static void mark_slots(Stream *s, const Lane *lane)
{
        const Slot *slot = NULL;

        while ((slot = lane_next_slot(lane, slot)))
                if (slot->first[s->id] != 0 && slot->begun.boot != 0 &&
                    (s->n_marks == 0 || slot->first[s->id] > s->marks[s->n_marks - 1].n))
                        stream_mark(s, slot->first[s->id], slot->begun);
}

static int restore_settled(Stream *s, const Checkpoint *c)
{
        const CheckpointStream *said = &c->streams[s->id];
        int r;

        if (said->low > 0) {
                s->low = said->low;
                memcpy(s->counts, said->counts, sizeof(s->counts));
        }
        for (size_t i = 0; i < c->n_ranges; i++)
                if (c->ranges[i].id == s->id) {
                        r = stream_settle(s, c->ranges[i].first, c->ranges[i].last, c->ranges[i].tag, NULL, NULL);
                        if (r < 0)
                                return r;
                }
        return 0;
}

/* The first piece of [first, last] that the slots of a lane hold. */
static bool lane_overlap(const Lane *l, unsigned id, uint64_t first, uint64_t last, uint64_t *ret_first,
                         uint64_t *ret_last)
{
        bool found = false;

        *ret_first = *ret_last = last;
        for (size_t i = 0; i < l->n_slots; i++) {
                const Slot *slot = l->slots[i];
                uint64_t from = MAX(first, slot->first[id]), to = MIN(last + 1, slot->end[id]);

                if (!slot_holds(slot) || slot->first[id] == 0 || from >= to || (found && from >= *ret_first))
                        continue;
                found = true;
                *ret_first = from;
                *ret_last = to - 1;
        }
        return found;
}

/* A lane takes for torn what is missing at its end; but the stream may have been in another lane meanwhile, and
 * what a checkpoint tells of was no part of a torn commit. */
static int settle_torn_range(Stream *s, const Opening *o, unsigned lane, uint64_t first, uint64_t last)
{
        int r = 0;

        while (r == 0 && first <= last) {
                uint64_t next = last + 1, after = last + 1, a, b;

                for (unsigned i = 0; i < o->host.n_lanes; i++)
                        if (i != lane && lane_overlap(o->lanes[i], s->id, first, last, &a, &b) && a < next) {
                                next = a;
                                after = b + 1;
                        }
                if (first < next)
                        r = stream_settle(s, first, next - 1, CHECKPOINT_TORN, NULL, NULL);
                first = after;
        }
        return r;
}

static int settle_torn(Stream *s, const Opening *o, unsigned lane)
{
        const Ranges *torn = &o->found[lane].torn[s->id];
        uint64_t told = 0;
        int r = 0;

        for (unsigned i = 0; i < o->host.n_lanes; i++)
                told = MAX(told, o->found[i].named[s->id]);
        for (size_t i = 0; i < torn->n && r == 0; i++)
                r = settle_torn_range(s, o, lane, MAX(torn->items[i].first, told), torn->items[i].last);
        return r;
}

typedef struct Lost {
        Opening *o;
        uint64_t first, last, n;
} Lost;

static void add_lost(void *userdata, const Stream *s, uint64_t first, uint64_t last, unsigned tag)
{
        Lost *lost = userdata;

        lost->first = lost->first ?: first;
        lost->last = last;
        lost->n += last - first + 1;
        (void)notices_settled(&lost->o->notices, s->id, first, last, (Outcome)tag, clock_boot(lost->o->host.clock));
}

/* Behind which file was it, as far as the others tell? */
static void tell_lost(const Opening *o, const Stream *s, const Lost *lost)
{
        const Lane *l = o->lanes[s->lane];
        const Slot *before = NULL;
        char where[48] = "";

        for (const Slot *slot = lane_next_slot(l, NULL); slot; slot = lane_next_slot(l, slot))
                if (slot->first[s->id] != 0 && slot->end[s->id] <= lost->first)
                        before = slot;
        if (before)
                (void)snprintf(where, sizeof(where), ", behind seg-%04u", before->index);
        log_line(LOG_ERR, LOG_ID_RECORD_DAMAGED, NULL,
                 "%s: %llu records of stream %s (%llu-%llu) are in no file any more: one is missing%s; counted as "
                 "dropped (damaged). Check the disk.",
                 l->path, (unsigned long long)lost->n, s->name, (unsigned long long)lost->first,
                 (unsigned long long)lost->last, where);
}

/* Every number lies in a slot or is settled; what does not was in a slot that is gone. */
static int settle_lost(Stream *s, Opening *o)
{
        uint64_t first, last, a, b;
        Ranges held = RANGES_NULL;
        Lost lost = {.o = o};
        int r = 0;

        for (unsigned i = 0; i < o->host.n_lanes; i++)
                for (size_t k = 0; k < o->lanes[i]->n_slots && r == 0; k++) {
                        const Slot *slot = o->lanes[i]->slots[k];

                        if (!slot_holds(slot) || slot->first[s->id] == 0 || slot->end[s->id] <= slot->first[s->id])
                                continue;
                        for (first = slot->first[s->id]; r == 0 && first < slot->end[s->id] &&
                                                         ranges_gap(&held, first, slot->end[s->id] - 1, &a, &b);
                             first = b + 1) {
                                r = ranges_reserve(&held, 1);
                                if (r == 0)
                                        ranges_put(&held, a, b, 0);
                        }
                }
        for (first = s->low; r == 0 && first < s->next && ranges_gap(&held, first, s->next - 1, &a, &last);
             first = last + 1)
                r = stream_settle(s, a, last, OUTCOME_DAMAGED, add_lost, &lost);
        ranges_done(&held);
        if (lost.n > 0)
                tell_lost(o, s, &lost);
        return r;
}

/* What the consumer of this stream had not heard of. */
static void restore_notices(const Stream *s, const Checkpoint *c, Opening *o)
{
        for (size_t i = 0; i < c->n_notices; i++) {
                Notice n = c->notices[i];

                if (n.id != s->id)
                        continue;
                if (n.n >= s->next)
                        n.n = 0;
                (void)notices_restore(&o->notices, &n, clock_boot(o->host.clock));
        }
}

int opening_streams(Opening *o, Stream *ret_streams[static RECORD_STREAMS])
{
        const Checkpoint *settled = newest(o);

        notices_init(&o->notices);
        for (unsigned id = 0; id < RECORD_STREAMS; id++) {
                QueueLane lane = QUEUE_LANE_NORMAL;
                uint64_t named = 0;
                Name name = {};
                Stream *s;
                int r;

                for (unsigned i = 0; i < o->host.n_lanes; i++) {
                        if (o->found[i].names[id][0] && o->found[i].named[id] >= named) {
                                memcpy(name, o->found[i].names[id], sizeof(name));
                                named = o->found[i].named[id];
                        }
                        if (o->lanes[i]->end[id] > o->lanes[lane]->end[id])
                                lane = (QueueLane)i;
                }
                if (!name[0] && MAX(o->found[0].next[id], o->found[1].next[id]) <= 1)
                        continue;
                /* The page that named it is gone, its records are not. */
                if (!name[0])
                        (void)snprintf(name, sizeof(name), "stream_%u", id);
                s = calloc(1, sizeof(*s));
                if (!s)
                        return -ENOMEM;
                ret_streams[id] = s;
                stream_init(s, name, id, (uint8_t)id, lane);
                s->next = MAX(MAX(o->found[0].next[id], o->found[1].next[id]), (uint64_t)1);
                s->durable = s->next;
                r = restore_settled(s, settled);
                s->expired = s->low == s->next;
                restore_notices(s, settled, o);
                for (unsigned i = 0; i < o->host.n_lanes; i++)
                        if (i != lane)
                                mark_slots(s, o->lanes[i]);
                mark_slots(s, o->lanes[lane]); /* where the newest are */
                for (unsigned i = 0; i < o->host.n_lanes && r == 0; i++)
                        r = settle_torn(s, o, i);
                if (r == 0)
                        r = settle_lost(s, o);
                if (r < 0)
                        return r;
        }
        return 0;
}
