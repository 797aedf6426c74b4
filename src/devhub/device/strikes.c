/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/device/strikes.h"

#include <string.h>

#include "base/log.h"
#include "devhub/hub/access.h"

static usec_t boot_now(void)
{
        return clock_boot(&clock_system);
}

static const Fault *strike(Strikes *s, FaultKind kind, const char *device_id)
{
        return s->faults.n_rules > 0 ? faults_strike(&s->faults, kind, device_id, boot_now()) : NULL;
}

/* ---- time ---- */

/* The wall clock tells when the token ends; the link waits by the boot clock. */
static usec_t boot_end(const Strikes *s, usec_t wall_end)
{
        return wall_end == USEC_INFINITY ? USEC_INFINITY
                                         : usec_add(boot_now(), usec_sub(wall_end, clock_wall(&s->clock->clock)));
}

static usec_t end_of(const Strikes *s, const Verdict *v, bool without_grace)
{
        bool is_for_ever = v->ends_usec == USEC_INFINITY;

        return boot_end(s, without_grace && !is_for_ever ? usec_sub(v->ends_usec, ACCESS_GRACE_USEC) : v->ends_usec);
}

usec_t strikes_end(Strikes *s, const Verdict *v)
{
        return end_of(s, v, strike(s, FAULT_TOKEN_CUT, v->device_id) != NULL);
}

void strikes_set_ends(Strikes *s)
{
        for (size_t i = 0; i < s->links->n; i++) {
                Link *link = s->links->all[i];
                const Verdict *v = link_verdict(link);

                if (!link_is_open(link))
                        continue;
                if (v->device_id)
                        link_set_end(link, end_of(s, v, faults_look(&s->faults, FAULT_TOKEN_CUT, v->device_id,
                                                                    boot_now()) != NULL));
                else
                        link_set_end(link, boot_end(s, link_notes(link)->guest_ends_usec));
        }
}

static void set_clock(Strikes *s)
{
        const Fault *fault = faults_look(&s->faults, FAULT_CLOCK_OFFSET, NULL, boot_now());
        int64_t wrong = fault ? fault->offset_usec : 0;

        if (wrong == s->clock->wrong_usec)
                return;
        s->clock->wrong_usec = wrong;
        strikes_set_ends(s);
}

static usec_t deadline(void *userdata)
{
        return faults_deadline(&((Strikes *)userdata)->faults);
}

void strikes_expire(Strikes *s, usec_t now)
{
        faults_expire(&s->faults, now);
        set_clock(s);
        strikes_set_ends(s);
}

static void tick(void *userdata, usec_t now)
{
        strikes_expire(userdata, now);
}

Ticker strikes_ticker(Strikes *s)
{
        return (Ticker){"faults", deadline, tick, s};
}

/* ---- life ---- */

void strikes_init(Strikes *s, Links *links, Certificates *certificates, HubClock *clock)
{
        *s = (Strikes){.links = links, .certificates = certificates, .clock = clock};
}

void strikes_done(Strikes *s)
{
        faults_done(&s->faults);
}

/* ---- links that are open ---- */

static bool strikes_links(FaultKind kind)
{
        return kind == FAULT_CUT || kind == FAULT_SILENT || kind == FAULT_RESET || kind == FAULT_TAKEOVER;
}

static void hit(Link *link, FaultKind kind)
{
        switch (kind) {
        case FAULT_SILENT:
                link_silence(link);
                break;
        case FAULT_RESET:
                link_reset(link, "reset by a fault");
                break;
        case FAULT_TAKEOVER:
                link_close(link, "400027 ConnectionForcefullyClosedOnNewConnection, by a fault");
                break;
        default:
                link_close(link, "cut by a fault");
                break;
        }
}

/* once: each of them, without a rule. */
static void hit_links(Strikes *s, const Fault *fault, bool once)
{
        for (size_t i = 0; i < s->links->n; i++) {
                Link *link = s->links->all[i];
                const char *device_id = link_verdict(link)->device_id;

                if (!link_is_open(link) ||
                    (fault->device_id && (!device_id || strcmp(fault->device_id, device_id) != 0)))
                        continue;
                if (once || strike(s, fault->kind, device_id))
                        hit(link, fault->kind);
        }
}

/* ---- connections that are no links ---- */

static const FaultKind of_callers[] = {FAULT_SILENT, FAULT_CUT, FAULT_RESET};

static bool strikes_callers(const Fault *fault)
{
        for (size_t i = 0; i < ARRAY_SIZE(of_callers); i++)
                if (fault->kind == of_callers[i])
                        return !fault->device_id; /* they have said no name */
        return false;
}

