/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Cloud messages from the wire to the disk: the hub hears of each when it is stored, whatever happens meanwhile.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"
#include "world.h"

#define TOPIC  "devices/gw-17/messages/devicebound/"
#define FILTER TOPIC "#"

static World w;

static void begin(void)
{
        world_init(&w);
        w.with_inbox = true;
        w.far.obedient = true;
        world_start(&w);
        world_run(&w, 5 * USEC_PER_SEC);
        ck_assert(fake_transport_is_subscribed(&w.far, FILTER));
}

static void end(void)
{
        world_done(&w);
}

static void deliver(unsigned i)
{
        char topic[128];

        (void)snprintf(topic, sizeof(topic), TOPIC "%%24.mid=order-%u", i);
        fake_transport_message(&w.far, topic, "x", 1);
}

static unsigned waiting(void)
{
        InboxStatus s;

        inbox_status(w.inbox, &s);
        return s.waiting;
}

/* As the hub does: again and again, until it hears that it is stored. */
static unsigned deliver_at_last(unsigned i)
{
        for (unsigned tries = 1; tries <= 100; tries++) {
                unsigned before = w.far.n_pubacked;

                for (int k = 0; k < 600 && !fake_transport_is_subscribed(&w.far, FILTER); k++)
                        world_run(&w, USEC_PER_SEC);
                deliver(i);
                world_run(&w, 2 * USEC_PER_SEC);
                if (w.far.n_pubacked > before)
                        return tries;
        }
        ck_abort_msg("message %u is never acknowledged", i);
}

START_TEST(the_puback_waits_for_the_disk)
{
        begin();
        w.disk->held = true;
        deliver(1);
        world_run(&w, 5 * USEC_PER_SEC);
        ck_assert_uint_eq(w.far.n_owed, 1);
        ck_assert_uint_eq(w.far.n_pubacked, 0);
        ck_assert_uint_eq(waiting(), 0);
        w.disk->held = false;
        world_run(&w, 5 * USEC_PER_SEC);
        ck_assert_uint_eq(w.far.n_pubacked, 1);
        ck_assert_uint_eq(waiting(), 1);
        ck_assert_uint_eq(w.n_links, 1);
        end();
}
END_TEST

START_TEST(a_kill_before_it_is_stored_loses_nothing)
{
        begin();
        w.disk->held = true;
        deliver(1);
        world_run(&w, USEC_PER_SEC);
        ck_assert_uint_eq(w.far.n_pubacked, 0);
        world_kill(&w); /* and what was under way comes to its end on a disk that nobody will see */
        ck_assert_uint_eq(deliver_at_last(1), 1);
        ck_assert_uint_eq(waiting(), 1);
        end();
}
END_TEST

START_TEST(a_kill_after_it_is_stored_gives_it_once)
{
        InboxStatus s;

        begin();
        ck_assert_uint_eq(deliver_at_last(1), 1);
        for (int i = 0; i < 3; i++) { /* the hub did not hear it */
                world_kill(&w);
                (void)deliver_at_last(1);
                inbox_status(w.inbox, &s);
                ck_assert_uint_eq(s.waiting, 1);
                ck_assert_uint_eq(s.redelivered, 1);
        }
        end();
}
END_TEST

/* Each call to the disk fails, for a while: then the link is dropped without a PUBACK, and the hub delivers again. */
START_TEST(a_disk_that_fails_is_no_loss)
{
        unsigned dropped = 0;

        for (uint64_t at = 1; at <= 12; at++) {
                begin();
                (void)deliver_at_last(1);
                w.disk->fail_at = w.disk->n_calls + at;
                w.disk->fail_count = 10;
                w.disk->fail_mask = FAKE_ANY & ~FAKE_READ;
                w.disk->fail_errno = EIO;
                dropped += deliver_at_last(2) > 1;
                (void)deliver_at_last(3);
                insist(waiting() == 3);
                world_kill(&w);
                world_run(&w, USEC_PER_MIN);
                insist(waiting() == 3);
                end();
        }
        ck_assert_uint_gt(dropped, 0);
}
END_TEST

/* Larger than any record: it is confirmed, or the hub would deliver it for ever, and nothing after it. */
START_TEST(one_that_can_never_be_stored_does_not_stop_the_way)
{
        char *body = malloc((300 << 10) + 1);
        InboxStatus s;

        memset(body, 'x', 300 << 10);
        body[300 << 10] = 0;
        world_init(&w);
        w.with_inbox = true;
        w.inbox_settings.report_rejects = true;
        w.far.obedient = true;
        world_start(&w);
        world_run(&w, 5 * USEC_PER_SEC);
        fake_transport_message(&w.far, TOPIC "%24.mid=big", body, 1);
        ck_assert_uint_eq(deliver_at_last(1), 1);
        ck_assert_uint_eq(w.far.n_pubacked, 2);
        ck_assert_uint_eq(w.n_links, 1);
        inbox_status(w.inbox, &s);
        ck_assert_uint_eq(s.refused, 1);
        ck_assert_uint_eq(s.waiting, 1);
        world_run(&w, USEC_PER_MIN);
        ck_assert_uint_eq(w.n_events, 1); /* and the cloud knows */
        ck_assert_str_eq(w.events[0].correlation_id, "big");
        ck_assert_ptr_nonnull(strstr(w.events[0].body, "\"rejected\""));
        end();
        free(body);
}
END_TEST

