/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/provisioning.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "azure/topic.h"
#include "base/json.h"
#include "base/number.h"
#include "base/visible.h"
#include "model/document.h"

#define MESSAGE_TOLD_MAX 200 /* of the service's own words */

static const char no_memory[] = "there is no memory for the talk with the provisioning service";

/* ---- life of a talk ---- */

void provisioning_end(Provisioning *p)
{
        p->phase = PROVISIONING_IDLE;
        p->deadline_usec = p->patience_usec = USEC_INFINITY;
}

void provisioning_done(Provisioning *p)
{
        free(p->registration);
        assignment_free(p->assignment);
        *p = (Provisioning){};
}

int provisioning_begin(Provisioning *p, const char *registration, usec_t now)
{
        char *copy = strdup(registration);

        if (!copy)
                return -ENOMEM;
        provisioning_done(p);
        provisioning_end(p);
        p->registration = copy;
        p->phase = PROVISIONING_REACHING;
        return 0;
}

/* ---- how it ends ---- */

_printf_(4, 5) static ProvisioningAction
                fail(Provisioning *p, LinkReason reason, usec_t peace_usec, const char *fmt, ...)
{
        va_list ap;

        provisioning_end(p);
        p->reason = reason;
        p->peace_usec = MAX(peace_usec, PROVISIONING_PEACE_USEC);
        va_start(ap, fmt);
        (void)vsnprintf(p->detail, sizeof(p->detail), fmt, ap);
        va_end(ap);
        return PROVISIONING_FAILED;
}

static ProvisioningAction fail_without_memory(Provisioning *p)
{
        return fail(p, LINK_REASON_CLOSED, 0, "%s", no_memory);
}

static ProvisioningAction fail_unreadable(Provisioning *p)
{
        return fail(p, LINK_REASON_PROVISIONING, PROVISIONING_DENIED_USEC,
                    "the provisioning service gave an answer that cannot be understood");
}

/* ---- what we say ---- */

static ProvisioningAction say(Provisioning *p, ProvisioningPhase phase, ProvisioningAction action, usec_t now)
{
        p->phase = phase;
        p->deadline_usec = usec_add(now, PROVISIONING_ANSWER_USEC);
        if (action != PROVISIONING_SUBSCRIBE)
                p->rid++;
        return action;
}

static ProvisioningAction pause_for(Provisioning *p, usec_t usec, usec_t now)
{
        p->phase = PROVISIONING_ASSIGNING;
        p->deadline_usec = usec_add(now, MAX(usec, PROVISIONING_POLL_MIN_USEC));
        return PROVISIONING_NOTHING;
}

void provisioning_topic(const Provisioning *p, Buffer *b)
{
        char rid[NUMBER_TEXT_MAX];

        (void)snprintf(rid, sizeof(rid), "%u", p->rid);
        if (p->phase == PROVISIONING_REGISTERING)
                topic_dps_register(b, rid);
        else
                topic_dps_poll(b, rid, p->operation);
}

const char *provisioning_words(const Provisioning *p)
{
        static const char *const words[_PROVISIONING_PHASE_MAX] = {
                [PROVISIONING_IDLE] = "",
                [PROVISIONING_REACHING] = "connecting to the provisioning service",
                [PROVISIONING_SUBSCRIBING] = "the provisioning service has been reached",
                [PROVISIONING_REGISTERING] = "the provisioning service has been asked for a hub",
                [PROVISIONING_ASSIGNING] = "the provisioning service is assigning a hub",
                [PROVISIONING_POLLING] = "the provisioning service is assigning a hub",
        };

        return words[p->phase];
}

/* ---- what the service says ---- */

/* " (400209: the words of the service)", as much of it as was said. */
typedef char Told[MESSAGE_TOLD_MAX * 4 + 64];

static const char *told(const Document *d, const char *code_name, const char *message_name, Told ret)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        const Document *code = document_member(d, code_name);
        const char *message = document_text_member(d, message_name);

        if (document_kind(code) == DOCUMENT_INTEGER)
                json_integer(&b, document_integer(code));
        if (message) {
                buffer_append_string(&b, b.size > 0 ? ": " : "");
                visible_text(&b, message, strnlen(message, MESSAGE_TOLD_MAX));
        }
        ret[0] = 0;
        if (b.size > 0 && !buffer_error(&b))
                (void)snprintf(ret, sizeof(Told), " (%s)", b.data);
        return ret;
}