static void hit_caller(Wire *wire, FaultKind kind)
{
        log_notice("%s: %s, by a fault", wire_peer(wire),
                   kind == FAULT_SILENT ? "silent from here on" : kind == FAULT_RESET ? "reset" : "cut");
        if (kind == FAULT_SILENT)
                wire_silence(wire);
        else if (kind == FAULT_RESET)
                wire_reset(wire);
        else
                wire_end(wire);
}

typedef struct Blow {
        Strikes *strikes;
        FaultKind kind;
        bool once;
} Blow;

static void visit_caller(void *userdata, Wire *wire)
{
        const Blow *blow = userdata;

        if (wire_has_begun(wire) && !wire_has_ended(wire) &&
            (blow->once || strike(blow->strikes, blow->kind, NULL)))
                hit_caller(wire, blow->kind);
}

static void hit_callers(Strikes *s, const Fault *fault, bool once)
{
        Blow blow = {s, fault->kind, once};

        for (size_t i = 0; i < s->n_doors; i++)
                s->doors[i].each(s->doors[i].userdata, visit_caller, &blow);
}

void strikes_add_callers(Strikes *s, Callers callers)
{
        s->doors[s->n_doors++] = callers;
}

void strikes_caller(Strikes *s, Wire *wire)
{
        for (size_t i = 0; i < ARRAY_SIZE(of_callers); i++)
                if (strike(s, of_callers[i], NULL)) {
                        hit_caller(wire, of_callers[i]);
                        return;
                }
}

/* ---- rules ---- */

static bool is_single_stroke(const Fault *fault)
{
        bool boundless = fault->until_usec == USEC_INFINITY && fault->strikes_left == UINT64_MAX;

        return boundless &&
               (fault->kind == FAULT_CUT || fault->kind == FAULT_RESET || fault->kind == FAULT_TAKEOVER);
}

int strikes_set(Strikes *s, const Fault *fault)
{
        bool once = is_single_stroke(fault);
        int r;

        r = certificates_prepare(s->certificates, fault->kind, clock_wall(&clock_system));
        if (r >= 0 && !once)
                r = faults_set(&s->faults, fault);
        if (r < 0)
                return r;
        log_notice("Fault %s for %s", fault_kind_to_string(fault->kind), fault->device_id ? fault->device_id : "all");
        set_clock(s);
        if (fault->kind == FAULT_TOKEN_CUT)
                strikes_set_ends(s);
        if (strikes_links(fault->kind))
                hit_links(s, fault, once);
        if (strikes_callers(fault))
                hit_callers(s, fault, once);
        return 0;
}

void strikes_clear(Strikes *s, FaultKind kind)
{
        faults_clear(&s->faults, kind);
        log_notice("Fault %s cleared", kind == _FAULT_KIND_MAX ? "(all)" : fault_kind_to_string(kind));
        set_clock(s);
        strikes_set_ends(s);
}

/* ---- on a client's way ---- */

TlsServer *strikes_newcomer(Strikes *s, bool *ret_stall)
{
        static const FaultKind kinds[] = {FAULT_CERT_WRONG_NAME, FAULT_CERT_EXPIRED, FAULT_CERT_NEW_CA};

        *ret_stall = strike(s, FAULT_TLS_STALL, NULL) != NULL;
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (strike(s, kinds[i], NULL))
                        return certificates_get(s->certificates, kinds[i]);
        return certificates_get(s->certificates, _FAULT_KIND_MAX);
}

bool strikes_connect(Strikes *s, const Link *link, const Verdict *v, SessionGrant *ret)
{
        const Fault *fault;

        if (strike(s, FAULT_SILENT, v->device_id)) {
                log_notice("%s: silent from here on, by a fault", link_peer(link));
                ret->silent = true;
                return true;
        }
        fault = strike(s, FAULT_REFUSE_CONNECT, v->device_id);
        if (!fault)
                return false;
        ret->code = fault->code;
        ret->hang_up = fault->code == 0;
        ret->reason = "refused by a fault";
        return true;
}

bool strikes_packet(Strikes *s, Link *link)
{
        static const FaultKind kinds[] = {FAULT_CUT, FAULT_RESET, FAULT_TAKEOVER};

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (strike(s, kinds[i], link_verdict(link)->device_id)) {
                        hit(link, kinds[i]);
                        return true;
                }
        return false;
}

bool strikes_event(Strikes *s, const Link *link, const SessionEvent *event)
{
        return s->faults.n_rules > 0 &&
               faults_poison(&s->faults, link_verdict(link)->device_id, event->body.data, event->body.size, boot_now());
}

usec_t strikes_puback_delay(Strikes *s, const Link *link)
{
        const char *device_id = link_verdict(link)->device_id;
        const Fault *fault;

        if (strike(s, FAULT_WITHHOLD_PUBACK, device_id))
                return USEC_INFINITY;
        fault = strike(s, FAULT_DELAY_PUBACK, device_id);
        return fault ? fault->delay_usec : 0;
}
