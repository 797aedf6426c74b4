/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Send - a message to a device, and what became of it
 */

#include <errno.h>
#include <inttypes.h>
#include <proton/session.h>
#include <stdio.h>
#include <string.h>

#include "base/backoff.h"
#include "base/iso-time.h"
#include "base/json.h"
#include "base/quantity.h"
#include "explorer/amqp-complaint.h"
#include "explorer/amqp-peer.h"
#include "explorer/c2d-message.h"
#include "explorer/commands.h"
#include "explorer/feedback-link.h"
#include "explorer/file.h"
#include "explorer/output.h"
#include "explorer/service.h"
#include "explorer/stop.h"
#include "explorer/words.h"

/* The hub takes 64 KB with the properties; it is the one to refuse, this is for what is a mistake. */
#define DATA_MAX       (256 * 1024)
#define PROPERTIES_MAX 100

typedef struct Send {
        const Explorer *explorer;
        C2dMessage message;
        EventPair properties[PROPERTIES_MAX];
        char *names[PROPERTIES_MAX]; /* those of the properties, to be freed */
        char made_up_id[40];
        Buffer data;
        bool waits;
        usec_t wait_usec;

        AmqpFault fault;
        AmqpPeer *peer;
        FeedbackLink feedback;
        bool is_told; /* its feedback has come: */
        bool success;
        Buffer outcome; /* a line */
} Send;

/* ---- words ---- */

static int read_properties(const Words *w, Send *s)
{
        const char *given;
        size_t at = 0, n = 0;

        while ((given = words_next(w, "property", &at))) {
                size_t size = strcspn(given, "=");

                if (size == 0 || !given[size])
                        return bad_usage("--property takes NAME=VALUE, not '%s'", given);
                if (n == PROPERTIES_MAX)
                        return bad_usage("no message has room for more than %d properties", PROPERTIES_MAX);
                s->names[n] = strndup(given, size);
                if (!s->names[n])
                        return out_of_memory();
                s->properties[n] = (EventPair){s->names[n], given + size + 1};
                n++;
        }
        s->message.properties = s->properties;
        s->message.n_properties = n;
        return EXPLORER_OK;
}

/* A span from now, or an instant. */
static int read_expiry(const Words *w, Send *s)
{
        const char *text = words_value(w, "expiry");
        usec_t now = clock_wall(&clock_system), span;

        if (!text)
                return EXPLORER_OK;
        if (quantity_parse_time(text, &span) == 0)
                s->message.expiry_usec = usec_add(now, span);
        else if (iso_time_parse(text, &s->message.expiry_usec) < 0)
                return bad_usage("--expiry takes a time from now such as 10min, or 2026-01-31T12:00:00Z, not '%s'",
                                 text);
        if (s->message.expiry_usec / USEC_PER_MSEC > INT64_MAX / 1000)
                return bad_usage("--expiry %s is beyond all calendars", text);
        return EXPLORER_OK;
}

static int read_ack(const Words *w, Send *s)
{
        static const char *const choices[] = {"none", "positive", "negative", "full", NULL};
        int r = words_choice(w, "ack", choices, &s->message.ack);

        s->waits = words_have(w, "wait");
        if (r != EXPLORER_OK || !s->waits)
                return r;
        if (!s->message.ack)
                s->message.ack = "full";
        if (strcmp(s->message.ack, "none") == 0)
                return bad_usage("--wait is for feedback, and --ack none asks for none");
        return EXPLORER_OK;
}

static int read_data(const char *text, Send *s)
{
        int r = EXPLORER_OK;

        if (strcmp(text, "-") == 0)
                r = file_read_operand_bytes(&s->data, "the data", "-", DATA_MAX);
        else if (*text == '@')
                r = file_read_operand_bytes(&s->data, "the data", text + 1, DATA_MAX);
        else
                buffer_append_string(&s->data, text);
        if (r == EXPLORER_OK && buffer_error(&s->data))
                return out_of_memory();
        s->message.body = s->data.data;
        s->message.body_size = s->data.size;
        return r;
}

static void make_up_id(Send *s)
{
        (void)snprintf(s->made_up_id, sizeof(s->made_up_id), "%016" PRIx64 "%016" PRIx64,
                       random_system.draw(random_system.userdata), random_system.draw(random_system.userdata));
        s->message.message_id = s->made_up_id;
}

