/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/server.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/pulse.h"
#include "devhub/departures.h"
#include "devhub/device/doorman.h"
#include "devhub/hub/admission.h"
#include "devhub/hub/presence.h"
#include "devhub/mqtt/judge-desk.h"
#include "devhub/mqtt/kept-sessions.h"
#include "devhub/mqtt-door.h"
#include "devhub/net/words.h"
#include "devhub/turn.h"

#define ACTIVITY_KEPT_EACH_USEC USEC_PER_MIN

struct Server {
        ServerSettings settings;
        char *host;
        Store *store;
        sd_event *event;

        MqttDoor door;
        Turn *turn;
        Links links;
        bool ended_links; /* some of them wait to be freed */

        Hub hub;
        Pulse *pulse;
        DeskRow desks;

        HubClock clock;
        Strikes strikes;
        Departures departures;
};

/* At the turn's end, when no link is on the stack. */
static void free_ended_links(void *userdata)
{
        Server *s = userdata;

        if (!s->ended_links)
                return;
        s->ended_links = false;
        links_free_ended(&s->links);
}

/* ---- who is who ---- */

static const char *module_of(const Verdict *v)
{
        return v->module_id ? v->module_id : "";
}

static const char *slash_of(const Verdict *v)
{
        return v->module_id ? "/" : "";
}

#define WHO_FORMAT "%s%s%s"
#define WHO(v)     (v)->device_id, slash_of(v), module_of(v)

/* One link per identity: the newer wins. */
static void take_over(Server *s, const Verdict *v)
{
        for (size_t i = 0; i < s->links.n; i++) {
                Link *link = s->links.all[i];

                if (link_notes(link)->id == 0 || link_has_ended(link) ||
                    !link_is_of(link, v->device_id, v->module_id))
                        continue;
                /* a silenced link stays half-open, as if the network had swallowed our FIN */
                if (link_is_open(link))
                        link_close(link, "400027 ConnectionForcefullyClosedOnNewConnection: it connected anew");
        }
}

/* ---- CONNECT ---- */

/* What fails here is no reason to cut a link: it is what people look at, not what they rely on. */
static void check_presence(Server *s, Link *link, int r)
{
        const Verdict *v = link_verdict(link);

        if (r < 0)
                log_warning("%s: " WHO_FORMAT ": its time of activity is not kept: %s", link_peer(link), WHO(v),
                            store_error(s->store));
}

static void note_presence(Server *s, Link *link, bool connected)
{
        const Verdict *v = link_verdict(link);
        LinkNotes *notes = link_notes(link);
        usec_t now = clock_wall(s->hub.clock);

        if (connected)
                notes->active_usec = notes->active_kept_usec = now;
        if (!connected && links_find(&s->links, v->device_id, v->module_id))
                check_presence(s, link, presence_active(s->store, v->device_id, v->module_id, notes->active_usec));
        else
                check_presence(s, link, presence_changed(s->store, v->device_id, v->module_id, connected, now));
        turn_want_end(s->turn);
}

/* In the store of an event's own turn, but not with each. */
static void note_activity(Server *s, Link *link)
{
        const Verdict *v = link_verdict(link);
        LinkNotes *notes = link_notes(link);

        notes->active_usec = clock_wall(s->hub.clock);
        if (notes->active_usec < usec_add(notes->active_kept_usec, ACTIVITY_KEPT_EACH_USEC))
                return;
        notes->active_kept_usec = notes->active_usec;
        check_presence(s, link, presence_active(s->store, v->device_id, v->module_id, notes->active_usec));
}

/* Has one of the desks a guest in it? Faults that are for everyone strike guests too. */
static bool greet_guest(Server *s, Link *link, const MqttConnect *connect, SessionGrant *ret)
{
        if (!desk_row_connect(&s->desks, link, connect, ret))
                return false;
        (void)strikes_connect(&s->strikes, link, &(Verdict){}, ret);
        if (ret->code != CONNACK_ACCEPTED)
                log_notice("%s: a guest: refused with CONNACK %u: %s", link_peer(link), ret->code, ret->reason);
        return true;
}

