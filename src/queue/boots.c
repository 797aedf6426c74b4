/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/boots.h"

#include <string.h>

/* ---- rows ---- */

static Boot *find(Boots *b, uint32_t ordinal)
{
        for (size_t i = 0; i < b->n; i++)
                if (b->boots[i].ordinal == ordinal)
                        return &b->boots[i];
        return NULL;
}

const Boot *boots_get(const Boots *b, uint32_t ordinal)
{
        return ordinal == 0 ? NULL : find((Boots *)b, ordinal);
}

static Boot *present(Boots *b)
{
        return b->n > 0 ? &b->boots[b->n - 1] : NULL;
}

uint32_t boots_present(const Boots *b)
{
        return b->n > 0 ? b->boots[b->n - 1].ordinal : 0;
}

static void remove_row(Boots *b, size_t i)
{
        memmove(b->boots + i, b->boots + i + 1, (b->n - i - 1) * sizeof(b->boots[0]));
        b->n--;
}

/* ---- bounds ---- */

static usec_t earliest(const Boot *boot)
{
        return boot->good ? boot->start_usec : boot->not_before_usec;
}

static usec_t latest(const Boot *boot)
{
        return boot->good ? boot->start_usec : boot->not_after_usec;
}

/* No boot begins before the one before it ended. Each row keeps what it was told: so the bounds stay when the
 * neighbour that gave them is forgotten. */
static void draw_bounds(Boots *b)
{
        for (size_t i = 1; i < b->n; i++) {
                const Boot *before = &b->boots[i - 1];

                if (earliest(before) > 0)
                        b->boots[i].not_before_usec =
                                MAX(b->boots[i].not_before_usec, usec_add(earliest(before), before->last_usec));
        }
        for (size_t i = b->n; i-- > 1;) {
                Boot *before = &b->boots[i - 1];

                if (latest(&b->boots[i]) != USEC_INFINITY)
                        before->not_after_usec =
                                MIN(before->not_after_usec, usec_sub(latest(&b->boots[i]), before->last_usec));
        }
}

/* Where it lies, when only its neighbours know: a clock that was set wrongly among them can make nonsense of it. */
static bool is_bounded(const Boot *boot)
{
        return boot->not_before_usec > 0 && boot->not_after_usec != USEC_INFINITY &&
               boot->not_before_usec <= boot->not_after_usec;
}

static usec_t estimate(const Boot *boot)
{
        if (boot->good || boot->not_before_usec > boot->not_after_usec)
                return boot->start_usec;
        return CLAMP(boot->start_usec, boot->not_before_usec, boot->not_after_usec);
}

/* ---- the table ---- */

static void merge(Boot *into, const Boot *boot)
{
        if (boot->good && !into->good) {
                into->good = true;
                into->start_usec = boot->start_usec;
        }
        into->not_before_usec = MAX(into->not_before_usec, boot->not_before_usec);
        into->not_after_usec = MIN(into->not_after_usec, boot->not_after_usec);
        into->last_usec = MAX(into->last_usec, boot->last_usec);
}

/* One too many. The oldest of those that were never synchronised goes: least is lost by it. What it knew of time
 * goes on in the bounds of those beside it. */
static void make_place(Boots *b)
{
        size_t i = 0;

        while (i + 1 < b->n && b->boots[i].good)
                i++;
        remove_row(b, i + 1 < b->n ? i : 0);
}

void boots_add(Boots *b, const Boot *boot)
{
        Boot *known = boot->ordinal != 0 ? find(b, boot->ordinal) : NULL;
        size_t i = b->n;

        if (boot->ordinal == 0)
                return;
        if (known) {
                if (memcmp(known->id, boot->id, sizeof(boot->id)) == 0)
                        merge(known, boot);
                draw_bounds(b);
                return;
        }
        if (b->n == BOOTS_MAX)
                make_place(b);
        for (i = b->n; i > 0 && b->boots[i - 1].ordinal > boot->ordinal; i--)
                b->boots[i] = b->boots[i - 1];
        b->boots[i] = *boot;
        b->n++;
        draw_bounds(b);
}