/* The store cannot grow, and nobody takes anything out of it. The hub keeps what does not go in, and delivers it whenever
 * it may; telemetry goes on. */
START_TEST(a_disk_that_is_full_does_not_take_the_link)
{
        enum { MINUTES = 30, SIZE = 60 << 10 };
        char *body = malloc(SIZE + 1), topic[128];
        unsigned next = 1, links;

        memset(body, 'x', SIZE);
        body[SIZE] = 0;
        begin();
        world_add_sensor(&w, "room", "telemetry", 10 * USEC_PER_SEC);
        deliver(0);
        world_run(&w, USEC_PER_MIN); /* slots are made ahead of need */
        w.disk->capacity = 1;        /* and no more of them */
        links = w.n_links;
        for (int s = 0; s < MINUTES * 60; s++) {
                unsigned before = w.far.n_pubacked;

                if (fake_transport_is_subscribed(&w.far, FILTER) && w.far.connected) {
                        (void)snprintf(topic, sizeof(topic), TOPIC "%%24.mid=order-%u", next);
                        fake_transport_message(&w.far, topic, body, 1);
                }
                world_run(&w, USEC_PER_SEC);
                next += w.far.n_pubacked > before;
        }
        printf("# a full disk: %u stored, %u links in %d minutes\n", next - 1, w.n_links - links, MINUTES);
        ck_assert_uint_gt(next, 3);
        ck_assert_uint_lt(next, 1000);
        ck_assert_uint_le(w.n_links - links, 6);

        w.disk->capacity = 0; /* there is room again: the one that waited arrives */
        world_run(&w, USEC_PER_HOUR);
        ck_assert_uint_le(deliver_at_last(next), 2);
        end();
        free(body);
}
END_TEST

START_TEST(when_it_is_full_the_filter_is_given_up)
{
        world_init(&w);
        w.with_inbox = true;
        w.inbox_settings.max_messages = 3;
        w.far.obedient = true;
        world_start(&w);
        world_run(&w, 5 * USEC_PER_SEC);
        for (unsigned i = 1; i <= 3; i++) {
                ck_assert(fake_transport_is_subscribed(&w.far, FILTER));
                deliver(i);
                world_run(&w, USEC_PER_SEC);
        }
        ck_assert(!fake_transport_is_subscribed(&w.far, FILTER));
        deliver(4); /* it was on its way */
        world_run(&w, USEC_PER_SEC);
        ck_assert_uint_eq(waiting(), 4);
        ck_assert_uint_eq(w.far.n_pubacked, 4);
        end();
}
END_TEST

/* How often the one at that place of the list was taken. */
static unsigned taken_of(size_t place)
{
        InboxDesk desk = inbox_desk(w.inbox);
        const InboxItem *items;
        size_t n = 0;

        ck_assert_int_eq(desk.list(desk.userdata, &items, &n), REQUEST_OK);
        ck_assert_uint_lt(place, n);
        return items[place].times_taken;
}

static void deliver_without_an_id(unsigned expected)
{
        for (int i = 0; i < 60 && !fake_transport_is_subscribed(&w.far, FILTER); i++)
                world_run(&w, USEC_PER_SEC);
        fake_transport_message(&w.far, TOPIC, "open the valve", 1);
        world_run(&w, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(waiting(), expected);
}

/* The hub did not hear of it, and delivers it again with the next link: that one is marked. What it sends then is
 * another order. */
START_TEST(one_without_an_id_that_comes_again_is_marked)
{
        for (int kill = 0; kill <= 1; kill++) {
                begin();
                deliver_without_an_id(1);
                deliver_without_an_id(2);
                ck_assert_uint_eq(taken_of(1), 0);
                if (kill) {
                        world_kill(&w);
                        world_run(&w, 5 * USEC_PER_SEC);
                } else {
                        world_link(&w, false);
                        world_run(&w, USEC_PER_MIN);
                        world_link(&w, true);
                        world_run(&w, USEC_PER_MIN);
                }
                ck_assert_uint_eq(waiting(), 2);
                for (unsigned i = 2; i <= 4; i++) {
                        deliver_without_an_id(i + 1);
                        ck_assert_uint_eq(taken_of(i), i < 4); /* two may come again */
                }
                end();
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/inbox, whole");
        TCase *c = suite_case(s, "from the wire to the disk");

        tcase_add_test(c, the_puback_waits_for_the_disk);
        tcase_add_test(c, a_kill_before_it_is_stored_loses_nothing);
        tcase_add_test(c, a_kill_after_it_is_stored_gives_it_once);
        tcase_add_test(c, one_without_an_id_that_comes_again_is_marked);
        tcase_add_test(c, a_disk_that_fails_is_no_loss);
        tcase_add_test(c, one_that_can_never_be_stored_does_not_stop_the_way);
        tcase_add_test(c, a_disk_that_is_full_does_not_take_the_link);
        tcase_add_test(c, when_it_is_full_the_filter_is_given_up);
        return suite_run(s);
}
