/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Direct methods from the wire to a responder and back: each call of the hub has one answer on the wire, in its time,
 * whatever becomes of the responder and of the link.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "flow/methods.h"
#include "suite.h"
#include "world.h"

#define N_CALLS 300

static World w;
static Methods *methods;
static Audit *audit;
static MethodsSettings settings = {.timeout_usec = METHODS_TIMEOUT_DEFAULT};

/* What responders were asked, by the call's place. */
static uint64_t asked[N_CALLS];
static unsigned n_asked;

static int on_invoke(void *userdata, const char *destination, const char *name, const char *json, usec_t deadline_usec,
                     uint64_t call)
{
        insist(n_asked < N_CALLS);
        asked[n_asked++] = call;
        return 0;
}

static void on_done(void *userdata, RequestError error, const char *detail)
{
        insist(error == REQUEST_OK);
}

static void begin(void)
{
        MethodDesk desk;

        n_asked = 0;
        world_init(&w);
        w.far.obedient = true;
        w.orders.methods = &methods;
        world_start(&w);
        audit = audit_new();
        ck_assert_int_eq(methods_new(&methods, &settings, &w.clock.clock, audit, &(ResponderPort){on_invoke, NULL}), 0);
        desk = methods_desk(methods);
        desk.register_name(desk.userdata, "pump", ":1.7", NULL, on_done, NULL);
        w.tickers[w.n_tickers++] = methods_ticker(methods);
        world_run(&w, 5 * USEC_PER_SEC);
        ck_assert(hub_is_ready(w.hub));
}

static void end(void)
{
        methods_free(methods);
        audit_free(audit);
        world_done(&w);
}

static void hub_calls(unsigned rid, const char *name, const char *json)
{
        char topic[64];

        (void)snprintf(topic, sizeof(topic), "$iothub/methods/POST/%s/?$rid=%u", name, rid);
        fake_transport_message(&w.far, topic, json, 0);
}

static void answer(unsigned i, int error, const char *json)
{
        MethodDesk desk = methods_desk(methods);

        desk.answered(desk.userdata, asked[i], error, 200, json);
}

/* How often that call was answered on the wire; *ret_status is the last one's. */
static unsigned answers_of(unsigned rid, int *ret_status)
{
        char tail[32];
        unsigned n = 0;

        (void)snprintf(tail, sizeof(tail), "/?$rid=%u", rid);
        for (size_t i = 0; i < w.far.n_published; i++) {
                const char *topic = w.far.published[i].topic, *at = strstr(topic, tail);

                if (strncmp(topic, "$iothub/methods/res/", 20) != 0 || !at || at[strlen(tail)])
                        continue;
                n++;
                *ret_status = atoi(topic + 20);
        }
        return n;
}

START_TEST(a_call_is_answered_on_the_wire)
{
        int status = 0;

        begin();
        hub_calls(1, "pump", "{\"on\":true}");
        ck_assert_uint_eq(n_asked, 1);
        ck_assert_uint_eq(answers_of(1, &status), 0);
        answer(0, 0, "{\"was\":false}");
        world_run(&w, USEC_PER_SEC);
        ck_assert_uint_eq(answers_of(1, &status), 1);
        ck_assert_int_eq(status, 200);
        hub_calls(2, "nothing", "");
        ck_assert_uint_eq(answers_of(2, &status), 1);
        ck_assert_int_eq(status, METHOD_NOT_FOUND);
        hub_calls(3, "pump", "{");
        ck_assert_uint_eq(answers_of(3, &status), 1);
        ck_assert_int_eq(status, METHOD_BAD_REQUEST);
        end();
}
END_TEST

/* The hub gives it 30 s: what is late is answered at 25 s, to the microsecond of the loop. */
START_TEST(one_that_hangs_is_answered_before_the_hub_gives_up)
{
        int status = 0;

        begin();
        hub_calls(1, "pump", "");
        world_run(&w, METHODS_TIMEOUT_DEFAULT - USEC_PER_MSEC);
        ck_assert_uint_eq(answers_of(1, &status), 0);
        world_run(&w, 2 * USEC_PER_MSEC);
        ck_assert_uint_eq(answers_of(1, &status), 1);
        ck_assert_int_eq(status, METHOD_TIMEOUT);
        answer(0, 0, "{}");
        world_run(&w, USEC_PER_MIN);
        ck_assert_uint_eq(answers_of(1, &status), 1);
        end();
}
END_TEST

/* The link goes at any moment of a call, and comes again: never two answers, and the daemon goes on. */
START_TEST(a_link_that_breaks_brings_no_second_answer)
{
        for (usec_t at = 0; at <= 30 * USEC_PER_SEC; at += 3 * USEC_PER_SEC) {
                int status = 0;

                begin();
                hub_calls(1, "pump", "");
                world_run(&w, at);
                world_link(&w, false);
                world_run(&w, USEC_PER_SEC);
                if (at == 12 * USEC_PER_SEC)
                        answer(0, 0, "{}"); /* while there is none */
                world_link(&w, true);
                world_run(&w, 10 * USEC_PER_MIN);
                insist(answers_of(1, &status) == (at > METHODS_TIMEOUT_DEFAULT)); /* the link was there till then */
                insist(hub_is_ready(w.hub));
                hub_calls(2, "pump", "");
                insist(n_asked == 2);
                answer(1, 0, "{}");
                insist(answers_of(2, &status) == 1 && status == 200);
                end();
        }
}
END_TEST

