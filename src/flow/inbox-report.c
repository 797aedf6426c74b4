/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the cloud is told of a message's end, if the settings ask for it.
 *
 * A report is on the disk before the end is: a crash between the two tells it once more, and never not at all. So that
 * its reader can drop the second, a report names the message as the inbox does.
 *
 * One that the queue does not take, and will not take in a little while either, is counted and told here. The message
 * ends without it: whoever has it has done what it asks, and would do so again each time that it is offered.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/log-id.h"
#include "base/log.h"
#include "flow/inbox-core.h"

#define REPORT_PROPERTY "hl-inbox"    /* its value says what became of the message */
#define REPORT_ID       "hl-inbox-id" /* and this one, which message of the inbox it was */

static const char *const words[] = {
        [INBOX_COMPLETED] = "completed",
        [INBOX_REJECTED] = "rejected",
        [INBOX_EXPIRED] = "expired",
};

bool inbox_is_reported(const Inbox *x, const C2dMessage *about, InboxOutcome outcome)
{
        return about->message_id && *about->message_id && x->intake.submit_message &&
               ((outcome == INBOX_REJECTED && x->settings.report_rejects) ||
                (outcome == INBOX_COMPLETED && x->settings.report_completions));
}

static int put_properties(Message *m, uint64_t id, InboxOutcome outcome)
{
        char number[24];
        int r = message_add_property(m, REPORT_PROPERTY, words[outcome]);

        if (r < 0 || id == 0)
                return r;
        (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)id);
        return message_add_property(m, REPORT_ID, number);
}

int inbox_report_new(uint64_t id, const C2dMessage *about, InboxOutcome outcome, const char *reason, Message **ret)
{
        _cleanup_(message_freep) Message *m = calloc(1, sizeof(*m));
        int r;

        if (!m)
                return -ENOMEM;
        m->correlation_id = strdup(about->message_id);
        m->content_type = strdup("application/json");
        m->content_encoding = strdup("utf-8");
        if (!m->correlation_id || !m->content_type || !m->content_encoding)
                return -ENOMEM;
        r = put_properties(m, id, outcome);
        if (r < 0)
                return r;
        buffer_printf(&m->body, "{\"outcome\":\"%s\",\"reason\":", words[outcome]);
        json_string(&m->body, reason);
        buffer_append_char(&m->body, '}');
        if (buffer_error(&m->body) < 0)
                return -ENOMEM;
        *ret = TAKE_PTR(m);
        return 0;
}

void inbox_report_lost(Inbox *x, uint64_t id, const C2dMessage *about, InboxOutcome outcome, const char *why)
{
        ThrottleOthers others;
        uint64_t held_back;

        x->status.untold++;
        if (throttle_admits(&x->told_untold, clock_boot(x->clock), INBOX_TELL_INTERVAL, &held_back))
                log_line(LOG_WARNING, LOG_ID_INBOX_UNTOLD, NULL,
                         "Inbox: the cloud is not told that message %llu (%s) was %s: %.300s%s.",
                         (unsigned long long)id, about->message_id ?: "no message id", words[outcome], why,
                         throttle_others(&others, held_back));
}