void boots_begin(Boots *b, const uint8_t id[static 16], uint64_t epoch)
{
        Boot boot = {.ordinal = boots_present(b) + 1, .not_after_usec = USEC_INFINITY};

        b->epoch = epoch;
        if (b->n > 0 && memcmp(present(b)->id, id, sizeof(boot.id)) == 0)
                return;
        memcpy(boot.id, id, sizeof(boot.id));
        b->asked_usec = 0;
        boots_add(b, &boot);
}

bool boots_look(Boots *b, const Clock *clock)
{
        usec_t now = clock_boot(clock);
        Boot *boot = present(b);

        if (!boot)
                return false;
        boot->last_usec = MAX(boot->last_usec, now);
        if (boot->good || (b->asked_usec != 0 && now < usec_add(b->asked_usec, USEC_PER_SEC)))
                return false;
        b->asked_usec = now;
        boot->good = clock_synchronised(clock);
        boot->start_usec = usec_sub(clock_wall(clock), clock_boot(clock));
        if (boot->good)
                draw_bounds(b);
        return boot->good;
}

void boots_forget_before(Boots *b, uint32_t ordinal)
{
        while (b->n > 1 && b->boots[0].ordinal < ordinal)
                remove_row(b, 0);
}

void boots_learn_epoch(Boots *b, uint64_t epoch, uint32_t ordinal)
{
        if (ordinal == 0 || boots_of_epoch(b, epoch) == ordinal)
                return;
        b->epochs[b->n_epochs % BOOTS_EPOCHS].epoch = epoch;
        b->epochs[b->n_epochs++ % BOOTS_EPOCHS].ordinal = ordinal;
}

/* The newest word counts: after a restored backup an epoch stays what it was, but ordinals may be given again. */
uint32_t boots_of_epoch(const Boots *b, uint64_t epoch)
{
        if (b->epoch != 0 && epoch == b->epoch)
                return boots_present(b);
        for (size_t i = 0; i < MIN(b->n_epochs, (size_t)BOOTS_EPOCHS); i++) {
                size_t at = (b->n_epochs - 1 - i) % BOOTS_EPOCHS;

                if (b->epochs[at].epoch == epoch)
                        return b->epochs[at].ordinal;
        }
        return 0;
}

void boots_saw(Boots *b, uint64_t epoch, usec_t boot_usec)
{
        Boot *boot = find(b, boots_of_epoch(b, epoch));

        if (boot)
                boot->last_usec = MAX(boot->last_usec, boot_usec);
}

/* ---- questions ---- */

QueueTime boots_wall(const Boots *b, Moment moment, usec_t *ret_wall_usec)
{
        const Boot *boot = boots_get(b, moment.boot);

        *ret_wall_usec = boot ? usec_add(estimate(boot), moment.usec) : 0;
        if (boot && boot->good)
                return QUEUE_TIME_GOOD;
        return boot && is_bounded(boot) ? QUEUE_TIME_BOUNDED : QUEUE_TIME_UNKNOWN;
}

/* By the boot clocks alone: what was seen of its own boot after it, of those between, and of this one. */
static usec_t lived_since(const Boots *b, Moment moment, usec_t now)
{
        usec_t sum = now;

        for (size_t i = 0; i + 1 < b->n; i++) {
                const Boot *boot = &b->boots[i];

                if (boot->ordinal == moment.boot)
                        sum = usec_add(sum, usec_sub(boot->last_usec, moment.usec));
                else if (boot->ordinal > moment.boot && moment.boot != 0)
                        sum = usec_add(sum, boot->last_usec);
        }
        return sum;
}

usec_t boots_age(const Boots *b, Moment moment, usec_t now)
{
        const Boot *boot = boots_get(b, moment.boot), *this = boots_get(b, boots_present(b));
        usec_t lived;

        if (boot && boot == this)
                return usec_sub(now, moment.usec);
        lived = lived_since(b, moment, now);
        if (!boot || !this->good || latest(boot) == USEC_INFINITY)
                return lived;
        return MAX(lived, usec_sub(usec_add(this->start_usec, now), usec_add(latest(boot), moment.usec)));
}
