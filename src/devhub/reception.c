/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reception - what links tell the server, from CONNECT to their end
 *
 * Who connects is judged, and takes the place of an older link of the same identity; events go to the turn, everything
 * else to the desks.
 */

#include <errno.h>

#include "base/log.h"
#include "devhub/device/doorman.h"
#include "devhub/hub/admission.h"
#include "devhub/hub/presence.h"
#include "devhub/mqtt/judge-desk.h"
#include "devhub/mqtt/kept-sessions.h"
#include "devhub/net/words.h"
#include "devhub/server-core.h"

#define ACTIVITY_KEPT_EACH_USEC USEC_PER_MIN

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

LinkSink server_link_sink(Server *s)
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
