/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How full the inbox is: by its settings, and by the disk. Whichever is short first, the hub keeps the rest, and
 * nothing else is to suffer from it: the link carries telemetry.
 *
 * What makes room needs some to be written down in: a message can be taken, completed, rejected or expire only with
 * records of it. So the last pages of the store are no room for arrivals, and the very last are for the ends alone.
 */

#include "base/log-id.h"
#include "base/log.h"
#include "flow/inbox-core.h"

#define LOOK_INTERVAL (10 * USEC_PER_SEC) /* as often as the queue asks for space */
#define NO_ROOM_FIRST USEC_PER_MIN
#define NO_ROOM_MAX   USEC_PER_HOUR
#define SETTLE_TIME   USEC_PER_SEC

/* Small records share pages, fifty of them and more; a commit of its own may begin another one. */
#define PAGES_KEPT         32 /* whatever waits, */
#define MESSAGES_OF_A_PAGE 8  /* and one for each so many that do */
#define PAGES_OF_A_MESSAGE 66 /* of the largest */

/* ---- in the store ---- */

/* What of the room is not for it. */
static size_t kept_from(const Inbox *x, InboxUse use)
{
        size_t kept = PAGES_KEPT + (x->index.n + x->n_arrivals) / MESSAGES_OF_A_PAGE;

        switch (use) {
        case INBOX_FOR_ARRIVAL:
                return kept;
        case INBOX_FOR_TIDYING:
                return kept / 2;
        case INBOX_FOR_TAKING:
                return kept / 4;
        default:
                return 0;
        }
}

bool inbox_room_allows(const Inbox *x, InboxUse use, size_t size)
{
        size_t room = queue_room(x->store, QUEUE_LANE_NORMAL), kept = kept_from(x, use);

        /* by the queue's own reckoning an end may find room that is not counted here */
        return use == INBOX_FOR_END || room == SIZE_MAX || room >= kept + queue_pages(size);
}

/* One that is asked for may be a large one. Twice that before they are asked for again: not to and fro. */
static bool has_room(const Inbox *x)
{
        size_t room = queue_room(x->store, QUEUE_LANE_NORMAL);

        return room >= kept_from(x, INBOX_FOR_ARRIVAL) + (x->wanted_by_us ? 1 : 2) * PAGES_OF_A_MESSAGE;
}

/* ---- one did not go in ---- */

/* All is reckoned up, and yet: whatever the reason, it costs the link, and must not do so too often. Others that came
 * with the first are no news. */
void inbox_no_room(Inbox *x)
{
        if (x->no_room_until > 0)
                return;
        x->no_room_usec = MIN(x->no_room_usec ? 2 * x->no_room_usec : NO_ROOM_FIRST, NO_ROOM_MAX);
        x->no_room_until = usec_add(clock_boot(x->clock), x->no_room_usec);
}

void inbox_room(Inbox *x)
{
        x->no_room_usec = 0;
        if (x->no_room_until > 0) /* the store needs a moment to make use of it */
                x->no_room_until = MIN(x->no_room_until, usec_add(clock_boot(x->clock), SETTLE_TIME));
}

/* Whoever filled the disk may have freed it; no end in the inbox says so. */
static void look_at_disk(Inbox *x)
{
        QueueStatus status;

        queue_status(x->store, &status);
        if (x->disk_was_full && status.disk_state == DISK_WELL)
                inbox_room(x);
        x->disk_was_full = status.disk_state == DISK_FULL;
}

static bool is_pausing(Inbox *x)
{
        look_at_disk(x);
        if (clock_boot(x->clock) >= x->no_room_until)
                x->no_room_until = 0;
        return x->no_room_until > 0;
}

usec_t inbox_room_due(const Inbox *x)
{
        return MIN(x->look_for_room_at, x->no_room_until > 0 ? x->no_room_until : USEC_INFINITY);
}

/* ---- by the settings ---- */

static bool is_below(const Inbox *x, unsigned quarters)
{
        uint64_t n = x->index.n + x->n_arrivals, bytes = x->index.bytes + x->arrivals_bytes;

        return n * 4 < (uint64_t)x->settings.max_messages * quarters && bytes * 4 < x->settings.max_bytes * quarters;
}

/* ---- more or less from the hub ---- */

static void tell_full(Inbox *x)
{
        const char *why = is_below(x, 4) ? "its disk has no room for more" : "it is full";
        ThrottleOthers others;
        uint64_t held_back;

        if (throttle_admits(&x->told_full, clock_boot(x->clock), INBOX_TELL_INTERVAL, &held_back))
                log_line(LOG_WARNING, LOG_ID_INBOX_FULL, NULL,
                         "Inbox: %zu messages with %llu KiB wait in it and %s: the hub keeps the rest until there is "
                         "room (hublinkctl inbox list)%s.",
                         x->index.n + x->n_arrivals,
                         (unsigned long long)((x->index.bytes + x->arrivals_bytes) / 1024), why,
                         throttle_others(&others, held_back));
}

void inbox_ask_hub(Inbox *x)
{
        bool wanted = x->wanted_by_us, ready = x->loaded && inbox_disk_is_well(x), room = !is_pausing(x) && has_room(x);

        if (x->stopped)
                return;
        x->look_for_room_at = ready && !room ? usec_add(clock_boot(x->clock), LOOK_INTERVAL) : USEC_INFINITY;
        if (!ready || !room || !is_below(x, 4))
                wanted = false;
        else if (is_below(x, 3))
                wanted = true;
        if (wanted == x->wanted_by_us && x->told_want)
                return;
        if (ready && !wanted && (x->wanted_by_us || !room))
                tell_full(x);
        x->wanted_by_us = wanted;
        x->told_want = true;
        inbox_doubt_reckon(x);
        x->port.want(x->port.userdata, wanted);
        inbox_changed(x);
}
