/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/net/websocket.h"

#include <string.h>

#include "suite.h"

/* An inner conversation that says back what it hears. */
typedef struct Echo {
        Buffer out;
        bool over;
        char heard[64];
        size_t n_heard;
        const char *broke;
        unsigned n_ticks;
} Echo;

static int begin(void *userdata, usec_t now)
{
        return 0;
}

static void feed(void *userdata, const void *data, size_t size, usec_t now)
{
        Echo *e = userdata;

        ck_assert_uint_le(e->n_heard + size, sizeof(e->heard));
        memcpy(e->heard + e->n_heard, data, size);
        e->n_heard += size;
        buffer_append(&e->out, data, size);
}

static void tick(void *userdata, usec_t now)
{
        ((Echo *)userdata)->n_ticks++;
}

static usec_t deadline(void *userdata)
{
        return 77;
}

static Buffer *output(void *userdata)
{
        return &((Echo *)userdata)->out;
}

static bool is_over(void *userdata)
{
        return ((Echo *)userdata)->over;
}

static void broke(void *userdata, const char *reason)
{
        Echo *e = userdata;

        e->broke = reason;
        e->over = true;
}

static void ended(void *userdata)
{
}

typedef struct Bench {
        Echo echo;
        WebSocket *websocket;
        Conversation outer;
} Bench;

static void bench_begin(Bench *b)
{
        Conversation inner = {begin, feed, tick, deadline, output, is_over, broke, ended, &b->echo};

        *b = (Bench){};
        inner.userdata = &b->echo;
        ck_assert_int_eq(websocket_new(&b->websocket, &inner), 0);
        b->outer = websocket_conversation(b->websocket);
        ck_assert_int_eq(b->outer.begin(b->outer.userdata, 0), 0);
}

static void bench_end(Bench *b)
{
        websocket_free(b->websocket);
        buffer_done(&b->echo.out);
}

static void say(Bench *b, const void *data, size_t size)
{
        b->outer.feed(b->outer.userdata, data, size, 0);
}

static void assert_out(Bench *b, const void *expected, size_t size)
{
        Buffer *out = b->outer.output(b->outer.userdata);

        ck_assert_uint_eq(out->size, size);
        if (size > 0)
                ck_assert_mem_eq(out->data, expected, size);
        buffer_truncate(out, 0);
}

/* "abc" in a binary frame, under a mask of zeros */
static const uint8_t abc[] = {0x82, 0x83, 0, 0, 0, 0, 'a', 'b', 'c'};

START_TEST(bytes_go_in_and_out_in_frames)
{
        Bench b;

        bench_begin(&b);
        say(&b, abc, sizeof(abc));
        ck_assert_uint_eq(b.echo.n_heard, 3);
        ck_assert_mem_eq(b.echo.heard, "abc", 3);
        assert_out(&b, (const uint8_t[]){0x82, 3, 'a', 'b', 'c'}, 5);
        ck_assert_uint_eq(b.outer.deadline(b.outer.userdata), 77);
        b.outer.tick(b.outer.userdata, 1);
        ck_assert_uint_eq(b.echo.n_ticks, 1);
        bench_end(&b);
}
END_TEST

START_TEST(frames_may_be_cut_anywhere)
{
        for (size_t at = 1; at < sizeof(abc); at++) {
                Bench b;

                bench_begin(&b);
                say(&b, abc, at);
                say(&b, abc + at, sizeof(abc) - at);
                ck_assert_uint_eq(b.echo.n_heard, 3);
                ck_assert(!b.outer.is_over(b.outer.userdata));
                bench_end(&b);
        }
}
END_TEST

/* What is said last must not be overtaken by the good-bye. */
START_TEST(the_last_words_come_before_the_close)
{
        Bench b;

        bench_begin(&b);
        buffer_append(&b.echo.out, "bye", 3);
        b.echo.over = true;
        ck_assert(b.outer.is_over(b.outer.userdata));
        assert_out(&b, (const uint8_t[]){0x82, 3, 'b', 'y', 'e', 0x88, 2, 0x03, 0xe8}, 9);
        assert_out(&b, NULL, 0);
        bench_end(&b);
}
END_TEST

START_TEST(a_ping_is_answered_and_a_close_too)
{
        Bench b;

        bench_begin(&b);
        say(&b, (const uint8_t[]){0x89, 0x81, 0, 0, 0, 0, 'x'}, 7);
        assert_out(&b, (const uint8_t[]){0x8a, 1, 'x'}, 3);
        say(&b, (const uint8_t[]){0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8}, 8);
        assert_out(&b, (const uint8_t[]){0x88, 2, 0x03, 0xe8}, 4);
        ck_assert(b.outer.is_over(b.outer.userdata));
        ck_assert_ptr_nonnull(strstr(b.echo.broke, "the client closed"));
        say(&b, abc, sizeof(abc));
        ck_assert_uint_eq(b.echo.n_heard, 0);
        bench_end(&b);
}
END_TEST

START_TEST(what_is_no_frame_ends_it)
{
        static const struct {
                uint8_t bytes[16];
                size_t size;
        } bad[] = {
                {{0x82, 3, 'a', 'b', 'c'}, 5},                                    /* unmasked */
                {{0xf2, 0x81, 0, 0, 0, 0, 'x'}, 7},                               /* reserved bits */
                {{0x83, 0x81, 0, 0, 0, 0, 'x'}, 7},                               /* reserved opcode */
                {{0x81, 0x81, 0, 0, 0, 0, 'x'}, 7},                               /* text */
                {{0x80, 0x81, 0, 0, 0, 0, 'x'}, 7},                               /* goes on with nothing */
                {{0x82, 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'x'}, 15},   /* exabytes */
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                Bench b;

                bench_begin(&b);
                say(&b, bad[i].bytes, bad[i].size);
                ck_assert_msg(b.outer.is_over(b.outer.userdata), "%zu", i);
                ck_assert_ptr_nonnull(b.echo.broke);
                ck_assert_uint_eq(b.echo.n_heard, 0);
                bench_end(&b);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/websocket");
        TCase *c = suite_case(s, "frames");

        tcase_add_test(c, bytes_go_in_and_out_in_frames);
        tcase_add_test(c, frames_may_be_cut_anywhere);
        tcase_add_test(c, the_last_words_come_before_the_close);
        tcase_add_test(c, a_ping_is_answered_and_a_close_too);
        tcase_add_test(c, what_is_no_frame_ends_it);
        return suite_run(s);
}