static usec_t later(const TopicParts *topic)
{
        return MIN(topic->retry_after, PROVISIONING_LATER_USEC / USEC_PER_SEC) * USEC_PER_SEC;
}

static ProvisioningAction on_assigned(Provisioning *p, const Document *state)
{
        const char *host = document_text_member(state, "assignedHub");
        const char *device_id = document_text_member(state, "deviceId");
        int r;

        if (!host || !device_id)
                return fail_unreadable(p);
        r = assignment_new(&p->assignment, p->registration, host, device_id);
        if (r < 0)
                return r == -EINVAL ? fail_unreadable(p) : fail_without_memory(p);
        provisioning_end(p);
        return PROVISIONING_ASSIGNED;
}

static ProvisioningAction on_assigning(Provisioning *p, const Document *answer, const TopicParts *topic, usec_t now)
{
        const char *operation = document_text_member(answer, "operationId");

        if (operation && strlen(operation) >= sizeof(p->operation))
                return fail_unreadable(p);
        if (operation)
                (void)snprintf(p->operation, sizeof(p->operation), "%s", operation);
        if (!p->operation[0] || strpbrk(p->operation, "#+&?/ "))
                return fail_unreadable(p);
        return pause_for(p, topic->retry_after > 0 ? later(topic) : PROVISIONING_POLL_USEC, now);
}

static ProvisioningAction on_state(Provisioning *p, const Document *answer, const TopicParts *topic, usec_t now)
{
        const Document *state = document_member(answer, "registrationState");
        const char *status = document_text_member(answer, "status") ?: document_text_member(state, "status");
        Told words;

        if (!status)
                return fail_unreadable(p);
        if (strcmp(status, "assigning") == 0 || strcmp(status, "unassigned") == 0)
                return on_assigning(p, answer, topic, now);
        if (strcmp(status, "assigned") == 0)
                return on_assigned(p, state);
        if (strcmp(status, "disabled") == 0 || strcmp(status, "blacklisted") == 0)
                return fail(p, LINK_REASON_PROVISIONING, PROVISIONING_REFUSED_USEC,
                            "the provisioning service says that the enrollment of this device is disabled");
        if (strcmp(status, "failed") == 0)
                return fail(p, LINK_REASON_PROVISIONING, PROVISIONING_REFUSED_USEC,
                            "the provisioning service could not assign a hub%s",
                            told(state, "errorCode", "errorMessage", words));
        return fail(p, LINK_REASON_PROVISIONING, PROVISIONING_REFUSED_USEC,
                    "the provisioning service answered with a status that is not known");
}

static ProvisioningAction on_error(Provisioning *p, const Document *answer, const TopicParts *topic, usec_t now)
{
        bool is_throttled = topic->status == 429, is_transient = is_throttled || topic->status >= 500;
        Told words;

        /* It works on it already: only the question came at a bad time. */
        if (is_transient && p->phase == PROVISIONING_POLLING)
                return pause_for(p, MAX(later(topic), PROVISIONING_PEACE_USEC), now);
        (void)told(answer, "errorCode", "message", words);
        if (is_throttled)
                return fail(p, LINK_REASON_THROTTLED, later(topic),
                            "the provisioning service is busy, and asks to come later%s", words);
        if (is_transient)
                return fail(p, LINK_REASON_HUB_UNAVAILABLE, later(topic),
                            "the provisioning service fails with status %d%s", topic->status, words);
        if (topic->status == 401)
                return fail(p, LINK_REASON_PROVISIONING, PROVISIONING_DENIED_USEC,
                            "the provisioning service does not admit this device%s: check id scope, registration id, "
                            "key, that it is enrolled, and this machine's clock",
                            words);
        return fail(p, LINK_REASON_PROVISIONING, PROVISIONING_REFUSED_USEC,
                    "the provisioning service refuses with status %d%s", topic->status, words);
}

/* Any number but that of the last request answers an earlier question. */
static bool is_answer(const Provisioning *p, const TopicParts *topic)
{
        char rid[NUMBER_TEXT_MAX];
        int size = snprintf(rid, sizeof(rid), "%u", p->rid);

        return (p->phase == PROVISIONING_REGISTERING || p->phase == PROVISIONING_POLLING) &&
               topic->kind == TOPIC_DPS_RESPONSE && topic->rid_size == (size_t)size &&
               memcmp(topic->rid, rid, topic->rid_size) == 0;
}