/* A session that begins or ends has done so before its client hears of it. */
static int take_up_session(Server *s, const Verdict *v, bool clean, SessionGrant *ret)
{
        int r = clean ? kept_sessions_drop(s->store, v->device_id, v->module_id)
                      : kept_sessions_open(s->store, v->device_id, v->module_id, &ret->subscriptions);
        bool was_there = r > 0;

        ret->present = was_there && !clean;
        return r >= 0 && was_there == clean ? turn_commit(s->turn) : r;
}

static void on_link_connect(void *userdata, Link *link, const MqttConnect *connect, SessionGrant *ret)
{
        Server *s = userdata;
        JudgeDesk desk = judge_desk(s->store);
        _cleanup_(verdict_done) Verdict judged = {};
        const Verdict *v;

        if (greet_guest(s, link, connect, ret))
                return;
        judge_connect(connect, link_certificate(link), s->settings.host, clock_wall(s->hub.clock), &desk, &judged);
        /* who is a stranger takes nobody's place; who has to wait is judged again after it */
        if (judged.code == CONNACK_ACCEPTED && !doorman_connect(&s->hub, link, ret))
                return;
        if (strikes_connect(&s->strikes, link, &judged, ret)) {
                if (!ret->silent)
                        log_notice("%s: %s: refused with CONNACK %u, by a fault", link_peer(link),
                                   words("", judged.device_id, "unknown").text, ret->code);
                return;
        }
        ret->code = judged.code;
        ret->reason = judged.reason;
        if (judged.code != CONNACK_ACCEPTED) {
                log_notice("%s: %s: refused with CONNACK %u: %s", link_peer(link),
                           words("", judged.device_id, "unknown").text, judged.code, judged.reason);
                return;
        }
        take_over(s, &judged);
        link_set_verdict(link, &judged);
        v = link_verdict(link);
        if (turn_admit(s->turn, link) < 0) {
                ret->code = CONNACK_UNAVAILABLE;
                ret->reason = "the link could not be recorded";
                return;
        }
        note_presence(s, link, true);
        desk_row_connected(&s->desks, link);
        if (take_up_session(s, v, connect->clean_session, ret) < 0) {
                ret->code = CONNACK_UNAVAILABLE;
                ret->reason = "its session could not be stored";
                return;
        }
        ret->device_id = v->device_id;
        ret->module_id = v->module_id;
        ret->ends_usec = strikes_end(&s->strikes, v);
        log_info("%s: " WHO_FORMAT ": connected, keep-alive %u s%s%s", link_peer(link), WHO(v), connect->keep_alive,
                 words(", product ", v->product, "").text, words(", model ", v->model_id, "").text);
}

/* ---- events ---- */

static bool on_link_packet(void *userdata, Link *link)
{
        Server *s = userdata;

        return !strikes_packet(&s->strikes, link);
}

static int on_link_event(void *userdata, Link *link, const SessionEvent *event, usec_t *ret_delay_usec)
{
        Server *s = userdata;
        int r;

        if (strikes_event(&s->strikes, link, event))
                return -ECANCELED;
        r = doorman_event(&s->hub, link, event, ret_delay_usec);
        if (r != 0)
                return r;
        r = turn_take(s->turn, link, event);
        if (r < 0)
                return r;
        hub_bill(&s->hub, OPERATION_D2C_SEND, event->size);
        note_activity(s, link);
        if (event->qos > 0)
                *ret_delay_usec = MAX(*ret_delay_usec, strikes_puback_delay(&s->strikes, link));
        return 0;
}

/* ---- the desks ---- */

static const char *on_link_request(void *userdata, Link *link, const SessionRequest *request)
{
        Server *s = userdata;

        return desk_row_request(&s->desks, link, request);
}

static int on_link_keep(void *userdata, Link *link, const Subscriptions *subscriptions)
{
        Server *s = userdata;
        const Verdict *v = link_verdict(link);
        int r = kept_sessions_write(s->store, v->device_id, v->module_id, subscriptions);

        return r < 0 ? r : turn_commit(s->turn);
}

