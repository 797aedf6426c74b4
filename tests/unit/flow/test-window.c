/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/window.h"

#include "suite.h"

static Message *message_of(size_t size)
{
        Message *m = calloc(1, sizeof(*m));

        ck_assert_ptr_nonnull(m);
        ck_assert_ptr_nonnull(buffer_extend(&m->body, size));
        return m;
}

static Flight *add(Window *w, QueueLane lane, size_t size)
{
        ck_assert(window_has_room(w, lane, QUEUE_NEWS, size));
        return window_add(w, &(Flight){.message = message_of(size), .lane = lane, .expires_usec = USEC_INFINITY});
}

START_TEST(places_are_limited)
{
        Window w = {};

        ck_assert_int_eq(window_configure(&w, 16), 0);
        for (int i = 0; i < 16; i++)
                add(&w, QUEUE_LANE_NORMAL, 100);
        ck_assert(!window_has_room(&w, QUEUE_LANE_NORMAL, QUEUE_NEWS, 1));
        ck_assert(!window_has_room(&w, QUEUE_LANE_URGENT, QUEUE_NEWS, 1));
        window_remove(&w, window_find(&w, 3));
        ck_assert_ptr_null(window_find(&w, 3));
        ck_assert_uint_eq(window_find(&w, 4)->ticket, 4);
        ck_assert(window_has_room(&w, QUEUE_LANE_URGENT, QUEUE_NEWS, 1));
        window_done(&w);
}
END_TEST

START_TEST(bytes_are_limited)
{
        Window w = {};

        ck_assert_int_eq(window_configure(&w, 16), 0);
        add(&w, QUEUE_LANE_NORMAL, WINDOW_BYTES_MAX - 10);
        ck_assert(window_has_room(&w, QUEUE_LANE_NORMAL, QUEUE_NEWS, 10));
        ck_assert(!window_has_room(&w, QUEUE_LANE_NORMAL, QUEUE_NEWS, 11));
        window_remove(&w, window_find(&w, 1));
        /* alone anything may go, so that it can be refused for its size */
        ck_assert(window_has_room(&w, QUEUE_LANE_NORMAL, QUEUE_NEWS, 10 * WINDOW_BYTES_MAX));
        ck_assert(window_has_room(&w, QUEUE_LANE_URGENT, QUEUE_NEWS, 10 * WINDOW_BYTES_MAX));
        window_done(&w);
}
END_TEST

/* Whatever waits within the window's bytes, a message of any size can come beside it, and no more than that. */
START_TEST(a_witness_of_any_size_finds_room)
{
        Window w = {};

        ck_assert_int_eq(window_configure(&w, 16), 0);
        add(&w, QUEUE_LANE_NORMAL, WINDOW_BYTES_MAX / 2);
        add(&w, QUEUE_LANE_NORMAL, WINDOW_BYTES_MAX / 2);
        ck_assert(window_has_witness_room(&w, MESSAGE_SIZE_MAX));
        ck_assert(window_has_witness_room(&w, 10 * MESSAGE_SIZE_MAX)); /* so that it can be refused for its size */
        window_add(&w, &(Flight){.message = message_of(10)});
        ck_assert(window_has_witness_room(&w, MESSAGE_SIZE_MAX - 10));
        ck_assert(!window_has_witness_room(&w, MESSAGE_SIZE_MAX - 9));
        for (size_t i = 1; i < WINDOW_WITNESSES; i++)
                ck_assert_ptr_nonnull(window_add(&w, &(Flight){.message = message_of(10)}));
        ck_assert(window_has_witness_room(&w, 10));
        while (w.n_flights < 16 + WINDOW_WITNESSES)
                window_add(&w, &(Flight){.message = message_of(10)});
        ck_assert(!window_has_witness_room(&w, 10));
        window_done(&w);
}
END_TEST

START_TEST(urgent_leaves_places_and_bytes_to_normal)
{
        for (size_t n_max = 2; n_max <= 16; n_max++) {
                size_t left_free = n_max < 4 ? n_max / 2 : 2;
                Window w = {};

                ck_assert_int_eq(window_configure(&w, n_max), 0);
                while (window_has_room(&w, QUEUE_LANE_URGENT, QUEUE_NEWS, 1))
                        add(&w, QUEUE_LANE_URGENT, 1);
                ck_assert_uint_eq(w.n_flights, n_max - left_free);
                for (size_t i = 0; i < left_free; i++)
                        add(&w, QUEUE_LANE_NORMAL, 1);
                window_done(&w);
        }
        {
                Window w = {};

                ck_assert_int_eq(window_configure(&w, 16), 0);
                add(&w, QUEUE_LANE_URGENT, WINDOW_BYTES_MAX / 2 - 1);
                ck_assert(!window_has_room(&w, QUEUE_LANE_URGENT, QUEUE_NEWS, 2));
                add(&w, QUEUE_LANE_NORMAL, MESSAGE_SIZE_MAX);
                window_done(&w);
        }
}
END_TEST

