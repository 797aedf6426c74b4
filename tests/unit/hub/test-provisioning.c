/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/provisioning.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fake-clock.h"
#include "suite.h"

#define SEC          USEC_PER_SEC
#define REGISTRATION "0ne00000001/registrations/gw-17"
#define ASSIGNING    "{\"operationId\":\"5.abc.def\",\"status\":\"assigning\"}"
#define ASSIGNED                                                                                                    \
        "{\"operationId\":\"5.abc.def\",\"status\":\"assigned\",\"registrationState\":{\"assignedHub\":"             \
        "\"hub.example.net\",\"deviceId\":\"Wind-1\",\"status\":\"assigned\",\"substatus\":\"initialAssignment\"}}"

/* A talk, and the time of day. */
typedef struct Bench {
        Provisioning p;
        usec_t now;
} Bench;

static void bench_init(Bench *b)
{
        *b = (Bench){.now = 1000 * SEC};
        ck_assert_int_eq(provisioning_begin(&b->p, REGISTRATION, b->now), 0);
}

#define FEED(b, ...) provisioning_feed(&(b)->p, &(TransportEvent){__VA_ARGS__}, (b)->now)

static ProvisioningAction grant(Bench *b, uint8_t code)
{
        return FEED(b, .kind = TRANSPORT_SUBSCRIBED, .codes = &code, .n_codes = 1);
}

static ProvisioningAction hear(Bench *b, const char *topic, const char *payload)
{
        return FEED(b, .kind = TRANSPORT_MESSAGE,
                    .message = {.topic = topic, .payload = payload, .size = strlen(payload), .qos = 1});
}

/* The answer to the last request. */
static ProvisioningAction answer(Bench *b, int status, unsigned retry_after, const char *payload)
{
        char topic[128], after[32] = "";

        if (retry_after > 0)
                (void)snprintf(after, sizeof(after), "&retry-after=%u", retry_after);
        (void)snprintf(topic, sizeof(topic), "$dps/registrations/res/%d/?$rid=%u%s", status, b->p.rid, after);
        return hear(b, topic, payload);
}

static ProvisioningAction sleep_through(Bench *b)
{
        usec_t deadline = provisioning_deadline(&b->p);

        ck_assert_uint_ne(deadline, USEC_INFINITY);
        b->now = MAX(b->now, deadline);
        return provisioning_tick(&b->p, b->now);
}

static void enter(Bench *b, ProvisioningPhase phase)
{
        bench_init(b);
        if (phase == PROVISIONING_IDLE)
                provisioning_end(&b->p);
        if (phase >= PROVISIONING_SUBSCRIBING)
                ck_assert_int_eq(FEED(b, .kind = TRANSPORT_CONNECTED), PROVISIONING_SUBSCRIBE);
        if (phase >= PROVISIONING_REGISTERING)
                ck_assert_int_eq(grant(b, 1), PROVISIONING_REGISTER);
        if (phase >= PROVISIONING_ASSIGNING)
                ck_assert_int_eq(answer(b, 202, 3, ASSIGNING), PROVISIONING_NOTHING);
        if (phase >= PROVISIONING_POLLING)
                ck_assert_int_eq(sleep_through(b), PROVISIONING_POLL);
        ck_assert_int_eq(b->p.phase, phase);
}

static void expect_topic(const Bench *b, const char *topic)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;

        provisioning_topic(&b->p, &text);
        ck_assert_str_eq(text.data, topic);
}

static void expect_failure(Bench *b, ProvisioningAction action, LinkReason reason, usec_t peace_usec, const char *words)
{
        ck_assert_int_eq(action, PROVISIONING_FAILED);
        ck_assert_int_eq(b->p.phase, PROVISIONING_IDLE);
        ck_assert_uint_eq(provisioning_deadline(&b->p), USEC_INFINITY);
        ck_assert_msg(strstr(b->p.detail, words), "%s: expected %s", b->p.detail, words);
        ck_assert_str_eq(link_reason_to_string(b->p.reason), link_reason_to_string(reason));
        ck_assert_uint_eq(b->p.peace_usec, peace_usec);
        provisioning_done(&b->p);
}

