/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/metrics.h"

#include "flow/audit.h"
#include "flow/metric-text.h"

#define NO_LABELS METRIC_LABELS()

typedef struct Writer {
        const MetricsFacts *facts;
        const Status *status;
        MetricsForm form;
        Buffer *b;
} Writer;

/* ---- families of one sample ---- */

static void put_count(const Writer *w, MetricType type, const char *name, const char *unit, const char *help,
                      uint64_t value)
{
        const MetricFamily family = {name, type, unit, help};

        metric_family(w->b, w->form, &family);
        metric_count(w->b, &family, NO_LABELS, value);
}

static void put_counter(const Writer *w, const char *name, const char *unit, const char *help, uint64_t value)
{
        put_count(w, METRIC_COUNTER, name, unit, help, value);
}

static void put_gauge(const Writer *w, const char *name, const char *unit, const char *help, uint64_t value)
{
        put_count(w, METRIC_GAUGE, name, unit, help, value);
}

static void put_seconds(const Writer *w, MetricType type, const char *name, const char *help, usec_t value)
{
        const MetricFamily family = {name, type, "seconds", help};

        metric_family(w->b, w->form, &family);
        metric_seconds(w->b, &family, NO_LABELS, value);
}

/* What never was has no time. */
static void put_moment(const Writer *w, const char *name, const char *help, usec_t wall_usec)
{
        if (wall_usec > 0)
                put_seconds(w, METRIC_GAUGE, name, help, wall_usec);
}

/* ---- the program ---- */

static void put_build(const Writer *w)
{
        static const MetricFamily build = {"hublink_build", METRIC_INFO, NULL, "The program."};

        metric_family(w->b, w->form, &build);
        metric_count(w->b, &build, METRIC_LABELS({"version", w->status->version}), 1);
}

static void put_process(const Writer *w)
{
        put_counter(w, "hublink_wakeups", NULL, "How often a time that had come ended a sleep.", w->facts->wakeups);
        put_seconds(w, METRIC_COUNTER, "hublink_process_cpu_seconds", "Processor time of all threads.",
                    w->facts->cpu_usec);
        if (w->facts->resident_bytes > 0)
                put_gauge(w, "hublink_process_resident_memory_bytes", "bytes", "Memory of the process that is in RAM.",
                          w->facts->resident_bytes);
}

/* ---- the ledger ---- */

/* What of the ledgers a family tells; each reason has a sample of its own. */
typedef bool (*BelongsFn)(Outcome outcome);

static void put_settled(const Writer *w, const MetricFamily *family, BelongsFn belongs)
{
        metric_family(w->b, w->form, family);
        for (unsigned stream = 0; stream < queue_n_streams(w->facts->queue); stream++) {
                const char *name = queue_stream_name(w->facts->queue, stream);
                Ledger ledger;

                queue_ledger(w->facts->queue, stream, &ledger);
                for (Outcome o = 0; o < _OUTCOME_MAX; o++)
                        if (belongs(o))
                                metric_count(w->b, family,
                                             METRIC_LABELS({"stream", name}, {"reason", outcome_to_string(o)}),
                                             ledger.settled[o]);
        }
}

static uint64_t accepted(const Ledger *l)
{
        return l->accepted;
}

static uint64_t acknowledged(const Ledger *l)
{
        return l->settled[OUTCOME_ACKNOWLEDGED];
}

static void put_of_streams(const Writer *w, const MetricFamily *family, uint64_t (*value)(const Ledger *l))
{
        metric_family(w->b, w->form, family);
        for (unsigned stream = 0; stream < queue_n_streams(w->facts->queue); stream++) {
                Ledger ledger;

                queue_ledger(w->facts->queue, stream, &ledger);
                metric_count(w->b, family, METRIC_LABELS({"stream", queue_stream_name(w->facts->queue, stream)}),
                             value(&ledger));
        }
}

static void put_ledger(const Writer *w)
{
        static const MetricFamily
                in = {"hublink_records_accepted", METRIC_COUNTER, NULL, "Records that came on the disk."},
                up = {"hublink_records_acknowledged", METRIC_COUNTER, NULL, "Records that the hub acknowledged."},
                here = {"hublink_records_waiting", METRIC_GAUGE, NULL, "Records that wait, those in flight included."},
                gone = {"hublink_records_dropped", METRIC_COUNTER, NULL, "Records that were dropped."},
                dead = {"hublink_records_dead_lettered", METRIC_COUNTER, NULL,
                        "Records that the hub can never take, set aside."};

        put_of_streams(w, &in, accepted);
        put_of_streams(w, &up, acknowledged);
        put_of_streams(w, &here, ledger_waiting);
        put_settled(w, &gone, outcome_is_drop);
        put_settled(w, &dead, outcome_is_dead_letter);
}

