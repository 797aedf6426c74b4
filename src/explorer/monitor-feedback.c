/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Monitor feedback - shows what becomes of messages to devices, as the hub tells it
 */

#include <errno.h>
#include <inttypes.h>

#include "explorer/amqp-peer.h"
#include "explorer/commands.h"
#include "explorer/feedback-link.h"
#include "explorer/output.h"
#include "explorer/stop.h"
#include "explorer/watch.h"
#include "explorer/words.h"

#define LIFE_MIN (4 * USEC_PER_SEC)

typedef struct Monitor {
        const Explorer *explorer;
        AmqpFault fault;
        AmqpPeer *peer;
        FeedbackLink link;
        usec_t token_life;
        uint64_t count, n;
        bool told;
        bool failed, left;
} Monitor;

static bool is_done(void *userdata)
{
        const Monitor *m = userdata;

        return (m->count > 0 && m->n >= m->count) || m->failed;
}

/* A batch is taken once it is written, and written whole, though --count be less. */
static FeedbackVerdict on_batch(void *userdata, const Feedback *batch)
{
        _cleanup_(buffer_done) Buffer lines = BUFFER_NULL;
        Monitor *m = userdata;

        if (is_done(m))
                return FEEDBACK_HOLD;
        for (size_t i = 0; i < batch->n_records; i++)
                (m->explorer->json ? feedback_line : feedback_text)(&batch->records[i], &lines);
        if (buffer_error(&lines) || output_text(lines.data ? lines.data : "", lines.size) != EXPLORER_OK) {
                m->failed = true;
                m->left = !buffer_error(&lines) && output_is_unwanted();
                return FEEDBACK_HOLD;
        }
        m->n += batch->n_records;
        return FEEDBACK_TAKE;
}

static int open_link(void *userdata, usec_t until)
{
        Monitor *m = userdata;
        const Login *login = &m->explorer->login;
        AmqpTarget hub = amqp_peer_hub(login);
        int r = amqp_peer_open(&m->peer, &hub, login, NULL, m->token_life, until, &m->fault);

        if (r >= 0)
                r = feedback_link_open(&m->link, amqp_peer_amqp(m->peer), on_batch, m, until);
        if (r >= 0 && !m->told)
                remark(m->explorer, "waiting for feedback");
        m->told = m->told || r >= 0;
        return r;
}

static int turn_link(void *userdata, usec_t until)
{
        Monitor *m = userdata;
        int r = amqp_peer_turn(m->peer, until);

        if (r >= 0 && m->link.link.closed) {
                m->fault = m->link.link.fault;
                r = -ECONNABORTED;
        }
        return r;
}

static void close_link(void *userdata)
{
        Monitor *m = userdata;

        feedback_link_close(&m->link);
        m->peer = amqp_peer_close(m->peer);
}

/* ---- the command ---- */

static int read_words(const Words *w, Monitor *m, usec_t *ret_for)
{
        int r = words_number(w, "count", 1, UINT64_MAX, &m->count);

        if (r == EXPLORER_OK)
                r = words_time(w, "for", ret_for);
        if (r == EXPLORER_OK)
                r = words_time(w, "token-life", &m->token_life);
        if (r == EXPLORER_OK && m->token_life < LIFE_MIN)
                return bad_usage("--token-life takes 4s or more");
        return r;
}

static int finish(const Monitor *m, int r)
{
        if (r != EXPLORER_OK)
                return r;
        if (m->failed)
                return m->left ? EXPLORER_OK : EXPLORER_FAILED;
        if (m->n >= m->count || stop_requested())
                return EXPLORER_OK;
        complain("%" PRIu64 " of %" PRIu64 " came within the time of --for", m->n, m->count);
        return EXPLORER_TIMEOUT;
}

static int run(const Explorer *e, const Words *w)
{
        _cleanup_(buffer_done) Buffer what = BUFFER_NULL;
        Monitor m = {.explorer = e, .token_life = AMQP_TOKEN_LIFE};
        Watch watch = {
                .explorer = e,
                .part = {.open = open_link, .turn = turn_link, .close = close_link, .is_done = is_done, .userdata = &m},
                .fault = &m.fault,
                .for_usec = USEC_INFINITY,
        };
        int r = read_words(w, &m, &watch.for_usec);

        if (r != EXPLORER_OK)
                return r;
        buffer_printf(&what, "read the feedback of %s", e->login.host);
        if (buffer_error(&what))
                return out_of_memory();
        watch.what = what.data;
        stop_begin();
        return finish(&m, watch_run(&watch));
}

static const Option options[] = {
        {"count", "N", "end after so many records", 0},
        {"for", "D", "end after that time; 4 if --count was not reached by then", 0},
        {"token-life", "D", "of the token on the connection, which is renewed in time (default 1h)", 0},
        {},
};

const Command command_monitor_feedback = {
        .name = "monitor-feedback",
        .operands = "",
        .summary = "show what became of messages that were sent to devices with --ack",
        .text = "Shows each record once: what is shown here is taken off the hub's queue of feedback, and no other "
                "reader\n"
                "gets it. The hub collects records for up to 15 s before it hands them out.",
        .options = options,
        .run = run,
};