/* ---- the good way ---- */

START_TEST(the_whole_way)
{
        Bench b;

        enter(&b, PROVISIONING_REGISTERING);
        expect_topic(&b, "$dps/registrations/PUT/iotdps-register/?$rid=1");
        ck_assert_int_eq(answer(&b, 202, 7, ASSIGNING), PROVISIONING_NOTHING);
        ck_assert_str_eq(provisioning_words(&b.p), "the provisioning service is assigning a hub");
        ck_assert_uint_eq(provisioning_deadline(&b.p), b.now + 7 * SEC);
        for (unsigned i = 2; i < 6; i++) {
                char topic[128];

                ck_assert_int_eq(sleep_through(&b), PROVISIONING_POLL);
                (void)snprintf(topic, sizeof(topic),
                               "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=%u&operationId=5.abc.def", i);
                expect_topic(&b, topic);
                ck_assert_int_eq(answer(&b, 202, 3, ASSIGNING), PROVISIONING_NOTHING);
        }
        ck_assert_int_eq(sleep_through(&b), PROVISIONING_POLL);
        ck_assert_int_eq(answer(&b, 200, 0, ASSIGNED), PROVISIONING_ASSIGNED);
        ck_assert_str_eq(b.p.assignment->registration, REGISTRATION);
        ck_assert_str_eq(b.p.assignment->host, "hub.example.net");
        ck_assert_str_eq(b.p.assignment->device_id, "Wind-1");
        ck_assert_int_eq(b.p.phase, PROVISIONING_IDLE);
        provisioning_done(&b.p);
}
END_TEST

START_TEST(a_hub_may_be_named_at_once)
{
        Bench b;

        enter(&b, PROVISIONING_REGISTERING);
        ck_assert_int_eq(answer(&b, 200, 0, ASSIGNED), PROVISIONING_ASSIGNED);
        provisioning_done(&b.p);
}
END_TEST

START_TEST(unassigned_is_as_good_as_assigning)
{
        Bench b;

        enter(&b, PROVISIONING_POLLING);
        ck_assert_int_eq(answer(&b, 202, 0, "{\"operationId\":\"5.abc.def\",\"status\":\"unassigned\"}"),
                         PROVISIONING_NOTHING);
        ck_assert_uint_eq(provisioning_deadline(&b.p), b.now + PROVISIONING_POLL_USEC);
        ck_assert_int_eq(sleep_through(&b), PROVISIONING_POLL);
        /* the id of the operation need not be said again */
        ck_assert_int_eq(answer(&b, 202, 1, "{\"status\":\"assigning\"}"), PROVISIONING_NOTHING);
        ck_assert_uint_eq(provisioning_deadline(&b.p), b.now + PROVISIONING_POLL_MIN_USEC);
        provisioning_done(&b.p);
}
END_TEST

/* ---- what the service refuses ---- */

