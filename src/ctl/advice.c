/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/advice.h"

#include <inttypes.h>
#include <string.h>

#include "base/number.h"
#include "model/link.h"
#include "model/status.h"

#define FULL         0.995              /* as `status` rounds it */
#define ALARMS_NAMED_MAX 3
#define SILENCE_USEC (2 * USEC_PER_MIN) /* a busy link has answered long before */

static const struct {
        const char *wrong;  /* "Not connected since ...: WRONG.", unless the daemon knows more */
        const char *remedy; /* a sentence */
        const char *after;  /* another one, when the daemon has told what is wrong and how to mend it */
} reasons[_LINK_REASON_MAX] = {
        [LINK_REASON_NONE] = {
                "the connection is being made",
                "",
        },
        [LINK_REASON_NO_CREDENTIAL] = {
                "there is no credential",
                "hublinkctl setup asks for it and stores it.",
                "After a change by hand: systemctl reload hublinkd (restart, if systemd hands the file on by "
                "LoadCredential=).",
        },
        [LINK_REASON_NETWORK] = {
                "the network does not reach the hub",
                "Check cable, route and firewall (TCP port 8883).",
        },
        [LINK_REASON_NAME] = {
                "the hub's name is not found",
                "Check the host name and the name server.",
        },
        [LINK_REASON_REFUSED] = {
                "the hub's address refuses the connection",
                "Check hub.address; does anything listen there?",
        },
        [LINK_REASON_TLS_UNTRUSTED] = {
                "the hub's certificate is not from a CA that we trust",
                "Install ca-certificates or set hub.ca_file; is there a proxy in between?",
                "Mend it, then: hublinkctl reconnect; after a change of the settings: systemctl reload hublinkd.",
        },
        [LINK_REASON_TLS_HOSTNAME] = {
                "the hub's certificate is for another name",
                "Check the HostName of the connection string and hub.address.",
        },
        [LINK_REASON_TLS_EXPIRED] = {
                "the hub's certificate is expired or not yet valid",
                "Check this machine's clock first (timedatectl), then the certificate.",
        },
        [LINK_REASON_CREDENTIAL] = {
                "the hub refuses our credential",
                "Check that the device exists and is enabled, and that its key is this one.",
                "Another one: hublinkctl setup; in the file that the settings name: systemctl reload hublinkd.",
        },
        [LINK_REASON_HUB_UNAVAILABLE] = {
                "the hub says that it is unavailable",
                "Nothing to do here; see the hub's own health.",
        },
        [LINK_REASON_CLOCK] = {
                "this machine's clock is wrong",
                "Set the clock (timedatectl, NTP).",
        },
        [LINK_REASON_TAKEOVER] = {
                "another client connects with our identity",
                "Find it and give it an identity of its own.",
        },
        [LINK_REASON_THROTTLED] = {
                "the hub throttles us",
                "Nothing to do now; send less, or buy more units.",
        },
        [LINK_REASON_QUOTA] = {
                "the hub's quota for the day is used up",
                "Wait for the day to end, or buy more units.",
        },
        [LINK_REASON_SILENT] = {
                "the hub stopped answering",
                "Check the network for lost packets.",
        },
        [LINK_REASON_PROVISIONING] = {
                "the provisioning service gives us no hub",
                "Check the enrollment, and the settings hub.dps; then: hublinkctl reconnect.",
        },
        [LINK_REASON_CLOSED] = {
                "the hub closed the connection and did not say why",
                "Is there another client with our identity? See journalctl -u hublinkd, and the hub's own log.",
        },
};

static LinkReason reason_of(const char *text)
{
        for (int i = 0; i < _LINK_REASON_MAX; i++)
                if (strcmp(link_reason_to_string((LinkReason)i), text) == 0)
                        return (LinkReason)i;
        return LINK_REASON_CLOSED; /* a newer daemon's: no word of ours is surer */
}

static bool state_is(const GatewayStatus *s, LinkState state)
{
        return strcmp(s->link_state, link_state_to_string(state)) == 0;
}