static void put_refused(const Writer *w)
{
        static const MetricFamily refused = {"hublink_records_refused", METRIC_COUNTER, NULL,
                                             "What never became a record."};

        metric_family(w->b, w->form, &refused);
        for (Refusal why = 0; why < _REFUSAL_MAX; why++)
                metric_count(w->b, &refused, METRIC_LABELS({"reason", refusal_to_string(why)}),
                             w->status->refused[why]);
}

/* ---- queue and disk ---- */

static void put_disk(const Writer *w)
{
        static const MetricFamily state = {"hublink_disk_state", METRIC_STATES, NULL, "How the queue's disk does."};
        const QueueStats *stats = &w->status->queue_stats;

        metric_family(w->b, w->form, &state);
        for (DiskState s = 0; s < _DISK_STATE_MAX; s++)
                metric_state(w->b, &state, (MetricLabel){}, disk_state_to_string(s), s == w->status->queue.disk_state);
        put_counter(w, "hublink_disk_commits", NULL, "Group commits of the queue.", stats->commits);
        put_counter(w, "hublink_disk_flushes", NULL, "Every fsync and fdatasync of the queue.", stats->flushes);
        put_counter(w, "hublink_disk_written_bytes", "bytes", "Written to the queue's files.", stats->bytes_written);
}

/* Of a queue that was never opened nothing is known. */
static void put_queue(const Writer *w)
{
        static const MetricFamily fill = {"hublink_queue_fill_ratio", METRIC_GAUGE, "ratio",
                                          "Of the lane that is nearest to its first drop, which comes at 1."};
        const QueueStatus *q = &w->status->queue;

        if (q->unknown)
                return;
        put_gauge(w, "hublink_queue_records", NULL, "Records that wait in all streams.", q->records);
        put_gauge(w, "hublink_queue_bytes", "bytes", "On the disk.", q->bytes);
        metric_family(w->b, w->form, &fill);
        metric_real(w->b, &fill, NO_LABELS, q->fill);
        put_seconds(w, METRIC_GAUGE, "hublink_queue_oldest_age_seconds", "How long the oldest record has waited.",
                    q->oldest_age_usec);
        put_gauge(w, "hublink_dead_letters", NULL, "Dead letters that are there.", w->status->dead_letters.count);
        put_counter(w, "hublink_dead_letters_dropped", NULL, "Dead letters that went for want of room, or damaged.",
                    w->status->dead_letters.dropped);
        if (w->facts->queue)
                put_ledger(w);
}

/* ---- the link ---- */

static void put_tries(const Writer *w, const HubStatus *link)
{
        static const MetricFamily failures = {"hublink_link_failures", METRIC_COUNTER, NULL,
                                              "Tries that failed and links that were lost."};

        put_counter(w, "hublink_link_connections", NULL, "Links that came up, planned ones included.",
                    link->connections);
        metric_family(w->b, w->form, &failures);
        for (LinkReason r = LINK_REASON_NONE + 1; r < _LINK_REASON_MAX; r++)
                metric_count(w->b, &failures, METRIC_LABELS({"reason", link_reason_to_string(r)}), link->failures[r]);
}

static void put_link(const Writer *w)
{
        static const MetricFamily state = {"hublink_link_state", METRIC_STATES, NULL, "The link to the hub."},
                                  reason = {"hublink_link_reason", METRIC_STATES, NULL, "Why the link is not up."};
        const Status *s = w->status;

        metric_family(w->b, w->form, &state);
        for (LinkState is = 0; is < _LINK_STATE_MAX; is++)
                metric_state(w->b, &state, (MetricLabel){}, link_state_to_string(is), is == s->link_state);
        metric_family(w->b, w->form, &reason);
        for (LinkReason is = 0; is < _LINK_REASON_MAX; is++)
                metric_state(w->b, &reason, (MetricLabel){}, link_reason_to_string(is), is == s->link_reason);
        put_moment(w, "hublink_link_since_timestamp_seconds", "Since when the link is up, or is not.",
                   s->link_since_usec);
        if (w->facts->link)
                put_tries(w, w->facts->link);
}

static void put_traffic(const Writer *w)
{
        const UplinkTraffic *t = w->facts->traffic;

        put_gauge(w, "hublink_messages_in_flight", NULL, "Messages that are sent and not acknowledged.",
                  w->status->in_flight);
        put_moment(w, "hublink_last_acknowledged_timestamp_seconds", "When the hub last acknowledged a message.",
                   w->status->last_acknowledged_usec);
        if (!t)
                return;
        put_counter(w, "hublink_messages_sent", NULL, "Messages handed to the link, repeated ones included.",
                    t->messages);
        put_counter(w, "hublink_messages_sent_bytes", "bytes", "Of these, as the hub counts them.", t->bytes);
        put_counter(w, "hublink_messages_acknowledged", NULL, "Messages that the hub acknowledged.", t->delivered);
        put_counter(w, "hublink_messages_billed", NULL, "Units of 4 KiB that the hub bills for those.", t->billed);
}