START_TEST(every_state_and_status_has_its_words)
{
        static const struct {
                int status;
                unsigned retry_after;
                const char *payload;
                LinkReason reason;
                usec_t peace;
                const char *words;
        } cases[] = {
                {200, 0, "{\"status\":\"disabled\",\"registrationState\":{\"status\":\"disabled\"}}",
                 LINK_REASON_PROVISIONING, PROVISIONING_REFUSED_USEC, "is disabled"},
                {200, 0, "{\"status\":\"blacklisted\"}", LINK_REASON_PROVISIONING, PROVISIONING_REFUSED_USEC, "is disabled"},
                {200, 0,
                 "{\"status\":\"failed\",\"registrationState\":{\"errorCode\":400209,\"errorMessage\":\"no\\u0007 hub\"}}",
                 LINK_REASON_PROVISIONING, PROVISIONING_REFUSED_USEC, "could not assign a hub (400209: no"},
                {200, 0, "{\"status\":\"failed\"}", LINK_REASON_PROVISIONING, PROVISIONING_REFUSED_USEC,
                 "could not assign a hub"},
                {200, 0, "{\"status\":\"paused\"}", LINK_REASON_PROVISIONING, PROVISIONING_REFUSED_USEC, "not known"},
                {200, 0, "{}", LINK_REASON_PROVISIONING, PROVISIONING_DENIED_USEC, "cannot be understood"},
                {200, 0, "", LINK_REASON_PROVISIONING, PROVISIONING_DENIED_USEC, "cannot be understood"},
                {200, 0, "[1]", LINK_REASON_PROVISIONING, PROVISIONING_DENIED_USEC, "cannot be understood"},
                {202, 0, "{\"status\":\"assigning\"}", LINK_REASON_PROVISIONING, PROVISIONING_DENIED_USEC, "understood"},
                {202, 0, "{\"status\":\"assigning\",\"operationId\":\"a/#\"}", LINK_REASON_PROVISIONING,
                 PROVISIONING_DENIED_USEC, "understood"},
                {200, 0, "{\"status\":\"assigned\"}", LINK_REASON_PROVISIONING, PROVISIONING_DENIED_USEC, "understood"},
                {200, 0, "{\"status\":\"assigned\",\"registrationState\":{\"assignedHub\":\"h\",\"deviceId\":\"a/b\"}}",
                 LINK_REASON_PROVISIONING, PROVISIONING_DENIED_USEC, "understood"},
                {200, 0, "{\"status\":\"assigned\",\"registrationState\":{\"assignedHub\":\"h x\",\"deviceId\":\"a\"}}",
                 LINK_REASON_PROVISIONING, PROVISIONING_DENIED_USEC, "understood"},
                {401, 0, "{\"errorCode\":401002,\"message\":\"Unauthorized\"}", LINK_REASON_PROVISIONING,
                 PROVISIONING_DENIED_USEC, "does not admit this device (401002: Unauthorized): check id scope"},
                {401, 0, "", LINK_REASON_PROVISIONING, PROVISIONING_DENIED_USEC, "does not admit"},
                {400, 0, "", LINK_REASON_PROVISIONING, PROVISIONING_REFUSED_USEC, "status 400"},
                {404, 0, "{\"errorCode\":404201}", LINK_REASON_PROVISIONING, PROVISIONING_REFUSED_USEC, "404 (404201)"},
                {429, 0, "", LINK_REASON_THROTTLED, PROVISIONING_PEACE_USEC, "busy"},
                {429, 90, "{\"errorCode\":429001}", LINK_REASON_THROTTLED, 90 * SEC, "later (429001)"},
                {429, 1000000, "", LINK_REASON_THROTTLED, PROVISIONING_LATER_USEC, "later"},
                {500, 0, "<html>", LINK_REASON_HUB_UNAVAILABLE, PROVISIONING_PEACE_USEC, "status 500"},
                {503, 20, "", LINK_REASON_HUB_UNAVAILABLE, 20 * SEC, "status 503"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Bench b;

                enter(&b, PROVISIONING_REGISTERING);
                expect_failure(&b, answer(&b, cases[i].status, cases[i].retry_after, cases[i].payload), cases[i].reason,
                               cases[i].peace, cases[i].words);
                ck_assert_ptr_null(b.p.assignment);
        }
}
END_TEST

START_TEST(while_it_assigns_a_busy_service_is_asked_again)
{
        static const int statuses[] = {429, 500, 503};

        for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
                Bench b;

                enter(&b, PROVISIONING_POLLING);
                ck_assert_int_eq(answer(&b, statuses[i], 0, ""), PROVISIONING_NOTHING);
                ck_assert_uint_eq(provisioning_deadline(&b.p), b.now + PROVISIONING_PEACE_USEC);
                ck_assert_int_eq(sleep_through(&b), PROVISIONING_POLL);
                ck_assert_int_eq(answer(&b, statuses[i], 40, ""), PROVISIONING_NOTHING);
                ck_assert_uint_eq(provisioning_deadline(&b.p), b.now + 40 * SEC);
                ck_assert_int_eq(sleep_through(&b), PROVISIONING_POLL);
                ck_assert_int_eq(answer(&b, 200, 0, ASSIGNED), PROVISIONING_ASSIGNED);
                provisioning_done(&b.p);
        }
}
END_TEST