static void put_since(Buffer *b, const GatewayStatus *s, usec_t now)
{
        if (s->link_since == 0)
                return;
        buffer_append_string(b, " since ");
        put_local_time(b, s->link_since, false);
        buffer_append_string(b, " (");
        put_span(b, usec_sub(now, s->link_since));
        buffer_append_char(b, ')');
}

static void put_next_try(Buffer *b, const GatewayStatus *s, usec_t now)
{
        if (state_is(s, LINK_CONNECTING))
                buffer_append_string(b, " A try is under way.");
        else if (s->next_attempt == 0)
                buffer_append_string(b, " No try is due.");
        else {
                buffer_append_string(b, " Next try in ");
                put_span(b, usec_sub(s->next_attempt, now));
                buffer_append_char(b, '.');
        }
}

/* The general remedy does not know what the daemon found. */
static void put_fault(Buffer *b, const GatewayStatus *s, LinkReason reason)
{
        const char *remedy = reasons[reason].remedy;

        if (*s->link_detail && reasons[reason].after)
                remedy = reasons[reason].after;
        buffer_printf(b, ": %s.%s%s", *s->link_detail ? s->link_detail : reasons[reason].wrong, *remedy ? " " : "",
                      remedy);
}

static bool disk_is(const GatewayStatus *s, DiskState state)
{
        return strcmp(s->disk_state, disk_state_to_string(state)) == 0;
}

/* The line about the queue has told why. */
static bool waits_for_queue(const GatewayStatus *s)
{
        return disk_is(s, DISK_IN_USE) && state_is(s, LINK_STOPPED) && reason_of(s->link_reason) == LINK_REASON_NONE;
}

/* Of a disk that fails its line has told what becomes of readings. */
static void put_kept(Buffer *b, const GatewayStatus *s)
{
        if (s->queue_records > 0 && gateway_counts_are_known(s) && (!*s->disk_error || disk_is(s, DISK_FULL)))
                buffer_printf(b, " %" PRIu64 " record%s on disk.", s->queue_records,
                              s->queue_records == 1 ? " waits" : "s wait");
}

/* Its words name the remedy. */
void advice_put_disk(Buffer *b, const GatewayStatus *s)
{
        if (!*s->disk_error)
                return;
        if (disk_is(s, DISK_IN_USE))
                buffer_printf(b,
                              "%s: end the one that is not wanted, a second hublinkd or hublinkctl queue. Until then "
                              "nothing is sent, and readings are kept in memory only, and few.",
                              s->disk_error);
        else if (disk_is(s, DISK_FULL))
                buffer_printf(b, "The queue's disk is full: %s. Until then %s.", s->disk_error,
                              gateway_counts_are_known(s)
                                      ? "the queue does not grow"
                                      : "it cannot be opened, and readings are kept in memory only, and few; hublinkd "
                                        "goes on by itself");
        else if (disk_is(s, DISK_STALLED))
                buffer_printf(b,
                              "The queue waits for its disk: %s. Until then readings wait in memory, and few; "
                              "hublinkd goes on by itself.",
                              s->disk_error);
        else if (disk_is(s, DISK_READ_ONLY) && gateway_counts_are_known(s))
                buffer_printf(b,
                              "The queue's disk is read-only: %s. Until then the queue does not grow, and what it "
                              "cannot write is kept in memory only; hublinkd goes on by itself.",
                              s->disk_error);
        else
                buffer_printf(b,
                              "The queue's disk %s: %s. Until then readings are kept in memory only, and few; "
                              "hublinkd goes on by itself.",
                              disk_is(s, DISK_READ_ONLY) ? "is read-only" : "fails", s->disk_error);
}

static bool is_full(const GatewayStatus *s)
{
        return s->queue_fill >= FULL;
}

/* Of a disk that fails its line has told what becomes of readings. */
void advice_put_room(Buffer *b, const GatewayStatus *s)
{
        uint64_t dropped = counts_get(&s->dropped, "queue-full");

        if (!is_full(s) || (*s->disk_error && !disk_is(s, DISK_FULL)))
                return;
        buffer_append_string(b, "The queue is full: as queue.when_full says, the oldest records give way or new ones "
                                "are refused");
        if (dropped > 0)
                buffer_printf(b, " (dropped so far: %" PRIu64 ")", dropped);
        buffer_append_string(b, disk_is(s, DISK_FULL) ? ". Free some space on its disk, or restore the link." :
                                                        ". Restore the link, or raise queue.max_bytes.");
}