static void on_link_subscribed(void *userdata, Link *link)
{
        Server *s = userdata;

        if (link_notes(link)->id != 0)
                desk_row_subscribed(&s->desks, link);
}

static void on_link_acknowledged(void *userdata, Link *link, uint64_t tag)
{
        Server *s = userdata;

        if (link_notes(link)->id != 0)
                desk_row_acknowledged(&s->desks, link, tag);
}

/* ---- the end ---- */

static void tell_will(Server *s, Link *link)
{
        SessionEvent will;

        if (!session_will(link_session(link), &will))
                return;
        if (turn_take_will(s->turn, link, &will) < 0)
                log_warning("%s: its will could not be stored", link_peer(link));
        else
                hub_bill(&s->hub, OPERATION_D2C_SEND, will.size);
}

static void on_link_ended(void *userdata, Link *link)
{
        Server *s = userdata;
        Session *session = link_session(link);
        const Verdict *v = link_verdict(link);

        if (link_notes(link)->id > 0) {
                const char *reason = session_reason(session);

                if (!link_notes(link)->forgotten)
                        tell_will(s, link);
                note_presence(s, link, false);
                log_info("%s: " WHO_FORMAT ": %s%s, %llu events", link_peer(link), WHO(v),
                         *reason ? "closed: " : "disconnected", reason,
                         (unsigned long long)session_n_events(session));
        } else if (session && *session_reason(session)) {
                log_info("%s: closed: %s", link_peer(link), session_reason(session));
        }
        desk_row_ended(&s->desks, link);
        s->ended_links = true;
        turn_want_end(s->turn);
}

/* ---- what links tell ---- */

static LinkSink sink_of(Server *s)
{
        return (LinkSink){
                .connect = on_link_connect,
                .packet = on_link_packet,
                .event = on_link_event,
                .request = on_link_request,
                .keep = on_link_keep,
                .subscribed = on_link_subscribed,
                .acknowledged = on_link_acknowledged,
                .ended = on_link_ended,
                .userdata = s,
        };
}

/* ---- life ---- */

static bool are_connected(void *userdata, const char *device_id, const char *module_id)
{
        Server *s = userdata;

        return links_find(&s->links, device_id, module_id) != NULL;
}

static usec_t last_activity(void *userdata, const char *device_id, const char *module_id)
{
        Server *s = userdata;
        Link *link = links_find(&s->links, device_id, module_id);

        return link ? link_notes(link)->active_usec : 0;
}

static unsigned n_connected(void *userdata)
{
        Server *s = userdata;

        return links_n_devices(&s->links);
}

static void forget(void *userdata, const char *device_id, const char *module_id)
{
        Server *s = userdata;

        if (departures_add(&s->departures, device_id, module_id) < 0)
                turn_spoil(s->turn);
        turn_want_end(s->turn);
}

static void on_turn_ended(void *userdata, bool committed)
{
        Server *s = userdata;

        if (committed)
                departures_carry_out(&s->departures);
        else
                departures_call_off(&s->departures);
}

static int commit(void *userdata)
{
        Server *s = userdata;

        return s->turn ? turn_commit(s->turn) : -ESHUTDOWN; /* no turn: all is being closed */
}

static void spoil(void *userdata)
{
        Server *s = userdata;

        if (s->turn)
                turn_spoil(s->turn);
}