/* What can take long is what may expire: it is waited for beyond that. */
static usec_t patience(const Send *s)
{
        usec_t left = usec_sub(s->message.expiry_usec, clock_wall(&clock_system));

        return usec_add(s->explorer->timeout_usec, left);
}

static int read_words(const Words *w, Send *s)
{
        C2dMessage *m = &s->message;
        int r;

        m->device = words_operand(w, 0);
        m->message_id = words_value(w, "message-id");
        m->correlation_id = words_value(w, "correlation-id");
        m->user_id = words_value(w, "user-id");
        m->content_type = words_value(w, "content-type");
        m->content_encoding = words_value(w, "content-encoding");
        if (m->message_id && !*m->message_id)
                return bad_usage("--message-id is empty; leave it out, and one is made up");
        if (!m->message_id)
                make_up_id(s);
        r = check_id(m->device);
        if (r == EXPLORER_OK)
                r = read_properties(w, s);
        if (r == EXPLORER_OK)
                r = read_expiry(w, s);
        if (r == EXPLORER_OK)
                r = read_ack(w, s);
        if (r == EXPLORER_OK)
                r = read_data(words_operand(w, 1), s);
        s->wait_usec = patience(s);
        return r;
}

/* ---- sending ---- */

/* The same conditions mean more where it is known what was tried. */
static const char *advice(const char *device, const AmqpFault *fault)
{
        if (strcmp(fault->condition, "amqp:not-found") == 0)
                return is_module(device) ? "there is no such device or module: 'hublink-explorer list DEVICE' shows "
                                           "its modules"
                                         : "there is no such device: 'hublink-explorer list' shows those there are";
        if (strcmp(fault->condition, "amqp:resource-limit-exceeded") == 0)
                return "50 messages wait for the device already: it must take some first";
        return NULL;
}

static int refuse(const Send *s, const AmqpFault *fault)
{
        return amqp_complain(fault, advice(s->message.device, fault), "send to %s", s->message.device);
}

static int put(Send *s, AmqpLink *link, usec_t until)
{
        pn_message_t *message = pn_message();
        int r;

        if (!message || c2d_message_write(&s->message, message) < 0)
                r = amqp_fault_set(&s->fault, AMQP_FAULT_LOCAL, "out of memory");
        else
                r = amqp_link_send(link, message, until);
        pn_message_free(message);
        return r;
}

static int attach_and_put(Send *s, AmqpLink *link, usec_t until)
{
        Amqp *amqp = amqp_peer_amqp(s->peer);
        pn_session_t *session = pn_session(amqp_connection(amqp));
        int r;

        if (!session)
                return amqp_fault_set(&s->fault, AMQP_FAULT_LOCAL, "out of memory");
        pn_session_open(session);
        r = amqp_link_init_sender(link, amqp, session, NULL, "/messages/devicebound");
        if (r < 0)
                return r;
        (void)pn_terminus_set_address(pn_link_target(link->link), "/messages/devicebound");
        r = amqp_link_attach(link, until);
        return r < 0 ? r : put(s, link, until);
}

/* ---- feedback ---- */

static bool is_ours(const Send *s, const FeedbackRecord *r)
{
        size_t n = strcspn(s->message.device, "/");

        return strcmp(r->message_id, s->message.message_id) == 0 && strncmp(r->device_id, s->message.device, n) == 0 &&
               !r->device_id[n];
}

/* Other people's records are left to them, even in one batch with ours. */
static FeedbackVerdict on_batch(void *userdata, const Feedback *batch)
{
        Send *s = userdata;
        size_t n_ours = 0;

        for (size_t i = 0; i < batch->n_records; i++) {
                const FeedbackRecord *r = &batch->records[i];

                if (!is_ours(s, r))
                        continue;
                n_ours++;
                if (s->is_told)
                        continue;
                s->is_told = true;
                s->success = feedback_is_success(r);
                (s->explorer->json ? feedback_line : feedback_text)(r, &s->outcome);
        }
        return n_ours == batch->n_records ? FEEDBACK_TAKE : FEEDBACK_HOLD;
}

static void tell_waiting(const Send *s)
{
        _cleanup_(buffer_done) Buffer span = BUFFER_NULL;

        put_span(&span, s->wait_usec);
        remark(s->explorer, "waiting for its feedback, for %s at most; the hub hands feedback out some 15 s late",
               span.data ?: "a while");
}

