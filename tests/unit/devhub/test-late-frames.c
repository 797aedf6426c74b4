/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/buffer.h"
#include "devhub/amqp/late-frames.h"
#include "suite.h"

enum { BEGIN = 0x11, ATTACH, FLOW, TRANSFER, DISPOSITION, DETACH, END, CLOSE };

/* What came of a stream of frames, however it was cut. */
static Buffer sent, heard, expected;

static void set_up(void)
{
        sent = heard = expected = (Buffer)BUFFER_NULL;
}

static void tear_down(void)
{
        buffer_done(&sent);
        buffer_done(&heard);
        buffer_done(&expected);
}

static void hear(void *userdata, const char *data, size_t size)
{
        buffer_append(&heard, data, size);
}

/* A frame whose body is as long as is said. */
static void frame_of(Buffer *b, unsigned channel, unsigned char code, size_t body_size)
{
        unsigned char body[600] = {0, 0x53, code};
        size_t size = 8 + body_size;
        unsigned char header[] = {size >> 24, size >> 16, size >> 8, size, 2, 0, channel >> 8, channel};

        memset(body + 3, code, sizeof(body) - 3);
        buffer_append(b, header, sizeof(header));
        buffer_append(b, body, body_size);
}

static void say(unsigned channel, unsigned char code, size_t body_size, bool is_heard)
{
        frame_of(&sent, channel, code, body_size);
        if (is_heard)
                frame_of(&expected, channel, code, body_size);
}

/* In pieces of every size. */
static void listen(void)
{
        for (size_t piece = 1; piece <= sent.size; piece++) {
                LateFrames l = {};

                heard.size = 0;
                for (size_t at = 0; at < sent.size; at += piece)
                        late_frames_feed(&l, sent.data + at, piece < sent.size - at ? piece : sent.size - at, hear, NULL);
                insist(heard.size == expected.size && memcmp(heard.data, expected.data, heard.size) == 0);
        }
}

START_TEST(what_comes_in_time_is_heard)
{
        say(0, BEGIN, 20, true);
        say(5, BEGIN, 20, true);
        say(5, ATTACH, 200, true);
        say(5, FLOW, 12, true);
        say(5, DISPOSITION, 12, true);
        say(5, DETACH, 5, true);
        say(5, END, 3, true);
        say(0, TRANSFER, 500, true);
        listen();
}
END_TEST

START_TEST(what_comes_after_the_end_is_not)
{
        say(5, END, 3, true);
        say(5, DISPOSITION, 30, false);
        say(5, FLOW, 3, false);
        say(5, DETACH, 500, false);
        say(4, DISPOSITION, 30, true);
        say(0, CLOSE, 3, true);
        listen();
}
END_TEST

START_TEST(a_channel_may_begin_again)
{
        say(63, END, 3, true);
        say(63, FLOW, 12, false);
        say(63, BEGIN, 12, true);
        say(63, FLOW, 12, true);
        listen();
}
END_TEST

/* Only what tells of things that are gone is dropped: an attach or a transfer waits for an answer. */
START_TEST(a_late_wish_is_heard)
{
        say(1, END, 3, true);
        say(1, ATTACH, 30, true);
        say(1, TRANSFER, 30, true);
        say(1, END, 3, true);
        listen();
}
END_TEST

START_TEST(headers_and_empty_frames_pass)
{
        static const char sasl[] = "\0\0\0\x0c\2\1\0\0\0\x53\x44\x45", empty[] = "\0\0\0\x08\2\0\0\5";

        say(5, END, 3, true);
        buffer_append(&sent, sasl, 12);
        buffer_append(&expected, sasl, 12);
        buffer_append(&sent, "AMQP\0\1\0\0", 8);
        buffer_append(&expected, "AMQP\0\1\0\0", 8);
        buffer_append(&sent, empty, 8);
        buffer_append(&expected, empty, 8);
        say(5, DISPOSITION, 12, false);
        listen();
}
END_TEST

START_TEST(the_long_form_of_a_descriptor_is_known)
{
        static const char end[] = "\0\0\0\x13\2\0\0\7\0\x80\0\0\0\0\0\0\0\x17\x45",
                          disposition[] = "\0\0\0\x13\2\0\0\7\0\x80\0\0\0\0\0\0\0\x15\x45";

        buffer_append(&sent, end, 19);
        buffer_append(&expected, end, 19);
        buffer_append(&sent, disposition, 19);
        listen();
}
END_TEST

START_TEST(channels_beyond_ours_are_left_alone)
{
        say(64, END, 3, true);
        say(64, FLOW, 12, true);
        say(65535, END, 3, true);
        say(65535, FLOW, 12, true);
        listen();
}
END_TEST

START_TEST(a_frame_that_is_too_large_is_known_by_its_header)
{
        static const char header[] = {0, 1, 0, 1, 2, 0, 0, 0};
        LateFrames l = {};

        late_frames_feed(&l, header, sizeof(header), hear, NULL);
        ck_assert_uint_eq(heard.size, sizeof(header));
}
END_TEST

START_TEST(only_the_first_frame_of_sasl_is_heard)
{
        for (int i = 0; i < 3; i++) {
                Buffer frame = BUFFER_NULL;

                frame_of(&frame, 0, 0x41, 40);
                frame.data[5] = 1;
                buffer_append(&sent, frame.data, frame.size);
                if (i == 0)
                        buffer_append(&expected, frame.data, frame.size);
                buffer_done(&frame);
        }
        say(0, BEGIN, 20, true);
        listen();
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/amqp/late-frames");
        TCase *c = suite_case(s, "after end nothing is heard of a channel but what is new");

        tcase_add_checked_fixture(c, set_up, tear_down);
        tcase_add_test(c, what_comes_in_time_is_heard);
        tcase_add_test(c, what_comes_after_the_end_is_not);
        tcase_add_test(c, a_channel_may_begin_again);
        tcase_add_test(c, a_late_wish_is_heard);
        tcase_add_test(c, headers_and_empty_frames_pass);
        tcase_add_test(c, the_long_form_of_a_descriptor_is_known);
        tcase_add_test(c, only_the_first_frame_of_sasl_is_heard);
        tcase_add_test(c, channels_beyond_ours_are_left_alone);
        tcase_add_test(c, a_frame_that_is_too_large_is_known_by_its_header);
        return suite_run(s);
}