int server_new(Server **ret, sd_event *event, const ServerSettings *settings, Certificates *certificates,
               Store *store, const char **ret_error)
{
        _cleanup_(server_freep) Server *s = calloc(1, sizeof(*s));
        int r;

        *ret_error = "no memory";
        if (!s)
                return -ENOMEM;
        s->settings = *settings;
        s->store = store;
        s->event = sd_event_ref(event);
        s->host = strdup(settings->host);
        if (!s->host)
                return -ENOMEM;
        s->settings.host = s->host;
        s->hub = (Hub){
                .store = store,
                .clock = &s->clock.clock,
                .faults = &s->strikes.faults,
                .host = s->host,
                .devices = {are_connected, forget, last_activity, n_connected, s},
                .commit = commit,
                .spoil = spoil,
                .userdata = s,
        };
        s->departures = (Departures){.store = store, .links = &s->links, .desks = &s->desks};
        hub_clock_init(&s->clock);
        r = hub_clock_load(&s->clock, store);
        if (r < 0) {
                *ret_error = "cannot read how far the hub's clock was moved";
                return r;
        }
        strikes_init(&s->strikes, &s->links, certificates, &s->clock);
        r = pulse_new(&s->pulse, event, &clock_system);
        if (r >= 0)
                r = pulse_add(s->pulse, strikes_ticker(&s->strikes));
        if (r < 0)
                return r;
        r = turn_new(&s->turn, event, store, s->hub.clock, free_ended_links, s);
        if (r < 0) {
                *ret_error = "cannot write events";
                return r;
        }
        turn_on_end(s->turn, on_turn_ended, s);
        s->door = (MqttDoor){.event = event, .links = &s->links, .strikes = &s->strikes, .sink = sink_of(s)};
        r = mqtt_door_open(&s->door, settings->listen, settings->mqtt_port, ret_error);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

static void note_the_end(Server *s)
{
        for (size_t i = 0; i < s->links.n; i++) {
                const Verdict *v = link_verdict(s->links.all[i]);

                if (link_is_open(s->links.all[i]) && v->device_id)
                        (void)presence_changed(s->store, v->device_id, v->module_id, false,
                                               clock_wall(s->hub.clock));
        }
}

void server_close_links(Server *s)
{
        if (s->turn)
                note_the_end(s);
        s->turn = turn_free(s->turn);
        links_done(&s->links);
}

Server *server_free(Server *s)
{
        if (!s)
                return NULL;
        mqtt_door_close(&s->door);
        server_close_links(s);
        pulse_free(s->pulse);
        strikes_done(&s->strikes);
        departures_call_off(&s->departures);
        free(s->host);
        sd_event_unref(s->event);
        free(s);
        return NULL;
}

/* ---- verbs ---- */

void server_take_websocket(Server *s, const WireHandover *handover)
{
        mqtt_door_take_websocket(&s->door, handover);
}

int server_move_clock(Server *s, int64_t by_usec)
{
        int r;

        if (!s->settings.virtual_clock)
                return -EPERM;
        if (by_usec > (int64_t)SERVER_CLOCK_STEP_MAX || by_usec < -(int64_t)SERVER_CLOCK_STEP_MAX)
                return -ERANGE;
        r = hub_clock_move(&s->clock, s->store, by_usec);
        if (r >= 0) {
                r = turn_commit(s->turn);
                if (r < 0)
                        s->clock.moved_usec -= by_usec;
        }
        strikes_set_ends(&s->strikes);
        return r;
}

void server_forget(Server *s, const char *device_id, const char *module_id)
{
        departures_at_once(&s->departures, device_id, module_id);
        turn_want_end(s->turn);
}

void server_cut(Server *s, const char *device_id, const char *module_id)
{
        departures_cut(&s->departures, device_id, module_id);
        turn_want_end(s->turn);
}

int server_add_desk(Server *s, const Desk *desk)
{
        return desk_row_add(&s->desks, desk);
}

void server_set_limits(Server *s, Limits *limits)
{
        s->hub.limits = limits;
        turn_set_limits(s->turn, limits);
}

int server_add_ticker(Server *s, Ticker ticker)
{
        return pulse_add(s->pulse, ticker);
}

void server_on_stored(Server *s, void (*stored)(void *userdata), void *userdata)
{
        turn_on_stored(s->turn, stored, userdata);
}

/* ---- questions ---- */

Hub *server_hub(Server *s)
{
        return &s->hub;
}

const Links *server_links(const Server *s)
{
        return &s->links;
}

uint16_t server_mqtt_port(const Server *s)
{
        return mqtt_door_port(&s->door);
}

usec_t server_wall(const Server *s)
{
        return clock_wall(s->hub.clock);
}

Strikes *server_strikes(Server *s)
{
        return &s->strikes;
}