/* Whatever the backlog has taken, there is a place for news of its lane, and for a pack of them. */
START_TEST(the_backlog_leaves_the_last_place_to_news)
{
        for (size_t n_max = 4; n_max <= 16; n_max++)
                for (int lane = 0; lane < _QUEUE_LANE_MAX; lane++)
                        for (size_t size = 1; size <= PACKER_SIZE_MAX; size += PACKER_SIZE_MAX - 1) {
                                Window w = {};

                                ck_assert_int_eq(window_configure(&w, n_max), 0);
                                while (window_has_room(&w, (QueueLane)lane, QUEUE_BACKLOG, size))
                                        window_add(&w, &(Flight){.message = message_of(size),
                                                                 .lane = (QueueLane)lane,
                                                                 .source = QUEUE_BACKLOG});
                                ck_assert_uint_ge(w.n_backlog, n_max / 4);
                                ck_assert_uint_eq(w.n_backlog, w.n_flights);
                                ck_assert(window_has_room(&w, (QueueLane)lane, QUEUE_NEWS, 200));
                                if (lane == QUEUE_LANE_NORMAL)
                                        ck_assert_uint_eq(w.n_backlog, n_max - 1);
                                window_remove(&w, window_find(&w, 1));
                                ck_assert_uint_eq(w.n_backlog, w.n_flights);
                                window_done(&w);
                        }
}
END_TEST

/* There is no place to leave free that would not be half of it. */
START_TEST(a_tiny_window_is_everybodys)
{
        for (size_t n_max = 1; n_max < 4; n_max++)
                for (int lane = 0; lane < _QUEUE_LANE_MAX; lane++) {
                        Window w = {};

                        ck_assert_int_eq(window_configure(&w, n_max), 0);
                        ck_assert(window_has_room(&w, (QueueLane)lane, QUEUE_BACKLOG, 100));
                        window_done(&w);
                }
}
END_TEST

START_TEST(a_lost_link_grounds_all_in_their_order)
{
        Window w = {};

        ck_assert_int_eq(window_configure(&w, 4), 0);
        for (int i = 0; i < 4; i++)
                add(&w, QUEUE_LANE_NORMAL, 1)->in_air = true;
        ck_assert_ptr_null(window_first_grounded(&w));
        window_ground(&w);
        for (uint64_t ticket = 1; ticket <= 4; ticket++) {
                Flight *flight = window_first_grounded(&w);

                ck_assert_uint_eq(flight->ticket, ticket);
                flight->in_air = true;
        }
        window_done(&w);
}
END_TEST

START_TEST(a_smaller_window_lets_fly_what_flies)
{
        Window w = {};

        ck_assert_int_eq(window_configure(&w, 4), 0);
        for (int i = 0; i < 4; i++)
                add(&w, QUEUE_LANE_NORMAL, 1);
        ck_assert_int_eq(window_configure(&w, 2), 0);
        window_remove(&w, window_find(&w, 1));
        window_remove(&w, window_find(&w, 4));
        ck_assert(!window_has_room(&w, QUEUE_LANE_NORMAL, QUEUE_NEWS, 1));
        window_remove(&w, window_find(&w, 2));
        ck_assert(window_has_room(&w, QUEUE_LANE_NORMAL, QUEUE_NEWS, 1));
        window_done(&w);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/window");
        TCase *c = suite_case(s, "messages without their PUBACK");

        tcase_add_test(c, places_are_limited);
        tcase_add_test(c, bytes_are_limited);
        tcase_add_test(c, a_witness_of_any_size_finds_room);
        tcase_add_test(c, urgent_leaves_places_and_bytes_to_normal);
        tcase_add_test(c, the_backlog_leaves_the_last_place_to_news);
        tcase_add_test(c, a_tiny_window_is_everybodys);
        tcase_add_test(c, a_lost_link_grounds_all_in_their_order);
        tcase_add_test(c, a_smaller_window_lets_fly_what_flies);
        return suite_run(s);
}