START_TEST(connack_and_suback_can_refuse)
{
        Bench b;

        for (int code = 1; code <= 5; code++) {
                enter(&b, PROVISIONING_REACHING);
                expect_failure(&b, FEED(&b, .kind = TRANSPORT_REFUSED, .code = code),
                               code < 4 ? LINK_REASON_HUB_UNAVAILABLE : LINK_REASON_PROVISIONING,
                               code < 4 ? PROVISIONING_PEACE_USEC : PROVISIONING_DENIED_USEC, "CONNACK");
        }
        enter(&b, PROVISIONING_SUBSCRIBING);
        expect_failure(&b, grant(&b, 0x80), LINK_REASON_PROVISIONING, PROVISIONING_DENIED_USEC, "subscription");
        enter(&b, PROVISIONING_SUBSCRIBING);
        expect_failure(&b, FEED(&b, .kind = TRANSPORT_SUBSCRIBED), LINK_REASON_PROVISIONING, PROVISIONING_DENIED_USEC,
                       "subscription");
}
END_TEST

/* ---- what goes wrong between us ---- */

START_TEST(the_connection_can_end_at_any_time)
{
        for (int phase = PROVISIONING_REACHING; phase < _PROVISIONING_PHASE_MAX; phase++) {
                Bench b;

                enter(&b, (ProvisioningPhase)phase);
                expect_failure(&b, FEED(&b, .kind = TRANSPORT_ENDED, .reason = LINK_REASON_NETWORK, .detail = "no route"),
                               LINK_REASON_NETWORK, PROVISIONING_PEACE_USEC, "the provisioning service: no route");
        }
}
END_TEST

START_TEST(silence_has_an_end_in_every_phase)
{
        static const ProvisioningPhase phases[] = {PROVISIONING_SUBSCRIBING, PROVISIONING_REGISTERING,
                                                   PROVISIONING_POLLING};

        for (size_t i = 0; i < ARRAY_SIZE(phases); i++) {
                Bench b;

                enter(&b, phases[i]);
                ck_assert_uint_eq(provisioning_deadline(&b.p), b.now + PROVISIONING_ANSWER_USEC);
                b.now += PROVISIONING_ANSWER_USEC - 1;
                ck_assert_int_eq(provisioning_tick(&b.p, b.now), PROVISIONING_NOTHING);
                expect_failure(&b, sleep_through(&b), LINK_REASON_SILENT, PROVISIONING_PEACE_USEC, "30 s");
        }
}
END_TEST

START_TEST(assigning_for_ever_has_an_end)
{
        ProvisioningAction action;
        unsigned n_polls = 0;
        usec_t begun;
        Bench b;

        enter(&b, PROVISIONING_SUBSCRIBING);
        begun = b.now;
        ck_assert_int_eq(grant(&b, 1), PROVISIONING_REGISTER);
        ck_assert_int_eq(answer(&b, 202, 0, ASSIGNING), PROVISIONING_NOTHING);
        while ((action = sleep_through(&b)) == PROVISIONING_POLL) {
                ck_assert_int_eq(answer(&b, 202, 0, ASSIGNING), PROVISIONING_NOTHING);
                n_polls++;
        }
        ck_assert_uint_eq(b.now - begun, PROVISIONING_PATIENCE_USEC);
        ck_assert_uint_le(n_polls, PROVISIONING_PATIENCE_USEC / PROVISIONING_POLL_USEC);
        expect_failure(&b, action, LINK_REASON_PROVISIONING, PROVISIONING_DENIED_USEC, "within 5 min");
}
END_TEST