/* ---- the sensors ---- */

static const char *name_of(const SensorStatus *s)
{
        return s->name ?: "";
}

static void put_sensor_states(const Writer *w)
{
        static const MetricFamily state = {"hublink_sensor_state", METRIC_STATES, NULL, "How a sensor does."};

        metric_family(w->b, w->form, &state);
        for (size_t i = 0; i < w->status->n_sensors; i++)
                for (SensorState is = 0; is < _SENSOR_STATE_MAX; is++)
                        metric_state(w->b, &state, (MetricLabel){"sensor", name_of(w->status->sensors[i])},
                                     sensor_state_to_string(is), is == w->status->sensors[i]->state);
}

static void put_sensor_errors(const Writer *w)
{
        static const MetricFamily errors = {"hublink_sensor_errors", METRIC_COUNTER, NULL,
                                            "Reads of a sensor that failed, lines and clients that were refused."};

        metric_family(w->b, w->form, &errors);
        for (size_t i = 0; i < w->status->n_sensors; i++)
                for (SensorFault f = 0; f < _SENSOR_FAULT_MAX; f++)
                        metric_count(w->b, &errors,
                                     METRIC_LABELS({"sensor", name_of(w->status->sensors[i])},
                                                   {"kind", sensor_fault_to_string(f)}),
                                     w->status->sensors[i]->faults[f]);
}

static void put_sensor_times(const Writer *w)
{
        static const MetricFamily last = {"hublink_sensor_last_reading_timestamp_seconds", METRIC_GAUGE, "seconds",
                                          "When a sensor gave its last good reading."};

        metric_family(w->b, w->form, &last);
        for (size_t i = 0; i < w->status->n_sensors; i++)
                if (w->status->sensors[i]->time_usec > 0)
                        metric_seconds(w->b, &last, METRIC_LABELS({"sensor", name_of(w->status->sensors[i])}),
                                       w->status->sensors[i]->time_usec);
}

/* ---- the way down ---- */

static void put_inbox(const Writer *w)
{
        static const MetricFamily messages = {"hublink_inbox_messages", METRIC_COUNTER, NULL,
                                              "Messages from the cloud, and what became of them."};
        const InboxStatus *inbox = &w->status->inbox;
        const struct {
                const char *event;
                uint64_t n;
        } counts[] = {
                {"received", inbox->received}, {"redelivered", inbox->redelivered}, {"completed", inbox->completed},
                {"rejected", inbox->rejected}, {"expired", inbox->expired},         {"refused", inbox->refused},
                {"untold", inbox->untold},
        };

        metric_family(w->b, w->form, &messages);
        for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
                metric_count(w->b, &messages, METRIC_LABELS({"event", counts[i].event}), counts[i].n);
        put_gauge(w, "hublink_inbox_waiting", NULL, "Messages in the inbox, taken ones included.", inbox->waiting);
        put_gauge(w, "hublink_inbox_full", NULL, "1: the hub keeps what comes until there is room.", inbox->full);
}

static void put_calls(const Writer *w)
{
        static const MetricFamily calls = {"hublink_method_calls", METRIC_COUNTER, NULL,
                                           "Calls of direct methods, by the hundreds of the status of their answer."};
        static const char *const words[AUDIT_HUNDREDS] = {"other", "1xx", "2xx", "3xx", "4xx",
                                                          "5xx",   "6xx", "7xx", "8xx", "9xx"};

        metric_family(w->b, w->form, &calls);
        for (size_t i = 0; i < AUDIT_HUNDREDS; i++)
                metric_count(w->b, &calls, METRIC_LABELS({"status", words[i]}), w->facts->calls[i]);
}

static void put_orders(const Writer *w)
{
        put_inbox(w);
        if (w->facts->calls)
                put_calls(w);
        put_counter(w, "hublink_twin_reports", NULL, "Reports that the twin took.", w->status->twin.reports);
        put_counter(w, "hublink_twin_reports_refused", NULL, "Reports that the twin refused.", w->status->twin.refused);
        put_counter(w, "hublink_orders_malformed", NULL, "What the hub sent that was no order.",
                    w->status->malformed_orders);
}

void metrics_write(const MetricsFacts *facts, MetricsForm form, Buffer *b)
{
        const Writer w = {facts, facts->status, form, b};

        put_build(&w);
        put_process(&w);
        put_link(&w);
        put_traffic(&w);
        put_queue(&w);
        put_disk(&w);
        put_refused(&w);
        put_sensor_states(&w);
        put_sensor_errors(&w);
        put_sensor_times(&w);
        put_orders(&w);
        metric_end(b, form);
}
