/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/monitor.h"

#include <errno.h>
#include <string.h>

#include "base/buffer.h"

struct Monitor {
        MonitorPeers peers;
        const Clock *clock;
        Status status;
        const SensorStatus **sensors;
        size_t n_allocated;
        RaisedAlarm *alarms;
        size_t n_alarms_allocated;
        char *settings_problem, *metrics_problem;
        const char *state_problem;
        Buffer queue_problem;
};

int monitor_new(Monitor **ret, const MonitorPeers *peers, const Clock *clock)
{
        Monitor *m = calloc(1, sizeof(*m));

        if (!m)
                return -ENOMEM;
        m->peers = *peers;
        m->clock = clock;
        *ret = m;
        return 0;
}

Monitor *monitor_free(Monitor *m)
{
        if (!m)
                return NULL;
        free(m->sensors);
        free(m->alarms);
        free(m->settings_problem);
        free(m->metrics_problem);
        buffer_done(&m->queue_problem);
        free(m);
        return NULL;
}

static void ask_hub(const Hub *hub, Status *s)
{
        HubStatus h;

        hub_status(hub, &h);
        s->link_state = h.state;
        s->link_reason = h.reason;
        s->link_detail = h.detail;
        s->link_since_usec = h.since_usec;
        s->next_attempt_usec = h.next_attempt_usec;
        s->hub = h.host;
        s->device_id = h.device_id;
        s->malformed_orders = h.malformed;
}

static void ask_uplink(const Uplink *uplink, Status *s)
{
        s->in_flight = uplink_in_flight(uplink);
        s->busy = s->in_flight > 0;
        s->last_acknowledged_usec = uplink_last_acknowledged(uplink);
}

static void ask_queue(const Queue *queue, Status *s)
{
        queue_status(queue, &s->queue);
        queue_stats(queue, &s->queue_stats);
        for (unsigned stream = 0; stream < queue_n_streams(queue); stream++) {
                Ledger ledger;

                queue_ledger(queue, stream, &ledger);
                ledger_add(&s->ledger, &ledger);
        }
}

/* Without memory for a longer list those that fit are shown. */
static void ask_sensors(Monitor *m, Status *s)
{
        size_t n = m->peers.sensors ? sensors_count(m->peers.sensors) : 0;

        if (n > m->n_allocated) {
                const SensorStatus **more = reallocarray(m->sensors, n, sizeof(*more));

                if (more) {
                        m->sensors = more;
                        m->n_allocated = n;
                }
                n = m->n_allocated;
        }
        for (size_t i = 0; i < n; i++)
                m->sensors[i] = sensors_status(m->peers.sensors, i);
        s->sensors = m->sensors;
        s->n_sensors = n;
}

/* The same. */
static void ask_rules(Monitor *m, Status *s)
{
        size_t n = rules_raised(m->peers.rules, m->alarms, m->n_alarms_allocated);

        if (n > m->n_alarms_allocated) {
                RaisedAlarm *more = reallocarray(m->alarms, n, sizeof(*more));

                if (more) {
                        m->alarms = more;
                        m->n_alarms_allocated = n;
                        (void)rules_raised(m->peers.rules, m->alarms, n);
                }
        }
        s->alarms = m->alarms;
        s->n_alarms = MIN(n, m->n_alarms_allocated);
}

/* The queue has lanes, and so have inbox and dead letters: a newer hublink wrote all of them. */
static const char *say_aside(Monitor *m, const Status *s)
{
        const char *const paths[] = {s->queue.aside, s->inbox.aside, s->dead_letters.aside};
        Buffer *b = &m->queue_problem;

        buffer_clear(b);
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
                if (paths[i] && *paths[i])
                        buffer_printf(b, "%s%s", b->size > 0 ? ", " : "", paths[i]);
        if (b->size > 0)
                buffer_append_string(b, ": a newer hublink wrote it, and what waits there is not served");
        return buffer_error(b) < 0 ? NULL : b->data;
}

static const Status *snapshot(void *userdata)
{
        Monitor *m = userdata;
        Status s = {.version = HUBLINK_VERSION};

        ask_hub(m->peers.hub, &s);
        ask_uplink(m->peers.uplink, &s);
        ask_queue(m->peers.queue, &s);
        s.queue_stats_age_usec = usec_sub(clock_boot(m->clock), s.queue_stats.since_usec);
        memcpy(s.refused, collector_refused(m->peers.collector), sizeof(s.refused));
        if (m->peers.dead_letters)
                dead_letters_status(m->peers.dead_letters, &s.dead_letters);
        if (m->peers.inbox)
                inbox_status(m->peers.inbox, &s.inbox);
        if (m->peers.twin)
                twin_status(m->peers.twin, &s.twin);
        if (m->peers.audit)
                s.orders = audit_count(m->peers.audit);
        if (m->peers.methods)
                s.method_changes = methods_changes(m->peers.methods);
        if (m->peers.rules)
                ask_rules(m, &s);
        s.settings_problem = m->settings_problem;
        s.state_problem = m->state_problem;
        s.queue_problem = say_aside(m, &s);
        s.metrics_problem = m->metrics_problem;
        ask_sensors(m, &s);
        m->status = s;
        return &m->status;
}

/* Without memory for it the log alone has told. */
void monitor_tell_settings(Monitor *m, const char *problem)
{
        free(m->settings_problem);
        m->settings_problem = problem ? strdup(problem) : NULL;
}

void monitor_tell_state(Monitor *m, const char *problem)
{
        m->state_problem = problem;
}

void monitor_tell_metrics(Monitor *m, const char *problem)
{
        free(m->metrics_problem);
        m->metrics_problem = problem ? strdup(problem) : NULL;
}

StatusSource monitor_status_source(Monitor *m)
{
        return (StatusSource){snapshot, m};
}
