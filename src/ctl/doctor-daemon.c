/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Daemon: what it says of itself while it runs.
 */

#include <inttypes.h>
#include <stdio.h>

#include "ctl/advice.h"
#include "ctl/doctor.h"
#include "ctl/setup.h"

static void tell_part(Doctor *d, const GatewayStatus *s, Verdict verdict, const char *id, const char *why,
                      void (*put)(Buffer *b, const GatewayStatus *s))
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        put(&b, s);
        if (buffer_error(&b) == 0 && b.size > 0)
                doctor_tell(d, verdict, id, (Advice){why, "hublinkctl status; journalctl -u hublinkd"}, "%s", b.data);
}

/* A group of its own has looked closer. */
static bool has_finding(const Doctor *d, const char *group)
{
        for (size_t i = 0; i < d->n_findings; i++)
                if (d->findings[i].verdict == VERDICT_PROBLEM && strcmp(d->findings[i].group, group) == 0)
                        return true;
        return false;
}

static bool has_earlier(const Doctor *d)
{
        const SetupWays ways = {.options = d->options, .root = d->root};

        return setup_is_aside(&ways) && !setup_has_connected(&ways);
}

static void look_at_link(Doctor *d, const GatewayStatus *s)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        Colour colour = advice_put_link(&b, s, NULL, clock_wall(&clock_system));

        if (buffer_error(&b) < 0)
                return;
        if (colour == COLOUR_GOOD)
                doctor_well(d, "link", "connected to %s as %s", s->hub, s->device_id);
        else
                doctor_tell(d, colour == COLOUR_BAD ? VERDICT_PROBLEM : VERDICT_WARNING, "link",
                            (Advice){"Readings wait on disk until the hub takes them.",
                                     has_earlier(d) ? "hublinkctl status; then: hublinkctl reconnect; the earlier "
                                                      "credential is kept: hublinkctl setup --back goes back to it" :
                                                      "hublinkctl status; then: hublinkctl reconnect"},
                            "%s", b.data);
}

static void look_at_counts(Doctor *d, const GatewayStatus *s)
{
        _cleanup_(buffer_done) Buffer refused = BUFFER_NULL;
        const Counts *l = &s->ledger;

        put_counts(&refused, &s->refused);
        if (buffer_error(&refused) == 0 && refused.size > 0)
                doctor_tell(d, VERDICT_WARNING, "refused",
                            (Advice){"Whoever handed these in was told that they are not kept.",
                                     "hublinkctl status; journalctl -u hublinkd names the reason"},
                            "records were refused: %s", refused.data);
        if (s->malformed_orders > 0)
                doctor_tell(d, VERDICT_WARNING, "orders",
                            (Advice){"Orders of the hub that cannot be understood are not carried out.",
                                     "journalctl -u hublinkd tells what was wrong with them"},
                            "%" PRIu64 " orders of the hub were malformed", s->malformed_orders);
        if (!gateway_counts_are_known(s))
                doctor_unseen(d, "ledger", "the ledger is not known before the queue is open");
        else if (counts_get(l, "accepted") != counts_get(l, "acknowledged") + counts_get(l, "waiting") +
                                                      counts_get(l, "dropped") + counts_get(l, "dead_lettered"))
                doctor_tell(d, VERDICT_PROBLEM, "ledger",
                            (Advice){"Every record that was accepted has to be somewhere.",
                                     "hublinkctl status; please report it with: hublinkctl --json status"},
                            "the ledger does not balance");
        else
                doctor_well(d, "ledger", "the ledger balances: %" PRIu64 " accepted, %" PRIu64 " waiting",
                            counts_get(l, "accepted"), counts_get(l, "waiting"));
}

/* By the group of the sensors, with what to do. */
static bool is_told(const Doctor *d, const char *sensor)
{
        char begin[128];

        (void)snprintf(begin, sizeof(begin), "sensor %s: ", sensor);
        for (size_t i = 0; i < d->n_findings; i++) {
                const Finding *f = &d->findings[i];

                if (f->verdict == VERDICT_PROBLEM && strcmp(f->group, "sensors") == 0 &&
                    strncmp(f->what, begin, strlen(begin)) == 0)
                        return true;
        }
        return false;
}

static void look_at_sensors(Doctor *d, const GatewayStatus *s, const SensorList *l)
{
        bool well = l->n_sensors > 0;

        for (size_t i = 0; i < l->n_sensors; i++) {
                const SensorInfo *one = &l->sensors[i];

                if (strcmp(one->state, "failing") != 0 && strcmp(one->state, "stale") != 0)
                        continue;
                well = false;
                if (is_told(d, one->name))
                        continue;
                doctor_tell(d, VERDICT_PROBLEM, "sensor-fails",
                            (Advice){"Of this sensor nothing is sent until it can be read again.",
                                     "hublinkctl sensors; journalctl -u hublinkd"},
                            "the sensor %s is %s: %s", one->name, one->state,
                            *one->last_error ? one->last_error : "no value came");
        }
        if (advice_reads_nothing(s, l))
                doctor_tell(d, VERDICT_WARNING, "sensors-none",
                            (Advice){"A gateway that reads nothing and is handed nothing sends nothing.",
                                     "hublinkctl sensors scan writes settings for what this machine has"},
                            "there are no sensors in the settings, and nobody has handed in a reading");
        else if (well)
                doctor_well(d, "sensors", "none of its %zu sensors fails", l->n_sensors);
}

void doctor_daemon(Doctor *d)
{
        _cleanup_(client_closep) Client *client = NULL;
        _cleanup_(gateway_status_done) GatewayStatus status = {};
        _cleanup_(sensor_list_done) SensorList sensors = {};

        if (doctor_sees_files_only(d)) {
                doctor_unseen(d, "daemon", "left out: a hublinkd that runs here is not that of the tree (--root)");
                return;
        }
        if (!d->daemon_runs) {
                doctor_unseen(d, "daemon", "hublinkd %s, so it says nothing",
                              d->daemon_hangs ? "hangs" : "does not run");
                return;
        }
        if (client_open(&client, d->options->bus) != CTL_OK || client_status(client, &status) != CTL_OK ||
            client_sensors(client, &sensors) != CTL_OK) {
                doctor_tell(d, VERDICT_PROBLEM, "daemon",
                            (Advice){"It has its name on the bus, and does not say how it is.",
                                     "journalctl -u hublinkd; systemctl restart hublinkd"},
                            "hublinkd does not answer");
                return;
        }
        look_at_link(d, &status);
        tell_part(d, &status, VERDICT_PROBLEM, "queue-disk",
                  "Readings that cannot be kept on disk are lost with the power.", advice_put_disk);
        tell_part(d, &status, VERDICT_PROBLEM, "queue-full", "Readings are lost.", advice_put_room);
        tell_part(d, &status, VERDICT_PROBLEM, "state-unread",
                  "What it holds is not in effect, and what is new is lost with a restart.", advice_put_state);
        tell_part(d, &status, VERDICT_WARNING, "inbox", "The hub keeps messages back, until they expire.",
                  advice_put_inbox);
        tell_part(d, &status, VERDICT_WARNING, "twin",
                  "What the cloud wishes there is not done, or it does not see what was.", advice_put_twin);
        tell_part(d, &status, VERDICT_WARNING, "losses", "These did not reach the hub.", advice_put_losses);
        if (!has_finding(d, "metrics"))
                tell_part(d, &status, VERDICT_WARNING, "metrics", "Whoever collects them sees none, or old ones.",
                          advice_put_metrics);
        look_at_counts(d, &status);
        look_at_sensors(d, &status, &sensors);
}
