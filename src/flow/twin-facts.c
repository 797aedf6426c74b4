/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/twin-facts.h"

#include <errno.h>

#include "base/iso-time.h"

static int put_text(Document *d, const char *name, const char *text)
{
        return document_put_new(d, name, document_new_text(text));
}

static int put_count(Document *d, const char *name, uint64_t n)
{
        return document_put_new(d, name, document_new_unsigned(n));
}

/* A time that is not known is left out. */
static int put_time(Document *d, const char *name, usec_t wall_usec)
{
        char text[ISO_TIME_MAX];

        if (wall_usec == 0)
                return 0;
        (void)iso_time_format(wall_usec - wall_usec % USEC_PER_SEC, text);
        return put_text(d, name, text);
}

/* Of one that was not read yet there is nothing to tell: after a start it would be all of them, for a minute. */
static int put_state(Document *d, const SensorStatus *s)
{
        return s->state == SENSOR_STOPPED ? 0 : put_text(d, "state", sensor_state_to_string(s->state));
}

static int put_sensor(Document *sensors, const SensorStatus *s)
{
        _cleanup_(document_freep) Document *d = document_new();
        int r;

        if (!d)
                return -ENOMEM;
        if ((r = put_text(d, "driver", s->driver)) < 0 || (r = put_state(d, s)) < 0)
                return r;
        return document_put(sensors, s->name, TAKE_PTR(d));
}

static int put_sensors(Document *facts, const Status *status)
{
        _cleanup_(document_freep) Document *sensors = document_new();
        int r = sensors ? 0 : -ENOMEM;

        for (size_t i = 0; i < status->n_sensors && r >= 0; i++)
                r = put_sensor(sensors, status->sensors[i]);
        return r < 0 ? r : document_put(facts, "sensors", TAKE_PTR(sensors));
}

static int put_link(Document *facts, const Status *status)
{
        _cleanup_(document_freep) Document *link = document_new();
        int r;

        if (!link)
                return -ENOMEM;
        if ((r = put_time(link, "since", status->link_since_usec)) < 0 ||
            (r = put_count(link, "connections", status->twin.connections)) < 0)
                return r;
        return document_put(facts, "link", TAKE_PTR(link));
}

static int put_statistics(Document *facts, const Status *status)
{
        _cleanup_(document_freep) Document *d = document_new();
        const Ledger *l = &status->ledger;
        int r;

        if (!d)
                return -ENOMEM;
        if ((r = put_count(d, "accepted", l->accepted)) < 0 ||
            (r = put_count(d, "acknowledged", l->settled[OUTCOME_ACKNOWLEDGED])) < 0 ||
            (r = put_count(d, "waiting", ledger_waiting(l))) < 0 ||
            (r = put_count(d, "dropped", ledger_dropped(l))) < 0 ||
            (r = put_count(d, "deadLettered", ledger_dead_lettered(l))) < 0 ||
            (r = put_count(d, "queueBytes", status->queue.bytes)) < 0)
                return r;
        return document_put(facts, "statistics", TAKE_PTR(d));
}

int twin_facts(const Status *status, usec_t boot_usec, bool with_statistics, Document **ret)
{
        _cleanup_(document_freep) Document *facts = document_new();
        int r;

        if (!facts)
                return -ENOMEM;
        if ((r = put_text(facts, "__t", "c")) < 0 || (r = put_text(facts, "version", status->version)) < 0 ||
            (r = put_time(facts, "boot", boot_usec)) < 0 || (r = put_sensors(facts, status)) < 0 ||
            (r = put_link(facts, status)) < 0 || (with_statistics && (r = put_statistics(facts, status)) < 0))
                return r;
        *ret = TAKE_PTR(facts);
        return 0;
}
