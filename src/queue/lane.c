/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/lane.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CHECKPOINT_IDLE_USEC (30 * USEC_PER_SEC) /* then it may cost a commit of its own */

/* ---- life ---- */

static void lane_destroy(Lane *l)
{
        for (size_t i = 0; i < l->n_slots; i++) {
                disk_close(l->disk, l->slots[i]->fd);
                free(l->slots[i]);
        }
        free(l->slots);
        if (l->making.under_way)
                disk_close(l->disk, l->making.fd);
        disk_close(l->disk, l->lock_fd);
        disk_close(l->disk, l->dir_fd);
        batch_done(&l->filling);
        batch_done(&l->flight.batch);
        lane_cursors_done(l);
        free(l->flight.head);
        free(l->flight.carry);
        free(l->tail.page);
        free(l->scratch);
        free(l->path);
        free(l);
}

/* On either thread; host is not there any more. */
void lane_orphan_ended(Lane *l)
{
        if (__atomic_sub_fetch(&l->n_orphans, 1, __ATOMIC_ACQ_REL) == 0)
                lane_destroy(l);
}

Lane *lane_free(Lane *l)
{
        if (!l)
                return NULL;
        l->n_orphans = 1 + l->flight.under_way + l->making.under_way + lane_cursors_reading(l) +
                       quarantine_pending(l);
        for (size_t i = 0; i < l->n_slots; i++)
                l->n_orphans += l->slots[i]->state == SLOT_GOING;
        if (l->flight.under_way)
                disk_abandon(l->disk, &l->flight.job);
        if (l->making.under_way)
                disk_abandon(l->disk, &l->making.job);
        lane_cursors_abandon(l);
        quarantine_leave(l);
        for (size_t i = 0; i < l->n_slots; i++)
                if (l->slots[i]->state == SLOT_GOING)
                        disk_abandon(l->disk, &l->slots[i]->removal);
        lane_orphan_ended(l);
        return NULL;
}

/* ---- trouble ---- */

void lane_answer_batch(Lane *l, Batch *b, int error)
{
        size_t n = b->n_receipts;

        b->n_receipts = b->n_asked = 0;
        b->is_shared = false;
        for (size_t i = 0; i < n; i++) {
                BatchReceipt *r = &b->receipts[i];

                r->receipt.fn(r->receipt.userdata, error, l->host->streams[r->id]->handle, l->host->epoch, r->n);
        }
}

void lane_answer(Lane *l, int error)
{
        lane_answer_batch(l, &l->flight.batch, error);
        lane_answer_batch(l, &l->filling, error);
}

static const char *remedy(int error)
{
        switch (error) {
        case ENOSPC:
        case EDQUOT:
                return "free some space, or lower queue.max_bytes";
        case EROFS:
                return "the file system is read-only: check the disk, then remount it writable";
        case EACCES:
        case EPERM:
                return "give the directory to the user that hublinkd runs as";
        case ENOENT:
                return "create the directory above it, or change queue.directory";
        case ENOTDIR:
        case EISDIR:
        case ELOOP:
        case ENXIO:
                return "move away what is in its place, or change queue.directory";
        case EMFILE:
        case ENFILE:
                return "raise the limit of open files";
        case ENOMEM:
                return "leave it more memory";
        default:
                return "check the disk and the kernel's log";
        }
}

void lane_reason(char reason[static LANE_REASON_MAX], int error, const char *what, const char *path)
{
        (void)snprintf(reason, LANE_REASON_MAX, "cannot %s %s: %s; %s", what ?: "use", path ?: "the queue",
                       strerrordesc_np(-error) ?: "unknown error", remedy(-error));
}

static void lost_from_ring(void *userdata, const Record *record)
{
        Lane *l = userdata;
        Moment appended = {boots_present(l->host->boots), record->boot_usec};

        if (stream_lose(l->host->streams[record->stream], record->n, appended, l->host->settled, l->host->userdata) ==
            0)
                lane_dirty(l);
}

/* What came back from a write that failed, and still lacks the memory to be put before the rest. */
static size_t pages_back(const Lane *l)
{
        return l->flight.under_way ? 0 : l->flight.batch.n_pages;
}