static uint64_t late_answers(const char *name)
{
        MethodDesk desk = methods_desk(methods);
        const MethodInfo *infos;
        size_t n;

        desk.list(desk.userdata, &infos, &n);
        for (size_t i = 0; i < n; i++)
                if (strcmp(infos[i].name, name) == 0)
                        return infos[i].late;
        return 0;
}

/* The hub may count its calls from 1 with each connection: then two callers have the same number. */
START_TEST(an_answer_goes_out_on_the_connection_of_its_call)
{
        int status = 0;

        begin();
        hub_calls(1, "pump", "\"first\"");
        hub_reconnect(w.hub);
        world_run(&w, 10 * USEC_PER_SEC);
        insist(hub_is_ready(w.hub));
        hub_calls(1, "pump", "\"second\"");
        ck_assert_uint_eq(n_asked, 2);
        answer(0, 0, "{\"of\":1}");
        ck_assert_uint_eq(answers_of(1, &status), 0);
        ck_assert_uint_eq(late_answers("pump"), 1);
        answer(1, 0, "{\"of\":2}");
        ck_assert_uint_eq(answers_of(1, &status), 1);
        ck_assert_str_eq(w.far.published[w.far.n_published - 1].body.data, "{\"of\":2}");
        world_run(&w, USEC_PER_MIN);
        ck_assert_uint_eq(answers_of(1, &status), 1);
        ck_assert_uint_eq(late_answers("pump"), 1);
        end();
}
END_TEST

/* A token is renewed when its time has come, whoever calls just then. */
START_TEST(a_planned_end_waits_for_the_answer)
{
        static const usec_t takes[] = {0, 3 * USEC_PER_SEC, 6 * USEC_PER_SEC};
        uint64_t generation;
        unsigned n_links;
        int status = 0;

        for (size_t i = 0; i < ARRAY_SIZE(takes); i++) {
                begin();
                n_links = w.n_links;
                generation = w.far.generation;
                world_run(&w, w.hub_settings.token_life_usec * 4 / 5 - 7 * USEC_PER_SEC);
                insist(w.far.generation == generation);
                hub_calls(1, "pump", "");
                world_run(&w, 5 * USEC_PER_SEC + takes[i]); /* the renewal is due in between */
                answer(0, 0, "{}");
                ck_assert_uint_eq(answers_of(1, &status), 1);
                ck_assert_uint_eq(w.far.generation, generation);
                world_run(&w, 15 * USEC_PER_SEC);
                ck_assert_uint_eq(w.n_links, n_links + 1);
                ck_assert_uint_gt(w.far.generation, generation);
                ck_assert(hub_is_ready(w.hub));
                end();
        }
}
END_TEST

/* Dice: answers, errors, silence, a responder that goes and comes. Telemetry flows beside it. */
START_TEST(each_has_one_answer_whatever_they_do)
{
        unsigned n_timeouts = 0, n_gone = 0, n_well = 0;
        FakeRandom dice;
        int status;

        fake_random_init(&dice, 3);
        begin();
        world_add_sensor(&w, "room", "telemetry", USEC_PER_SEC);
        for (unsigned i = 0; i < N_CALLS; i++) {
                MethodDesk desk = methods_desk(methods);
                uint64_t roll = dice.random.draw(&dice);
                unsigned before = n_asked;

                hub_calls(100 + i, "pump", "{}");
                if (n_asked > before)
                        switch (roll % 8) {
                        case 0:
                                break; /* never, or below */
                        case 1:
                                answer(before, -EIO, "jammed");
                                break;
                        case 2:
                                desk.left(desk.userdata, ":1.7");
                                break;
                        case 3:
                                answer(before, 0, "{");
                                break;
                        default:
                                answer(before, 0, "{}");
                                answer(before, 0, "[]");
                        }
                desk.register_name(desk.userdata, "pump", ":1.7", NULL, on_done, NULL);
                if (roll / 8 % 4 == 0 && n_asked > 0)
                        answer((unsigned)(roll / 64 % n_asked), 0, "\"late\"");
                world_run(&w, roll / 4096 % (2 * USEC_PER_SEC));
        }
        world_run(&w, USEC_PER_MIN);
        for (unsigned i = 0; i < N_CALLS; i++) {
                insist(answers_of(100 + i, &status) == 1);
                n_well += status == 200;
                n_timeouts += status == METHOD_TIMEOUT;
                n_gone += status == METHOD_UNAVAILABLE;
        }
        ck_assert_uint_gt(n_well, N_CALLS / 3);
        ck_assert_uint_gt(n_timeouts, 0);
        ck_assert_uint_gt(n_gone, 0);
        ck_assert_uint_gt(w.n_arrived, 100);
        end();
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/methods on the wire");
        TCase *c = suite_case(s, "from the wire to a responder and back");

        tcase_add_test(c, a_call_is_answered_on_the_wire);
        tcase_add_test(c, one_that_hangs_is_answered_before_the_hub_gives_up);
        tcase_add_test(c, a_link_that_breaks_brings_no_second_answer);
        tcase_add_test(c, an_answer_goes_out_on_the_connection_of_its_call);
        tcase_add_test(c, a_planned_end_waits_for_the_answer);
        tcase_add_test(c, each_has_one_answer_whatever_they_do);
        return suite_run(s);
}