START_TEST(only_the_last_question_is_answered)
{
        static const char *const others[] = {
                "$dps/registrations/res/200/?$rid=1",  "$dps/registrations/res/200/?$rid=22",
                "$dps/registrations/res/200/?$rid=",   "$dps/registrations/res/200/",
                "$dps/registrations/PUT/?$rid=2",      "devices/gw-17/messages/devicebound/",
                "$iothub/twin/res/200/?$rid=2",        "",
        };

        for (int phase = PROVISIONING_IDLE; phase < _PROVISIONING_PHASE_MAX; phase++)
                for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
                        Bench b;

                        if (phase == PROVISIONING_REGISTERING && i == 0)
                                continue; /* it is the right one there */
                        enter(&b, (ProvisioningPhase)phase);
                        ck_assert_int_eq(hear(&b, others[i], ASSIGNED), PROVISIONING_NOTHING);
                        ck_assert_int_eq(b.p.phase, phase);
                        provisioning_done(&b.p);
                }
}
END_TEST

START_TEST(events_out_of_place_do_nothing)
{
        static const TransportEventKind kinds[] = {TRANSPORT_STEPPED, TRANSPORT_PUBLISHED, TRANSPORT_UNSUBSCRIBED,
                                                   TRANSPORT_ALIVE};

        for (int phase = PROVISIONING_IDLE; phase < _PROVISIONING_PHASE_MAX; phase++) {
                Bench b;

                enter(&b, (ProvisioningPhase)phase);
                for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                        ck_assert_int_eq(FEED(&b, .kind = kinds[i]), PROVISIONING_NOTHING);
                if (phase != PROVISIONING_REACHING)
                        ck_assert_int_eq(FEED(&b, .kind = TRANSPORT_CONNECTED), PROVISIONING_NOTHING);
                if (phase != PROVISIONING_SUBSCRIBING)
                        ck_assert_int_eq(grant(&b, 1), PROVISIONING_NOTHING);
                ck_assert_int_eq(b.p.phase, phase);
                provisioning_done(&b.p);
        }
}
END_TEST

/* ---- what is remembered ---- */

START_TEST(an_assignment_is_read_as_it_was_written)
{
        _cleanup_(assignment_freep) Assignment *a = NULL, *read = NULL;
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;

        ck_assert_int_eq(assignment_new(&a, REGISTRATION, "hub.example.net", "a'b$c"), 0);
        assignment_write(a, &text);
        ck_assert_int_eq(assignment_read(&read, text.data, text.size), 0);
        ck_assert(assignment_equal(a, read));
        ck_assert(!assignment_equal(a, NULL));
        /* whatever the disk makes of it */
        for (size_t size = 0; size < text.size - 1; size++) {
                Assignment *none = NULL;

                ck_assert_int_eq(assignment_read(&none, text.data, size), -EBADMSG);
                ck_assert_ptr_null(none);
        }
        ck_assert_int_eq(assignment_read(&read, "{\"registration\":\"r\",\"assignedHub\":\"\",\"deviceId\":\"d\"}", 49),
                         -EBADMSG);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("provisioning");
        TCase *c;

        c = suite_case(s, "the good way");
        tcase_add_test(c, the_whole_way);
        tcase_add_test(c, a_hub_may_be_named_at_once);
        tcase_add_test(c, unassigned_is_as_good_as_assigning);

        c = suite_case(s, "refusals");
        tcase_add_test(c, every_state_and_status_has_its_words);
        tcase_add_test(c, while_it_assigns_a_busy_service_is_asked_again);
        tcase_add_test(c, connack_and_suback_can_refuse);

        c = suite_case(s, "trouble");
        tcase_add_test(c, the_connection_can_end_at_any_time);
        tcase_add_test(c, silence_has_an_end_in_every_phase);
        tcase_add_test(c, assigning_for_ever_has_an_end);
        tcase_add_test(c, only_the_last_question_is_answered);
        tcase_add_test(c, events_out_of_place_do_nothing);

        c = suite_case(s, "memory");
        tcase_add_test(c, an_assignment_is_read_as_it_was_written);
        return suite_run(s);
}
