/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a service says over AMQP, any bytes. The hub has events, a batch of feedback, and a policy whose key is known,
 * so that the tokens of the corpus are good; nothing is ever committed, so that each input meets the same hub.
 *
 * The corpus is what Proton for Python said to a devhub, once for each way in and each node.
 */

#include "devhub/amqp/session.h"
#include "devhub/hub/event-log.h"
#include "fake-clock.h"
#include "fuzz.h"
#include "hub-store.h"

#define HOST   "devhub.localdomain"
#define EVENTS 20
#define PIECE  ((size_t)997)

typedef struct World {
        HubStore base;
        FakeClock time;
        Feedback *feedback;
        Mailbox *mailbox;
        Faults faults;
        Hub hub;
        AmqpHouse house;
} World;

static int undo(void *userdata)
{
        store_rollback(((World *)userdata)->hub.store);
        return 0;
}

static void stirred(void *userdata)
{
}

static void add_events(World *w)
{
        EventLink facts = {.device_id = "d1", .generation_id = "1", .auth_method = "{}"};
        EventLog *log = NULL;
        int64_t link = 0;

        promise(event_log_open(&log, w->hub.store) >= 0 && event_log_add_link(log, &facts, &link) >= 0);
        for (int i = 0; i < EVENTS; i++)
                promise(event_log_append(log, link, w->time.wall_usec, "%24.mid=m&a=b", 13, "{}", 2) >= 0);
        event_log_close(log);
}

static void add_feedback(World *w)
{
        promise(feedback_record(w->feedback, ACK_FULL, OUTCOME_SUCCESS, "m", "d1", "1") >= 0);
        fake_clock_advance(&w->time, USEC_PER_MIN);
        promise(feedback_tick(w->feedback) >= 0);
}

static void create(World *w)
{
        const Clock *clock = &w->time.clock;

        hub_store_open(&w->base);
        fake_clock_init(&w->time);
        w->hub = (Hub){.store = &w->base.store, .clock = clock, .host = HOST, .faults = &w->faults,
                       .commit = undo, .userdata = w};
        promise(feedback_prepare(w->hub.store) >= 0 && mailbox_prepare(w->hub.store) >= 0);
        promise(store_run(w->hub.store, "UPDATE policies SET"
                                        " primary_key = 'a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s='") >= 0);
        promise(feedback_new(&w->feedback, w->hub.store, clock) >= 0);
        promise(mailbox_new(&w->mailbox, w->hub.store, clock, w->feedback) >= 0);
        w->hub.feedback = w->feedback;
        w->hub.mailbox = w->mailbox;
        add_events(w);
        add_feedback(w);
        promise(store_commit(w->hub.store) >= 0);
        promise(amqp_house_init(&w->house, &w->hub) >= 0);
}

static World world;

static void destroy(void)
{
        amqp_house_done(&world.house);
        mailbox_free(world.mailbox);
        feedback_free(world.feedback);
        hub_store_close(&world.base);
}

static World *the_world(void)
{
        if (!world.hub.store) {
                create(&world);
                (void)atexit(destroy);
        }
        return &world;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        World *w = the_world();
        usec_t now = w->time.boot_usec;
        AmqpSession *session = NULL;

        promise(amqp_session_new(&session, &w->house, "fuzz", stirred, NULL, now) >= 0);
        while (size > 0 && !amqp_session_is_over(session)) {
                size_t n = MIN(size, PIECE);

                amqp_session_feed(session, data, n, now);
                promise(amqp_session_output(session)->size <= (size_t)256 * 1024);
                buffer_clear(amqp_session_output(session));
                data += n;
                size -= n;
        }
        amqp_session_tick(session, now + USEC_PER_HOUR);
        (void)amqp_session_output(session);
        amqp_session_free(session);
        store_rollback(w->hub.store);
        return 0;
}