static ProvisioningAction on_message(Provisioning *p, const TransportMessage *m, usec_t now)
{
        TopicParts topic = topic_parse(m->topic, strlen(m->topic));
        _cleanup_(document_freep) Document *answer = NULL;
        const char *error;
        int r;

        if (!is_answer(p, &topic))
                return PROVISIONING_NOTHING;
        r = document_parse(&answer, m->payload, m->size, &error);
        if (r < 0 && r != -EBADMSG)
                return fail_without_memory(p);
        if (topic.status >= 300) /* an error needs no words */
                return on_error(p, answer, &topic, now);
        if (r < 0)
                return fail_unreadable(p);
        return on_state(p, answer, &topic, now);
}

/* ---- the rest of what the transport tells ---- */

static ProvisioningAction on_refused(Provisioning *p, int code)
{
        if (code == 4 || code == 5)
                return fail(p, LINK_REASON_PROVISIONING, PROVISIONING_DENIED_USEC,
                            "the provisioning service does not admit this device (CONNACK %d): check id scope, "
                            "registration id, key, and this machine's clock",
                            code);
        return fail(p, LINK_REASON_HUB_UNAVAILABLE, 0, "the provisioning service refused the connection with CONNACK "
                                                       "%d",
                    code);
}

static ProvisioningAction on_subscribed(Provisioning *p, const TransportEvent *event, usec_t now)
{
        if (event->n_codes < 1 || event->codes[0] >= TRANSPORT_SUBACK_REFUSED)
                return fail(p, LINK_REASON_PROVISIONING, PROVISIONING_DENIED_USEC,
                            "the provisioning service refuses the subscription to its answers");
        return say(p, PROVISIONING_REGISTERING, PROVISIONING_REGISTER, now);
}

ProvisioningAction provisioning_feed(Provisioning *p, const TransportEvent *event, usec_t now)
{
        if (p->phase == PROVISIONING_IDLE)
                return PROVISIONING_NOTHING;
        switch (event->kind) {
        case TRANSPORT_CONNECTED:
                if (p->phase != PROVISIONING_REACHING)
                        return PROVISIONING_NOTHING;
                p->patience_usec = usec_add(now, PROVISIONING_PATIENCE_USEC);
                return say(p, PROVISIONING_SUBSCRIBING, PROVISIONING_SUBSCRIBE, now);
        case TRANSPORT_REFUSED:
                return on_refused(p, event->code);
        case TRANSPORT_ENDED:
                return fail(p, event->reason, 0, "the provisioning service: %s", event->detail ?: "");
        case TRANSPORT_SUBSCRIBED:
                return p->phase == PROVISIONING_SUBSCRIBING ? on_subscribed(p, event, now) : PROVISIONING_NOTHING;
        case TRANSPORT_MESSAGE:
                return on_message(p, &event->message, now);
        case TRANSPORT_STEPPED:
        case TRANSPORT_PUBLISHED:
        case TRANSPORT_UNSUBSCRIBED:
        case TRANSPORT_ALIVE:
                break;
        }
        return PROVISIONING_NOTHING;
}

/* ---- time ---- */

usec_t provisioning_deadline(const Provisioning *p)
{
        return p->phase == PROVISIONING_IDLE ? USEC_INFINITY : MIN(p->deadline_usec, p->patience_usec);
}

ProvisioningAction provisioning_tick(Provisioning *p, usec_t now)
{
        if (now < provisioning_deadline(p))
                return PROVISIONING_NOTHING;
        if (now >= p->patience_usec)
                return fail(p, LINK_REASON_PROVISIONING, PROVISIONING_DENIED_USEC,
                            "the provisioning service has not assigned a hub within %u min",
                            (unsigned)(PROVISIONING_PATIENCE_USEC / USEC_PER_MIN));
        if (p->phase == PROVISIONING_ASSIGNING)
                return say(p, PROVISIONING_POLLING, PROVISIONING_POLL, now);
        return fail(p, LINK_REASON_SILENT, 0, "the provisioning service has not answered within %u s",
                    (unsigned)(PROVISIONING_ANSWER_USEC / USEC_PER_SEC));
}