static int await_feedback(Send *s)
{
        usec_t until = usec_add(clock_boot(&clock_system), s->wait_usec);
        int r;

        tell_waiting(s);
        r = amqp_peer_wait(s->peer, &s->is_told, until, "with feedback in time");

        if (r >= 0) {
                r = output_buffer(&s->outcome);
                return r != EXPLORER_OK ? r : s->success ? EXPLORER_OK : EXPLORER_FAILED;
        }
        if (s->fault.kind == AMQP_FAULT_STOPPED)
                return EXPLORER_FAILED;
        return amqp_complain(&s->fault, s->fault.kind == AMQP_FAULT_TIMEOUT
                                                ? "the message may still be delivered: see monitor-feedback, or give "
                                                  "it more time with --timeout"
                                                : "the message was sent: see monitor-feedback for its feedback",
                             "learn what became of the message");
}

/* ---- the command ---- */

static int tell_sent(const Send *s)
{
        const C2dMessage *m = &s->message;
        Buffer b = BUFFER_NULL;

        if (s->explorer->json) {
                buffer_append_string(&b, "{\"deviceId\":");
                json_string_n(&b, m->device, strcspn(m->device, "/"));
                buffer_append_string(&b, ",\"messageId\":");
                json_string(&b, m->message_id);
                buffer_append_string(&b, "}\n");
        } else {
                buffer_printf(&b, "sent %s to %s\n", m->message_id, m->device);
        }
        return output_buffer(&b);
}

static int send_it(Send *s)
{
        const Login *login = &s->explorer->login;
        usec_t until = usec_add(clock_boot(&clock_system), s->explorer->timeout_usec);
        AmqpTarget hub = amqp_peer_hub(login);
        AmqpLink link = {};
        int r = amqp_peer_open(&s->peer, &hub, login, NULL, AMQP_TOKEN_LIFE, until, &s->fault);

        /* before the message: its feedback is not to be missed */
        if (r >= 0 && s->waits)
                r = feedback_link_open(&s->feedback, amqp_peer_amqp(s->peer), on_batch, s, until);
        if (r >= 0)
                r = attach_and_put(s, &link, until);
        if (r < 0)
                r = refuse(s, s->fault.kind != AMQP_FAULT_NONE ? &s->fault : &link.fault);
        else
                r = tell_sent(s);
        if (r == EXPLORER_OK && s->fault.kind == AMQP_FAULT_STOPPED)
                r = EXPLORER_FAILED;
        amqp_link_done(&link);
        return r == EXPLORER_OK && s->waits ? await_feedback(s) : r;
}

static void send_done(Send *s)
{
        feedback_link_close(&s->feedback);
        amqp_peer_close(s->peer);
        for (size_t i = 0; i < ARRAY_SIZE(s->names); i++)
                free(s->names[i]);
        buffer_done(&s->data);
        buffer_done(&s->outcome);
}

static int run(const Explorer *e, const Words *w)
{
        _cleanup_(send_done) Send s = {.explorer = e};
        int r = read_words(w, &s);

        if (r != EXPLORER_OK)
                return r;
        stop_begin();
        return send_it(&s);
}

static const Option options[] = {
        {"property", "K=V", "an application property", OPTION_MANY},
        {"message-id", "ID", "by which feedback names the message; one is made up otherwise", 0},
        {"correlation-id", "ID", "to say what it belongs to", 0},
        {"user-id", "ID", "to say who sends it", 0},
        {"content-type", "TYPE", "such as application/json", 0},
        {"content-encoding", "NAME", "such as utf-8", 0},
        {"expiry", "D", "when it is of no use any more: a time from now, or 2026-01-31T12:00:00Z\n"
                        "(the hub's default is 1h)", 0},
        {"ack", "WHEN", "ask for feedback: none, positive (taken), negative (not taken), full (either)", 0},
        {"wait", NULL, "wait for the feedback, for --timeout beyond the expiry; means --ack full unless --ack says\n"
                       "otherwise; 1 when the device did not take the message. The hub hands feedback out\n"
                       "some 15 s late", 0},
        {},
};

const Command command_send = {
        .name = "send",
        .operands = "DEVICE DATA",
        .n_least = 2,
        .n_most = 2,
        .summary = "send a message to a device, and learn what became of it",
        .text = "DATA is the body as it stands, @FILE that file's bytes, - standard input.\n"
                "Done when the hub has the message: the device gets it when it is connected, or has it expire.",
        .options = options,
        .run = run,
};