/* A restart would read the same ones. */
void advice_put_settings(Buffer *b, const GatewayStatus *s)
{
        if (*s->settings_problem)
                buffer_printf(b,
                              "The settings on disk are bad, those from before are in effect: %s. hublinkctl check "
                              "tells all; when it is mended: systemctl reload hublinkd.",
                              s->settings_problem);
}

void advice_put_state(Buffer *b, const GatewayStatus *s)
{
        if (*s->state_problem)
                buffer_printf(b,
                              "What was kept over the restart is not all known: %s. Nothing is stored over it, what is "
                              "new is in memory only; when it can be read: systemctl restart hublinkd.",
                              s->state_problem);
}

void advice_put_aside(Buffer *b, const GatewayStatus *s)
{
        if (*s->queue_problem)
                buffer_printf(b,
                              "Set aside: %s. Install that one again, stop it, and give its name back to each that has "
                              "this number; or remove what nobody misses. Then: systemctl restart hublinkd.",
                              s->queue_problem);
}

static void put_alarm(Buffer *b, const AlarmInfo *a)
{
        char limit[NUMBER_TEXT_MAX];

        (void)number_format(a->limit, limit);
        buffer_printf(b, "%s %s %s since ", a->channel, a->state, limit);
        if (a->since > 0)
                put_local_time(b, a->since, false);
        else
                buffer_append_string(b, "before hublinkd's start");
}

/* The first ones by their names: more than that nobody reads in a line. */
void advice_put_alarms(Buffer *b, const GatewayStatus *s)
{
        size_t n = s->alarms.n_items;

        if (n == 0)
                return;
        buffer_printf(b, "%zu alarm%s raised: ", n, n == 1 ? " is" : "s are");
        for (size_t i = 0; i < n && i < ALARMS_NAMED_MAX; i++) {
                buffer_append_string(b, i > 0 ? ", " : "");
                put_alarm(b, &s->alarms.items[i]);
        }
        if (n > ALARMS_NAMED_MAX)
                buffer_printf(b, ", and %zu more", n - ALARMS_NAMED_MAX);
        buffer_append_char(b, '.');
}

static size_t count_in(const SensorList *l, SensorState state)
{
        size_t n = 0;

        for (size_t i = 0; l && i < l->n_sensors; i++)
                n += strcmp(l->sensors[i].state, sensor_state_to_string(state)) == 0;
        return n;
}

bool advice_reads_nothing(const GatewayStatus *s, const SensorList *l)
{
        return l && l->n_sensors == 0 && s->queue_records == 0 && gateway_counts_are_known(s) &&
               counts_get(&s->ledger, "accepted") == 0;
}

void advice_put_sensors(Buffer *b, const SensorList *l)
{
        size_t failing = count_in(l, SENSOR_FAILING), stale = count_in(l, SENSOR_STALE);

        if (failing > 0)
                buffer_printf(b, "%zu of %zu sensor%s fail%s", failing, l->n_sensors, l->n_sensors == 1 ? "" : "s",
                              failing == 1 ? "s" : "");
        if (stale > 0 && failing > 0)
                buffer_printf(b, ", %zu %s stale", stale, stale == 1 ? "is" : "are");
        else if (stale > 0)
                buffer_printf(b, "%zu of %zu sensor%s %s stale", stale, l->n_sensors, l->n_sensors == 1 ? "" : "s",
                              stale == 1 ? "is" : "are");
        if (failing > 0 || stale > 0)
                buffer_append_string(b, ": hublinkctl sensors.");
}

void advice_put_inbox(Buffer *b, const GatewayStatus *s)
{
        if (s->inbox_full)
                buffer_printf(b,
                              "The inbox takes no more from the hub, %" PRIu32
                              " message%s in it: see that their services run, "
                              "or hublinkctl inbox list; if it is not inbox.max_messages, it is the disk's room.",
                              s->inbox_waiting, s->inbox_waiting == 1 ? " waits" : "s wait");
}