static void trim_ring(Lane *l, size_t pages)
{
        while (pages_back(l) + l->filling.n_pages > 0 && pages_back(l) + l->filling.n_pages + pages > LANE_RING_PAGES)
                batch_drop_page(pages_back(l) > 0 ? &l->flight.batch : &l->filling, lost_from_ring, l);
}

void lane_fail(Lane *l, int error, const char *what, const char *path)
{
        bool before = l->failed;

        l->failed = true;
        l->starved = false;
        l->attempts = 0;
        l->error = error;
        lane_reason(l->reason, error, what, path);
        l->retry_usec = usec_add(clock_boot(l->host->clock), backoff_next(&l->backoff, l->host->random));
        if (!before) /* first: whoever hears a refusal may ask for its reason */
                l->host->failed(l->host->userdata, l);
        lane_answer(l, error);
        trim_ring(l, 0);
}

/* ---- what is due ---- */

/*
 * A batch has room for records that somebody waits for, and as much again for all the others. It is full, and written
 * whatever that costs, when the others have filled theirs. Callers who fill theirs wait for a token, or for the
 * interval: so they neither force a commit by the size of what they bring nor take the room of sensors.
 */
static size_t batch_pages(const Lane *l)
{
        return MIN(l->host->slot_pages - record_cont_pages(QUEUE_PAYLOAD_MAX) - 4, (size_t)LANE_BATCH_PAGES);
}

static bool is_full(const Lane *l)
{
        return l->filling.n_pages - l->filling.n_asked >= batch_pages(l);
}

static bool is_full_of_asked(const Lane *l)
{
        return l->filling.n_asked >= batch_pages(l);
}

void lane_dirty(Lane *l)
{
        if (l->dirty_usec == USEC_INFINITY && l->segno != 0) /* a lane that never held anything has nothing to say */
                l->dirty_usec = clock_boot(l->host->clock);
}

/* When the batch is due, and when a checkpoint is although there is no batch. */
static usec_t batch_due(const Lane *l)
{
        usec_t due = usec_add(l->filling.since_usec, l->host->commit_interval_usec);

        if (l->filling.n_records == 0)
                return USEC_INFINITY;
        if (is_full(l))
                return 0;
        return l->urgent ? MIN(due, l->host->token_at(l->host->userdata)) : due;
}

static usec_t checkpoint_due(const Lane *l)
{
        if (l->dirty_usec == USEC_INFINITY)
                return USEC_INFINITY;
        return l->release ? usec_add(l->dirty_usec, l->host->commit_interval_usec)
                          : MAX(usec_add(l->commit_usec, CHECKPOINT_IDLE_USEC),
                                usec_add(l->dirty_usec, l->host->commit_interval_usec));
}

/* With a batch that waits for a slot: when a checkpoint is to free one. Without a slot none can be written. */
static usec_t release_due(const Lane *l)
{
        return l->release && l->current ? checkpoint_due(l) : USEC_INFINITY;
}

static usec_t work_due(const Lane *l)
{
        if (l->flight.under_way)
                return USEC_INFINITY; /* its end will tell */
        if (l->failed)
                return l->making.under_way ? USEC_INFINITY : l->retry_usec;
        if (l->starved)
                return MIN(release_due(l), l->making.retry_usec);
        if (pages_back(l) > 0)
                return 0;
        return MIN(MIN(batch_due(l), checkpoint_due(l)), l->making.retry_usec);
}

usec_t lane_deadline(const Lane *l)
{
        return MIN(MAX(work_due(l), l->memory_usec), lane_cursors_deadline(l));
}

/* To a free slot; if there is none a new one has to be made, whatever the limit says. */
static void retry(Lane *l, usec_t now)
{
        if (now < l->retry_usec || l->making.under_way)
                return;
        l->making.retry_usec = USEC_INFINITY;
        if (!lane_seal(l, true) && !l->flight.under_way && l->memory_usec == 0)
                lane_make(l);
}

