/* SPDX-License-Identifier: Apache-2.0 */

/*
 * org.hublink1.Manager. Its contract is conf/dbus/org.hublink1.Manager.xml; the table at the foot says the
 * same to sd-bus, and a test compares the two.
 */

#include <stdio.h>

#include "base/log.h"
#include "bus/bus-private.h"

/* ---- properties ---- */

#define DEFINE_GETTER(name, append)                                                                         \
        static int get_##name(sd_bus *b, const char *path, const char *interface, const char *property,     \
                              sd_bus_message *reply, void *userdata, sd_bus_error *error)                   \
        {                                                                                                   \
                const Status *s = bus_status(userdata);                                                     \
                                                                                                            \
                return append;                                                                              \
        }                                                                                                   \
        struct get_##name##_semicolon
#define DEFINE_VALUE_GETTER(name, type, value) DEFINE_GETTER(name, sd_bus_message_append(reply, type, value))
#define DEFINE_TEXT_GETTER(name, text)         DEFINE_GETTER(name, bus_append_text(reply, text))

DEFINE_TEXT_GETTER(version, s->version);
DEFINE_TEXT_GETTER(link_state, link_state_to_string(s->link_state));
DEFINE_TEXT_GETTER(link_reason, link_reason_to_string(s->link_reason));
DEFINE_TEXT_GETTER(link_detail, s->link_detail);
DEFINE_VALUE_GETTER(link_since, "t", s->link_since_usec);
DEFINE_VALUE_GETTER(next_attempt, "t", s->next_attempt_usec);
DEFINE_TEXT_GETTER(hub, s->hub);
DEFINE_TEXT_GETTER(device_id, s->device_id);
DEFINE_TEXT_GETTER(send_state, s->busy ? "BUSY" : "IDLE");
DEFINE_VALUE_GETTER(queue_records, "t", s->queue.records);
DEFINE_VALUE_GETTER(queue_bytes, "t", s->queue.bytes);
DEFINE_VALUE_GETTER(queue_fill, "d", s->queue.fill);
DEFINE_TEXT_GETTER(disk_state, disk_state_to_string(s->queue.disk_state));
DEFINE_TEXT_GETTER(disk_error, s->queue.disk_error);
DEFINE_VALUE_GETTER(oldest_age, "t", s->queue.oldest_age_usec);
DEFINE_VALUE_GETTER(in_flight, "u", s->in_flight);
DEFINE_VALUE_GETTER(last_acknowledged, "t", s->last_acknowledged_usec);
DEFINE_VALUE_GETTER(malformed_orders, "t", s->malformed_orders);
DEFINE_VALUE_GETTER(orders, "t", s->orders);
DEFINE_VALUE_GETTER(method_changes, "t", s->method_changes);
DEFINE_TEXT_GETTER(settings_problem, s->settings_problem ?: "");
DEFINE_TEXT_GETTER(state_problem, s->state_problem ?: "");
DEFINE_TEXT_GETTER(queue_problem, s->queue_problem ?: "");
DEFINE_TEXT_GETTER(metrics_problem, s->metrics_problem ?: "");
DEFINE_TEXT_GETTER(twin_problem, s->twin.problem ?: "");