/* What is lost stays told, as in the ledger: somebody is to learn of it. */
void advice_put_losses(Buffer *b, const GatewayStatus *s)
{
        uint64_t damaged = counts_get(&s->dropped, "damaged");

        if (damaged > 0)
                buffer_printf(b,
                              "%" PRIu64 " record%s could not be read any more: check the disk; journalctl -u hublinkd "
                              "names the files.",
                              damaged, damaged == 1 ? "" : "s");
        if (s->dead_letters > 0)
                buffer_printf(b, "%s%" PRIu64 " dead letter%s: hublinkctl dead-letters list.", damaged > 0 ? " " : "",
                              s->dead_letters, s->dead_letters == 1 ? " waits for you" : "s wait for you");
}

void advice_put_twin(Buffer *b, const GatewayStatus *s)
{
        if (*s->twin_problem)
                buffer_printf(b, "Device twin: %s: hublinkctl twin get; journalctl -u hublinkd.", s->twin_problem);
}

void advice_put_metrics(Buffer *b, const GatewayStatus *s)
{
        if (*s->metrics_problem)
                buffer_printf(b, "Metrics: %s. It is tried again.", s->metrics_problem);
}

static bool all_else_is_well(const GatewayStatus *s, const SensorList *l)
{
        return !*s->settings_problem && !*s->state_problem && !*s->queue_problem && !*s->metrics_problem &&
               !*s->twin_problem && s->alarms.n_items == 0 &&
               count_in(l, SENSOR_FAILING) == 0 && count_in(l, SENSOR_STALE) == 0 && !*s->disk_error && !is_full(s) &&
               counts_get(&s->dropped, "damaged") == 0 && s->dead_letters == 0 && !s->inbox_full;
}

/* How long the hub has had no record, although one waited for it. */
static usec_t silence(const GatewayStatus *s, usec_t now)
{
        usec_t since = MAX(s->link_since, s->last_acknowledged);

        return s->queue_records > 0 ? MIN(s->oldest_age, usec_sub(now, since)) : 0;
}

static Colour put_connected(Buffer *b, const GatewayStatus *s, const SensorList *sensors, usec_t now)
{
        buffer_printf(b, "Connected to %s as %s", s->hub, s->device_id);
        put_since(b, s, now);
        if (*s->link_detail) { /* it does not last */
                buffer_printf(b, ", but %s: find it and give it an identity of its own. See journalctl -u hublinkd, "
                                 "and the hub's own log.",
                              s->link_detail);
                return COLOUR_CARE;
        }
        if (silence(s, now) >= SILENCE_USEC) {
                buffer_printf(b, ". %" PRIu64 " record%s, and the hub has acknowledged none for ", s->queue_records,
                              s->queue_records == 1 ? " waits" : "s wait");
                put_span(b, silence(s, now));
                buffer_append_string(b, ": see journalctl -u hublinkd, and the streams' max_latency.");
                return COLOUR_CARE;
        }
        buffer_append_string(b, !all_else_is_well(s, sensors) ? "."
                                : advice_reads_nothing(s, sensors)
                                                ? "; 0 sensors: nothing is read (hublinkctl sensors scan)."
                                                : "; nothing to do.");
        return COLOUR_GOOD;
}

Colour advice_put_link(Buffer *b, const GatewayStatus *s, const SensorList *sensors, usec_t now)
{
        LinkReason reason = reason_of(s->link_reason);

        if (state_is(s, LINK_CONNECTED))
                return put_connected(b, s, sensors, now);
        buffer_append_string(b, "Not connected");
        put_since(b, s, now);
        if (waits_for_queue(s)) {
                buffer_append_string(b, ": not before it has the queue, which is tried again by itself.");
                return COLOUR_CARE;
        }
        if (state_is(s, LINK_STOPPED) && reason == LINK_REASON_NONE)
                buffer_append_string(b, ": hublinkd is stopping.");
        else if (state_is(s, LINK_OFFLINE) && reason == LINK_REASON_NONE)
                buffer_append_string(b, ": the first try is still to come.");
        else
                put_fault(b, s, reason);
        put_kept(b, s);
        put_next_try(b, s, now);
        return reason == LINK_REASON_NONE ? COLOUR_CARE : COLOUR_BAD;
}