static void work(Lane *l, usec_t now)
{
        if (l->flight.under_way || now < l->memory_usec)
                return;
        if (l->failed) {
                retry(l, now);
                return;
        }
        if (now >= l->making.retry_usec) {
                l->making.retry_usec = USEC_INFINITY;
                lane_prepare(l);
        }
        if (l->starved) {
                if (now >= release_due(l))
                        lane_seal_checkpoint_only(l);
                return;
        }
        if (pages_back(l) > 0) {
                (void)lane_seal(l, true);
        } else if (now >= batch_due(l)) {
                if (now < usec_add(l->filling.since_usec, l->host->commit_interval_usec) && !is_full(l))
                        l->host->take_tokens(l->host->userdata, 1);
                (void)lane_seal(l, false);
        } else if (now >= checkpoint_due(l))
                (void)lane_seal(l, true);
}

void lane_tick(Lane *l, usec_t now)
{
        lane_cursors_tick(l, now);
        work(l, now);
}

/* ---- in ---- */

/* If the write under way fails, its batch and this one go to a slot together. What is left of the others' room is not
 * for callers. */
static bool fits_a_slot(const Lane *l, size_t pages, bool asked)
{
        size_t others = l->filling.n_pages - l->filling.n_asked, room = batch_pages(l) - 1;
        size_t kept = asked && others < room ? room - others : 0;

        return l->flight.batch.n_pages + l->filling.n_pages + pages + kept + LANE_RESERVED_PAGES + 2 <=
               l->host->slot_pages;
}

/* Could the batch be written, now or after what the lane does by itself? */
static bool has_way_out(const Lane *l, size_t pages)
{
        size_t room = l->current ? l->current->n_pages - l->current->n_used : 0;
        bool frees = l->release || (l->flight.under_way && l->flight.checkpoint);

        return lane_has_free(l) || l->making.under_way ||
               l->filling.n_pages + pages + LANE_RESERVED_PAGES + 2 <= room ||
               (frees && l->host->makes_slots(l->host->userdata, l));
}

/* A stream that came back from another lane: a batch has no jumps inside. */
static bool would_jump(const Lane *l, unsigned id, uint64_t n)
{
        return l->filling.end[id] != 0 && l->filling.end[id] != n;
}

int lane_admits(const Lane *l, unsigned id, uint64_t n, size_t pages, bool asked)
{
        if (!l->failed && !has_way_out(l, pages))
                return QUEUE_E_FULL;
        if (!l->failed && (!fits_a_slot(l, pages, asked) || (asked ? is_full_of_asked(l) : is_full(l))))
                return QUEUE_E_BUSY;
        return would_jump(l, id, n) ? QUEUE_E_BUSY : 0;
}

void lane_make_way(Lane *l, unsigned id, uint64_t n, size_t pages)
{
        if (!l->failed && !has_way_out(l, pages))
                lane_prepare_now(l);
        if (would_jump(l, id, n))
                lane_hurry(l);
}

void lane_hurry(Lane *l)
{
        l->urgent = true;
}

/* In one batch, however much it is then: so they are written, or tried again, together. */
int lane_append(Lane *l, const Record *first, const struct iovec *payloads, size_t n, const QueueReceipt *receipt)
{
        int r;

        if (l->failed)
                trim_ring(l, record_pages_of(payloads, n));
        r = lane_announce(l, first->stream, first->boot_usec);
        if (r < 0)
                return r;
        r = batch_put_all(&l->filling, first, payloads, n, receipt);
        if (r < 0)
                return r;
        l->urgent |= receipt || l->which == QUEUE_LANE_URGENT;
        if (!l->failed && (is_full(l) || is_full_of_asked(l)))
                work(l, first->boot_usec);
        return 0;
}

bool lane_finish(Lane *l)
{
        l->finishing = true;
        if (l->failed && !l->tried_last) {
                l->tried_last = true;
                if (l->filling.n_records > 0 || l->flight.batch.n_records > 0) {
                        l->retry_usec = 0;
                        retry(l, 0);
                }
        } else if (!l->failed && !l->flight.under_way && !l->starved &&
                   (l->filling.n_pages > 0 || l->flight.batch.n_pages > 0 || l->dirty_usec != USEC_INFINITY))
                (void)lane_seal(l, true);
        return !l->flight.under_way && !l->making.under_way && !l->quarantine;
}
