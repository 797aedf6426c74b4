/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/dps/poll-meter.h"

#include <errno.h>
#include <string.h>

typedef struct Note {
        char *operation_id;
        usec_t polls[POLL_METER_MAX]; /* the oldest is at next */
        unsigned next, n;
} Note;

struct PollMeter {
        Note *notes;
        size_t n_notes, n_allocated;
};

int poll_meter_new(PollMeter **ret)
{
        *ret = calloc(1, sizeof(**ret));
        return *ret ? 0 : -ENOMEM;
}

PollMeter *poll_meter_free(PollMeter *meter)
{
        if (!meter)
                return NULL;
        for (size_t i = 0; i < meter->n_notes; i++)
                free(meter->notes[i].operation_id);
        free(meter->notes);
        free(meter);
        return NULL;
}

static usec_t last_of(const Note *note)
{
        return note->polls[(note->next + POLL_METER_MAX - 1) % POLL_METER_MAX];
}

/* Of those that have not asked for so long nothing need be known. */
static void sweep(PollMeter *meter, usec_t now)
{
        for (size_t i = 0; i < meter->n_notes;) {
                if (now < usec_add(last_of(&meter->notes[i]), POLL_METER_WINDOW_USEC)) {
                        i++;
                        continue;
                }
                free(meter->notes[i].operation_id);
                meter->notes[i] = meter->notes[--meter->n_notes];
        }
}

/* NULL: no memory. */
static Note *add(PollMeter *meter, const char *operation_id)
{
        if (meter->n_notes == meter->n_allocated) {
                size_t n = MAX(meter->n_allocated * 2, (size_t)8);
                Note *more = reallocarray(meter->notes, n, sizeof(*more));

                if (!more)
                        return NULL;
                meter->notes = more;
                meter->n_allocated = n;
        }
        meter->notes[meter->n_notes] = (Note){.operation_id = strdup(operation_id)};
        return meter->notes[meter->n_notes].operation_id ? &meter->notes[meter->n_notes++] : NULL;
}

static Note *find(PollMeter *meter, const char *operation_id)
{
        for (size_t i = 0; i < meter->n_notes; i++)
                if (strcmp(meter->notes[i].operation_id, operation_id) == 0)
                        return &meter->notes[i];
        return NULL;
}

usec_t poll_meter_take(PollMeter *meter, const char *operation_id, usec_t now)
{
        Note *note;

        sweep(meter, now);
        note = find(meter, operation_id);
        if (!note)
                note = add(meter, operation_id);
        if (!note)
                return 0; /* who cannot be counted is not held up */
        if (note->n == POLL_METER_MAX && now < usec_add(note->polls[note->next], POLL_METER_WINDOW_USEC))
                return usec_sub(usec_add(note->polls[note->next], POLL_METER_WINDOW_USEC), now);
        note->polls[note->next] = now;
        note->next = (note->next + 1) % POLL_METER_MAX;
        note->n = MIN(note->n + 1, (unsigned)POLL_METER_MAX);
        return 0;
}
