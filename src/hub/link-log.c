/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/link-log.h"

#include <stdio.h>

#include "base/buffer.h"
#include "base/log-id.h"
#include "base/log.h"

void link_log_init(LinkLog *log, usec_t now)
{
        *log = (LinkLog){
                .lines = LINK_LOG_BURST,
                .refill_usec = usec_add(now, LINK_LOG_REFILL_USEC),
        };
}

/* ---- how many lines there may be ---- */

static void refill(LinkLog *log, usec_t now)
{
        while (log->lines < LINK_LOG_BURST && now >= log->refill_usec) {
                log->lines++;
                log->refill_usec = usec_add(log->refill_usec, LINK_LOG_REFILL_USEC);
        }
        if (log->lines == LINK_LOG_BURST)
                log->refill_usec = usec_add(now, LINK_LOG_REFILL_USEC);
}

static bool admit(LinkLog *log, usec_t now)
{
        refill(log, now);
        log->held_back = log->lines == 0;
        if (log->held_back)
                return false;
        log->lines--;
        return true;
}

/* ---- the lines ---- */

/* "0.8 s", "3 s", "12 min", "5 h 3 min", "2 days 4 h" */
static void put_span(Buffer *b, usec_t span)
{
        if (span < 2 * USEC_PER_SEC)
                buffer_printf(b, "%llu.%llu s", (unsigned long long)(span / USEC_PER_SEC),
                              (unsigned long long)(span % USEC_PER_SEC / (USEC_PER_SEC / 10)));
        else if (span < 2 * USEC_PER_MIN)
                buffer_printf(b, "%llu s", (unsigned long long)(span / USEC_PER_SEC));
        else if (span < 2 * USEC_PER_HOUR)
                buffer_printf(b, "%llu min", (unsigned long long)(span / USEC_PER_MIN));
        else if (span < 2 * USEC_PER_DAY)
                buffer_printf(b, "%llu h %llu min", (unsigned long long)(span / USEC_PER_HOUR),
                              (unsigned long long)(span % USEC_PER_HOUR / USEC_PER_MIN));
        else
                buffer_printf(b, "%llu days %llu h", (unsigned long long)(span / USEC_PER_DAY),
                              (unsigned long long)(span % USEC_PER_DAY / USEC_PER_HOUR));
}

static void put_history(LinkLog *log, Buffer *b, usec_t now)
{
        if (log->failures > 1) {
                buffer_printf(b, " after %u attempts in ", log->failures);
                put_span(b, usec_sub(now, log->down_usec));
        }
}

/* The line itself tells one of them. */
static void put_changes(const LinkLog *log, Buffer *b)
{
        if (log->changes > 1)
                buffer_printf(b, " (%u changes of the link since the last line)", log->changes);
}

static void write_line(int priority, const char *id, const LinkLog *log, const LinkNews *news, const Buffer *text)
{
        char state[64], reason[64], delay[64], attempts[64], hub[320], device[320];

        if (buffer_error(text))
                return;
        (void)snprintf(state, sizeof(state), "HUBLINK_STATE=%s", link_state_to_string(news->state));
        (void)snprintf(reason, sizeof(reason), "HUBLINK_REASON=%s", link_reason_to_string(news->reason));
        (void)snprintf(delay, sizeof(delay), "HUBLINK_DELAY_USEC=%llu", (unsigned long long)news->delay_usec);
        (void)snprintf(attempts, sizeof(attempts), "HUBLINK_ATTEMPTS=%u", log->failures);
        (void)snprintf(hub, sizeof(hub), "HUBLINK_HUB=%s", news->host);
        (void)snprintf(device, sizeof(device), "HUBLINK_DEVICE=%s", news->device_id);
        log_line(priority, id, LOG_FIELDS(state, reason, delay, attempts, hub, device), "%s", text->data);
}

static void told(LinkLog *log, const LinkNews *news, usec_t now)
{
        log->begun = true;
        log->told_up = log->up;
        log->told_reason = news->reason;
        log->told_usec = now;
        log->changes = 0;
}

static void tell_up(LinkLog *log, const LinkNews *news, usec_t now)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        buffer_printf(&b, "Connected to %s as %s", news->host, news->device_id);
        put_history(log, &b, now);
        put_changes(log, &b);
        buffer_append_char(&b, '.');
        write_line(LOG_NOTICE, LOG_ID_LINK_CONNECTED, log, news, &b);
        told(log, news, now);
}

/* Another key is the remedy of one reason alone. */
static const char *id_of(LinkReason reason)
{
        return reason == LINK_REASON_CREDENTIAL ? LOG_ID_LINK_REFUSED : LOG_ID_LINK_DOWN;
}

static void tell_down(LinkLog *log, const LinkNews *news, usec_t now)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        bool lost = log->told_up;

        buffer_printf(&b, "%s %s (%s)", lost ? "Lost the connection to" : "Cannot connect to", news->host,
                      link_reason_to_string(news->reason));
        put_history(log, &b, now);
        put_changes(log, &b);
        if (news->detail[0])
                buffer_printf(&b, ": %s", news->detail);
        if (news->delay_usec > 0) {
                buffer_append_string(&b, ". Next try in ");
                put_span(&b, news->delay_usec);
        }
        buffer_append_char(&b, '.');
        write_line(LOG_WARNING, id_of(news->reason), log, news, &b);
        told(log, news, now);
}

/* ---- the story ---- */

void link_log_connected(LinkLog *log, const LinkNews *news, usec_t now)
{
        if (log->up) { /* a planned reconnect is no news */
                log_debug("Reconnected to %s.", news->host);
                return;
        }
        log->up = true;
        log->changes++;
        if (admit(log, now))
                tell_up(log, news, now);
}

void link_log_failed(LinkLog *log, const LinkNews *news, usec_t now)
{
        bool lost = log->up;

        if (lost || log->failures == 0) {
                log->down_usec = now;
                log->failures = 0;
        }
        log->up = false;
        log->failures++;
        log->changes += lost;
        if (log->begun && !log->told_up && !lost && news->reason == log->told_reason) {
                log->held_back = false; /* what was told last is true again */
                return;
        }
        if (admit(log, now))
                tell_down(log, news, now);
}

void link_log_stopped(LinkLog *log)
{
        log->begun = log->up = log->told_up = log->held_back = false;
        log->failures = log->changes = 0;
}

usec_t link_log_deadline(const LinkLog *log)
{
        if (log->held_back)
                return log->refill_usec;
        if (log->begun && !log->up)
                return usec_add(log->told_usec, LINK_LOG_RECALL_USEC);
        return USEC_INFINITY;
}

void link_log_tick(LinkLog *log, const LinkNews *news, usec_t now)
{
        if (now < link_log_deadline(log) || !admit(log, now))
                return;
        if (log->up)
                tell_up(log, news, now);
        else
                tell_down(log, news, now);
}