static int get_alarms(sd_bus *b, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const Status *s = bus_status(userdata);
        int r;

        r = sd_bus_message_open_container(reply, 'a', "(ssdt)");
        for (size_t i = 0; r >= 0 && i < s->n_alarms; i++) {
                const RaisedAlarm *a = &s->alarms[i];
                char channel[2 * sizeof(Name)];

                (void)snprintf(channel, sizeof(channel), "%s.%s", a->sensor, a->channel);
                r = sd_bus_message_append(reply, "(ssdt)", channel, a->state, a->limit, a->since_usec);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_ledger(sd_bus *b, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const Status *s = bus_status(userdata);
        const Ledger *l = &s->ledger;

        if (s->queue.unknown)
                return sd_bus_message_append(reply, "a{st}", 0);
        return sd_bus_message_append(reply, "a{st}", 5, "accepted", l->accepted, "acknowledged",
                                     l->settled[OUTCOME_ACKNOWLEDGED], "waiting", ledger_waiting(l),
                                     "dropped", ledger_dropped(l), "dead_lettered", ledger_dead_lettered(l));
}

static int get_dropped(sd_bus *b, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const Status *s = bus_status(userdata);
        const Ledger *l = &s->ledger;
        int r;

        r = sd_bus_message_open_container(reply, 'a', "{st}");
        for (Outcome o = 0; r >= 0 && o < _OUTCOME_MAX && !s->queue.unknown; o++)
                if (outcome_is_drop(o))
                        r = sd_bus_message_append(reply, "{st}", outcome_to_string(o), l->settled[o]);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_refused(sd_bus *b, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const Status *s = bus_status(userdata);
        int r;

        r = sd_bus_message_open_container(reply, 'a', "{st}");
        for (Refusal why = 0; r >= 0 && why < _REFUSAL_MAX; why++)
                r = sd_bus_message_append(reply, "{st}", refusal_to_string(why), s->refused[why]);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_queue_stats(sd_bus *b, const char *path, const char *interface, const char *property,
                           sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const Status *s = bus_status(userdata);
        const QueueStats *q = &s->queue_stats;

        return sd_bus_message_append(
                        reply, "a{st}", 12, "age_usec", s->queue_stats_age_usec, "records", q->records,
                        "payload_bytes", q->payload_bytes, "written_bytes", q->bytes_written, "commits", q->commits,
                        "checkpoints_alone", q->checkpoints_alone, "flushes", q->flushes, "slots_made", q->slots_made,
                        "latency_last_usec", q->latency_usec, "latency_p50_usec", q->latency_p50_usec,
                        "latency_p99_usec", q->latency_p99_usec, "latency_max_usec", q->latency_max_usec);
}

void bus_manager_tell(Bus *bus, unsigned among)
{
        const char *names[_MANAGER_PROPERTY_MAX + 1];
        unsigned changed = manager_diff(&bus->told, bus_status(bus), among);

        if (!bus->named || changed == 0)
                return;
        manager_property_names(changed, names);
        (void)sd_bus_emit_properties_changed_strv(bus->connection, BUS_PATH, BUS_MANAGER, (char **)names);
}

/* ---- Subscribe, Settled ---- */

static int on_subscribe(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        int r = subscribers_add(&bus->subscribers, sd_bus_message_get_sender(m), SUBSCRIBERS_ANYBODY);

        if (r == SUBSCRIBERS_E_FULL)
                return bus_error(error, REQUEST_BUSY, "%d clients have subscribed, which is the limit.",
                                 SUBSCRIBERS_MAX);
        return r < 0 ? r : sd_bus_reply_method_return(m, NULL);
}

static int on_unsubscribe(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;

        subscribers_remove(&bus->subscribers, sd_bus_message_get_sender(m));
        return sd_bus_reply_method_return(m, NULL);
}

static const char *fate(Outcome o)
{
        return o == OUTCOME_ACKNOWLEDGED ? "acknowledged" : outcome_is_drop(o) ? "dropped" : "dead_lettered";
}

static int send_settled(Bus *bus)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_signal(bus->connection, &m, BUS_PATH, BUS_MANAGER, "Settled");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(stttss)");
        for (size_t i = 0; r >= 0 && i < bus->settled.n_ranges; i++) {
                const SettledRange *s = &bus->settled.ranges[i];

                r = sd_bus_message_append(
                                m, "(stttss)", s->stream, s->epoch, s->first, s->last, fate(s->outcome),
                                s->outcome == OUTCOME_ACKNOWLEDGED ? "" : outcome_to_string(s->outcome));
        }
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_send(bus->connection, m, NULL);
}

void bus_tell_settled(Bus *bus, usec_t now)
{
        /* Whoever subscribed may have left since. */
        if (bus->named && bus->subscribers.n > 0)
                (void)send_settled(bus);
        settled_batch_told(&bus->settled, now);
}

/* ---- Pressure ---- */

void bus_pressure(Bus *bus, const char *stream, double fill)
{
        if (bus->named)
                (void)sd_bus_emit_signal(bus->connection, BUS_PATH, BUS_MANAGER, "Pressure", "sd", stream, fill);
}

/* ---- Alarm ---- */

void bus_alarm(Bus *bus, const char *channel, const char *state, double value)
{
        if (bus->named)
                (void)sd_bus_emit_signal(bus->connection, BUS_PATH, BUS_MANAGER, "Alarm", "ssd", channel, state,
                                         value);
}

/* ---- Flush, Reconnect, Reload ---- */

static int on_flush(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        PendingCall *call;
        int r = bus_call_begin(bus, m, error, &call);

        if (r < 0)
                return r;
        bus->peers.control.flush(bus->peers.control.userdata, pending_call_done, call);
        return 1;
}

static int on_reconnect(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;

        bus->peers.control.reconnect(bus->peers.control.userdata);
        return sd_bus_reply_method_return(m, NULL);
}

static int on_reload(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        PendingCall *call;
        int r = bus_call_begin(bus, m, error, &call);

        if (r < 0)
                return r;
        bus->peers.control.reload(bus->peers.control.userdata, pending_call_done, call);
        return 1;
}

/* ---- the table ---- */

#define PROPERTY(name, type, get, flags) SD_BUS_PROPERTY(name, type, get, 0, flags)
#define TOLD                             SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
#define ALLOWED                          SD_BUS_VTABLE_UNPRIVILEGED /* by us: the bus knows who may what */

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),

        PROPERTY("Version", "s", get_version, SD_BUS_VTABLE_PROPERTY_CONST),
        PROPERTY("LinkState", "s", get_link_state, TOLD),
        PROPERTY("LinkReason", "s", get_link_reason, TOLD),
        PROPERTY("LinkDetail", "s", get_link_detail, TOLD),
        PROPERTY("LinkSince", "t", get_link_since, TOLD),
        PROPERTY("NextAttempt", "t", get_next_attempt, TOLD),
        PROPERTY("Hub", "s", get_hub, TOLD),
        PROPERTY("DeviceId", "s", get_device_id, TOLD),
        PROPERTY("SendState", "s", get_send_state, TOLD),
        PROPERTY("QueueRecords", "t", get_queue_records, TOLD),
        PROPERTY("QueueBytes", "t", get_queue_bytes, TOLD),
        PROPERTY("QueueFill", "d", get_queue_fill, 0),
        PROPERTY("DiskState", "s", get_disk_state, TOLD),
        PROPERTY("DiskError", "s", get_disk_error, TOLD),
        PROPERTY("OldestAge", "t", get_oldest_age, 0),
        PROPERTY("InFlight", "u", get_in_flight, TOLD),
        PROPERTY("LastAcknowledged", "t", get_last_acknowledged, TOLD),
        PROPERTY("Ledger", "a{st}", get_ledger, TOLD),
        PROPERTY("Dropped", "a{st}", get_dropped, TOLD),
        PROPERTY("Refused", "a{st}", get_refused, TOLD),
        PROPERTY("MalformedOrders", "t", get_malformed_orders, TOLD),
        PROPERTY("Orders", "t", get_orders, TOLD),
        PROPERTY("MethodChanges", "t", get_method_changes, TOLD),
        PROPERTY("Alarms", "a(ssdt)", get_alarms, TOLD),
        PROPERTY("SettingsProblem", "s", get_settings_problem, TOLD),
        PROPERTY("StateProblem", "s", get_state_problem, TOLD),
        PROPERTY("QueueProblem", "s", get_queue_problem, TOLD),
        PROPERTY("MetricsProblem", "s", get_metrics_problem, TOLD),
        PROPERTY("TwinProblem", "s", get_twin_problem, TOLD),
        PROPERTY("QueueStats", "a{st}", get_queue_stats, 0),

        SD_BUS_METHOD_WITH_ARGS("Submit", SD_BUS_ARGS("s", sensor, "a(svt)", values, "a{sv}", options),
                                SD_BUS_RESULT("s", stream, "t", epoch, "t", first, "t", last),
                                bus_submit, ALLOWED),
        SD_BUS_METHOD_WITH_ARGS("SubmitMessage",
                                SD_BUS_ARGS("ay", body, "s", content_type, "a{ss}", properties,
                                            "a{sv}", options),
                                SD_BUS_RESULT("s", stream, "t", epoch, "t", sequence),
                                bus_submit_message, ALLOWED),
        SD_BUS_METHOD_WITH_ARGS("Subscribe", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_subscribe, ALLOWED),
        SD_BUS_METHOD_WITH_ARGS("Unsubscribe", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_unsubscribe, ALLOWED),
        SD_BUS_METHOD_WITH_ARGS("Flush", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_flush, ALLOWED),
        SD_BUS_METHOD_WITH_ARGS("Reconnect", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_reconnect, ALLOWED),
        SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_reload, ALLOWED),
        SD_BUS_METHOD_WITH_ARGS("Audit", SD_BUS_ARGS("u", max), SD_BUS_RESULT("a(tssitss)", entries), bus_audit,
                                ALLOWED),
        SD_BUS_METHOD_WITH_ARGS("AuditSince", SD_BUS_ARGS("t", seen), SD_BUS_RESULT("t", orders, "a(tssitss)", entries),
                                bus_audit_since, ALLOWED),

        SD_BUS_SIGNAL_WITH_ARGS("Settled", SD_BUS_ARGS("a(stttss)", ranges), 0),
        SD_BUS_SIGNAL_WITH_ARGS("Pressure", SD_BUS_ARGS("s", stream, "d", fill), 0),
        SD_BUS_SIGNAL_WITH_ARGS("Alarm", SD_BUS_ARGS("s", channel, "s", state, "d", value), 0),
        SD_BUS_VTABLE_END,
};

int bus_manager_export(Bus *bus)
{
        return sd_bus_add_object_vtable(bus->connection, NULL, BUS_PATH, BUS_MANAGER, vtable, bus);
}
