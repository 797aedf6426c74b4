/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/methods.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "base/utf8.h"
#include "fake-clock.h"
#include "log-capture.h"
#include "suite.h"

#define ASKED_MAX 512

/* A bus on which the test answers. */
typedef struct House {
        FakeClock time;
        LogCapture lines;
        Audit *audit;
        Methods *methods;
        MethodDesk desk;
        MethodsSettings settings;

        int refuse; /* what invoke() gives */
        size_t n_asked;
        struct {
                char destination[64], name[64], json[64];
                usec_t deadline;
                uint64_t call;
        } asked[ASKED_MAX];
} House;

/* Who called, and what he heard. */
typedef struct Caller {
        unsigned n_answers;
        int status;
        char json[256];
        usec_t at;
        House *house;
} Caller;

static int on_invoke(void *userdata, const char *destination, const char *name, const char *json, usec_t deadline,
                     uint64_t call)
{
        House *h = userdata;

        if (h->refuse < 0)
                return h->refuse;
        insist(h->n_asked < ASKED_MAX);
        (void)snprintf(h->asked[h->n_asked].destination, sizeof(h->asked[0].destination), "%s", destination);
        (void)snprintf(h->asked[h->n_asked].name, sizeof(h->asked[0].name), "%s", name);
        (void)snprintf(h->asked[h->n_asked].json, sizeof(h->asked[0].json), "%s", json);
        h->asked[h->n_asked].deadline = deadline;
        h->asked[h->n_asked++].call = call;
        return 0;
}

static void on_answer(void *userdata, const MethodAnswer *a)
{
        Caller *c = userdata;

        insist(strlen(a->json) == a->json_size);
        c->n_answers++;
        c->status = a->status;
        (void)snprintf(c->json, sizeof(c->json), "%s", a->json);
        c->at = clock_boot(&c->house->time.clock);
}

typedef struct Done {
        unsigned n;
        RequestError error;
        char detail[256];
} Done;

static void on_done(void *userdata, RequestError error, const char *detail)
{
        Done *d = userdata;

        d->n++;
        d->error = error;
        (void)snprintf(d->detail, sizeof(d->detail), "%s", detail ?: "");
}

static void begin(House *h)
{
        *h = (House){.settings = {.timeout_usec = METHODS_TIMEOUT_DEFAULT}};
        fake_clock_init(&h->time);
        log_capture_begin(&h->lines);
        h->audit = audit_new();
        ck_assert_int_eq(methods_new(&h->methods, &h->settings, &h->time.clock, h->audit,
                                     &(ResponderPort){on_invoke, h}),
                         0);
        h->desk = methods_desk(h->methods);
}

static void end(House *h)
{
        methods_free(h->methods);
        audit_free(h->audit);
        log_capture_end(&h->lines);
}

static RequestError enroll(House *h, const char *name, const char *client, const char *user)
{
        Done d = {};

        h->desk.register_name(h->desk.userdata, name, client, user, on_done, &d);
        insist(d.n == 1);
        insist((d.error == REQUEST_OK) == (*d.detail == 0));
        return d.error;
}

static RequestError withdraw(House *h, const char *name, const char *client)
{
        Done d = {};

        h->desk.unregister_name(h->desk.userdata, name, client, on_done, &d);
        insist(d.n == 1);
        insist(utf8_is_valid(d.detail, strlen(d.detail)));
        return d.error;
}

static void call_from_hub(House *h, Caller *c, const char *name, const char *json)
{
        *c = (Caller){.house = h};
        methods_call(h->methods, &(MethodCall){"7", name, json, strlen(json)}, on_answer, c);
}

static void call_here(House *h, Caller *c, const char *name, const char *json, usec_t timeout)
{
        *c = (Caller){.house = h};
        h->desk.call(h->desk.userdata, name, json, timeout, "root", on_answer, c);
}

static void answer(House *h, size_t i, int error, int status, const char *json)
{
        h->desk.answered(h->desk.userdata, h->asked[i].call, error, status, json);
}

/* Runs the ticker as the pulse does. */
static void pass(House *h, usec_t usec)
{
        Ticker t = methods_ticker(h->methods);
        usec_t until = h->time.boot_usec + usec;

        for (;;) {
                usec_t due = MAX(t.deadline(t.userdata), h->time.boot_usec);

                if (due > until)
                        break;
                fake_clock_advance(&h->time, due - h->time.boot_usec);
                t.tick(t.userdata, h->time.boot_usec);
                insist(t.deadline(t.userdata) > h->time.boot_usec);
        }
        fake_clock_advance(&h->time, until - h->time.boot_usec);
}

static MethodInfo info_of(House *h, const char *name)
{
        const MethodInfo *infos = NULL;
        size_t n = 0;

        h->desk.list(h->desk.userdata, &infos, &n);
        for (size_t i = 0; i < n; i++)
                if (strcmp(infos[i].name, name) == 0)
                        return infos[i];
        return (MethodInfo){.name = NULL};
}

static size_t n_audited(House *h)
{
        AuditBook book = audit_book(h->audit);
        size_t n = 0;

        while (book.entry(book.userdata, n))
                n++;
        return n;
}

/* ---- the way of a call ---- */

START_TEST(a_call_goes_to_its_responder_and_back)
{
        House h;
        Caller c;

        begin(&h);
        ck_assert_int_eq(enroll(&h, "reboot", ":1.7", "joe"), REQUEST_OK);
        call_from_hub(&h, &c, "reboot", "{\"delay\":3}");
        ck_assert_uint_eq(h.n_asked, 1);
        ck_assert_str_eq(h.asked[0].destination, ":1.7");
        ck_assert_str_eq(h.asked[0].name, "reboot");
        ck_assert_str_eq(h.asked[0].json, "{\"delay\":3}");
        ck_assert_uint_eq(h.asked[0].deadline, h.time.boot_usec + METHODS_TIMEOUT_DEFAULT);
        ck_assert_uint_eq(c.n_answers, 0);
        pass(&h, USEC_PER_SEC);
        answer(&h, 0, 0, 202, "[1]");
        ck_assert_uint_eq(c.n_answers, 1);
        ck_assert_int_eq(c.status, 202);
        ck_assert_str_eq(c.json, "[1]");
        pass(&h, USEC_PER_HOUR);
        ck_assert_uint_eq(c.n_answers, 1);
        ck_assert_uint_eq(info_of(&h, "reboot").calls, 1);
        ck_assert_uint_eq(info_of(&h, "reboot").failures, 0);
        ck_assert(log_capture_has(&h.lines, "Method reboot, called by hub: 202 after 1000 ms."));
        end(&h);
}
END_TEST

/* Every way in which a responder can fail, or not: one answer, with this status, and what comes then is dropped. */
START_TEST(every_fault_gives_one_answer)
{
        static const struct {
                int error, status;
                const char *json; /* NULL: 128 KiB and one byte */
                int answer;
                const char *words;
        } cases[] = {
                {0, 200, "{}", 200, "{}"},
                {0, 200, "", 200, ""},
                {0, 200, "null", 200, "null"},
                {0, 100, "\"bare\"", 100, "\"bare\""},
                {0, 999, "{}", 999, "{}"},
                {0, 99, "{}", METHOD_FAILED, "its status is 99, and not from 100 to 999"},
                {0, 1000, "{}", METHOD_FAILED, "its status is 1000"},
                {0, 0, "{}", METHOD_FAILED, "its status is 0"},
                {0, -5, "{}", METHOD_FAILED, "its status is -5"},
                {0, INT_MAX, "{", METHOD_FAILED, "is not JSON"},
                {0, 200, "{", METHOD_FAILED, "is not JSON"},
                {0, 200, "{} {}", METHOD_FAILED, "is not JSON"},
                {0, 200, "NaN", METHOD_FAILED, "is not JSON"},
                {0, 200, "\"\xff\"", METHOD_FAILED, "it is not UTF-8"},
                {0, 200, NULL, METHOD_FAILED, "it has more than 128 KiB"},
                {-EIO, 0, "org.example.Error: no \"disk\"", METHOD_FAILED, "no \\\"disk\\\""},
                {-ESRCH, 0, "", METHOD_UNAVAILABLE, ":1.7 is not there, or left"},
                {-ETIMEDOUT, 0, "", METHOD_TIMEOUT, "in time"},
        };
        static char large[METHOD_PAYLOAD_MAX + 2];

        memset(large, ' ', METHOD_PAYLOAD_MAX + 1);
        large[0] = '1';
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *json = cases[i].json ?: large;
                bool failed = cases[i].answer != cases[i].status;
                House h;
                Caller c;

                begin(&h);
                insist(enroll(&h, "m", ":1.7", NULL) == REQUEST_OK);
                call_from_hub(&h, &c, "m", "");
                answer(&h, 0, cases[i].error, cases[i].status, json);
                insist(c.n_answers == 1);
                insist(c.status == cases[i].answer);
                insist(strstr(c.json, cases[i].words));
                insist(info_of(&h, "m").failures == failed);
                answer(&h, 0, 0, 200, "{}"); /* twice */
                pass(&h, USEC_PER_HOUR);
                insist(c.n_answers == 1);
                insist(n_audited(&h) == 1);
                end(&h);
        }
}
END_TEST

START_TEST(exactly_128_kib_go_through)
{
        static char large[METHOD_PAYLOAD_MAX + 1];
        House h;
        Caller c;

        memset(large, ' ', METHOD_PAYLOAD_MAX);
        large[0] = '1';
        begin(&h);
        ck_assert_int_eq(enroll(&h, "m", ":1.7", NULL), REQUEST_OK);
        call_from_hub(&h, &c, "m", large);
        answer(&h, 0, 0, 200, large);
        ck_assert_int_eq(c.status, 200);
        end(&h);
}
END_TEST

START_TEST(a_late_answer_is_counted_and_dropped)
{
        House h;
        Caller c;

        begin(&h);
        ck_assert_int_eq(enroll(&h, "m", ":1.7", NULL), REQUEST_OK);
        call_from_hub(&h, &c, "m", "1");
        pass(&h, METHODS_TIMEOUT_DEFAULT - 1);
        ck_assert_uint_eq(c.n_answers, 0);
        pass(&h, 1);
        ck_assert_uint_eq(c.n_answers, 1);
        ck_assert_int_eq(c.status, METHOD_TIMEOUT);
        ck_assert_str_eq(c.json, "{\"error\":\":1.7 did not answer within 25s\"}");
        answer(&h, 0, 0, 200, "{}");
        ck_assert_uint_eq(c.n_answers, 1);
        ck_assert_uint_eq(info_of(&h, "m").late, 1);
        ck_assert_uint_eq(info_of(&h, "m").failures, 1);
        answer(&h, 0, 0, 200, "{}"); /* and once more: nobody knows of what it was */
        ck_assert_uint_eq(info_of(&h, "m").late, 1);
        end(&h);
}
END_TEST

/* That it is gone, or that the bus gave up, is no answer. */
START_TEST(the_end_of_one_that_is_late_is_no_answer)
{
        House h;
        Caller c;

        begin(&h);
        ck_assert_int_eq(enroll(&h, "m", ":1.7", NULL), REQUEST_OK);
        call_from_hub(&h, &c, "m", "1");
        pass(&h, METHODS_TIMEOUT_DEFAULT);
        answer(&h, 0, -ESRCH, 0, "");
        ck_assert_uint_eq(info_of(&h, "m").late, 0);
        ck_assert_uint_eq(c.n_answers, 1);
        end(&h);
}
END_TEST

START_TEST(a_responder_that_leaves_is_gone_at_once)
{
        House h;
        Caller a, b, other;

        begin(&h);
        ck_assert_int_eq(enroll(&h, "a", ":1.7", NULL), REQUEST_OK);
        ck_assert_int_eq(enroll(&h, "b", ":1.7", NULL), REQUEST_OK);
        ck_assert_int_eq(enroll(&h, "other", ":1.8", NULL), REQUEST_OK);
        call_from_hub(&h, &a, "a", "");
        call_from_hub(&h, &other, "other", "");
        call_from_hub(&h, &b, "b", "");
        h.desk.left(h.desk.userdata, ":1.7");
        ck_assert_int_eq(a.status, METHOD_UNAVAILABLE);
        ck_assert_int_eq(b.status, METHOD_UNAVAILABLE);
        ck_assert_uint_eq(other.n_answers, 0);
        answer(&h, 0, -ESRCH, 0, ""); /* the bus says so too */
        ck_assert_uint_eq(a.n_answers, 1);
        ck_assert_ptr_null(info_of(&h, "a").name);
        ck_assert_ptr_nonnull(info_of(&h, "other").name);
        call_from_hub(&h, &a, "a", "");
        ck_assert_int_eq(a.status, METHOD_NOT_FOUND);
        ck_assert_int_eq(enroll(&h, "a", ":1.9", NULL), REQUEST_OK); /* the name is free */
        answer(&h, 1, 0, 200, "{}");
        ck_assert_int_eq(other.status, 200);
        end(&h);
}
END_TEST

START_TEST(what_cannot_be_asked_is_refused_in_words)
{
        House h;
        Caller c;

        begin(&h);
        call_from_hub(&h, &c, "nothing", "{}");
        ck_assert_int_eq(c.status, METHOD_NOT_FOUND);
        ck_assert_str_eq(c.json, "{\"error\":\"nobody on this device answers to the method \\\"nothing\\\"\"}");
        ck_assert_int_eq(enroll(&h, "m", ":1.7", NULL), REQUEST_OK);
        call_from_hub(&h, &c, "m", "{'a':1}");
        ck_assert_int_eq(c.status, METHOD_BAD_REQUEST);
        h.refuse = -ENOTCONN;
        call_from_hub(&h, &c, "m", "");
        ck_assert_int_eq(c.status, METHOD_UNAVAILABLE);
        ck_assert_uint_eq(c.n_answers, 1);
        ck_assert_uint_eq(h.n_asked, 0);
        ck_assert_uint_eq(n_audited(&h), 3);
        end(&h);
}
END_TEST

/* ---- bounds ---- */

START_TEST(so_many_wait_and_no_more)
{
        static Caller callers[METHODS_WAITING_MAX + 1];
        House h;

        begin(&h);
        ck_assert_int_eq(enroll(&h, "m", ":1.7", NULL), REQUEST_OK);
        for (size_t i = 0; i <= METHODS_WAITING_MAX; i++)
                call_from_hub(&h, &callers[i], "m", "");
        ck_assert_uint_eq(h.n_asked, METHODS_WAITING_MAX);
        ck_assert_int_eq(callers[METHODS_WAITING_MAX].status, METHOD_BUSY);
        answer(&h, 0, 0, 200, "");
        call_from_hub(&h, &callers[0], "m", "");
        ck_assert_uint_eq(callers[0].n_answers, 0);
        methods_stop(h.methods);
        for (size_t i = 0; i < METHODS_WAITING_MAX; i++) {
                insist(callers[i].n_answers == 1);
                insist(callers[i].status == METHOD_UNAVAILABLE);
        }
        call_from_hub(&h, &callers[0], "m", "");
        ck_assert_int_eq(callers[0].status, METHOD_UNAVAILABLE);
        end(&h);
}
END_TEST

/* The bus keeps a place for each answer that is owed, and must not run out of them. */
START_TEST(one_that_owes_too_much_is_asked_no_more)
{
        House h;
        Caller c;
        size_t n;

        begin(&h);
        ck_assert_int_eq(enroll(&h, "hung", ":1.7", NULL), REQUEST_OK);
        ck_assert_int_eq(enroll(&h, "well", ":1.8", NULL), REQUEST_OK);
        for (n = 0; n < METHODS_OWED_ONE_MAX; n++) {
                call_from_hub(&h, &c, "hung", "");
                pass(&h, METHODS_TIMEOUT_DEFAULT);
                insist(c.status == METHOD_TIMEOUT);
        }
        call_from_hub(&h, &c, "hung", "");
        ck_assert_int_eq(c.status, METHOD_BUSY);
        ck_assert_ptr_nonnull(strstr(c.json, ":1.7 has not answered 16 calls"));
        ck_assert_uint_eq(h.n_asked, n);
        call_from_hub(&h, &c, "well", "");
        answer(&h, n, 0, 200, "");
        ck_assert_int_eq(c.status, 200);
        answer(&h, 3, 0, 200, ""); /* late, and it owes one less */
        call_from_hub(&h, &c, "hung", "");
        ck_assert_uint_eq(c.n_answers, 0);
        h.desk.left(h.desk.userdata, ":1.7");
        ck_assert_int_eq(c.status, METHOD_UNAVAILABLE);
        ck_assert_int_eq(enroll(&h, "hung", ":1.9", NULL), REQUEST_OK); /* the next one owes nothing */
        call_from_hub(&h, &c, "hung", "");
        ck_assert_uint_eq(c.n_answers, 0);
        end(&h);
}
END_TEST

/* Some hang, each with less than what is allowed to one. */
START_TEST(who_owes_nothing_does_not_pay_for_others)
{
        char name[16], client[16];
        House h;
        Caller c;
        size_t n = 0;

        begin(&h);
        ck_assert_int_eq(enroll(&h, "well", ":1.100", NULL), REQUEST_OK);
        for (unsigned i = 0; i < 4; i++) {
                (void)snprintf(name, sizeof(name), "hung%u", i);
                (void)snprintf(client, sizeof(client), ":1.%u", i);
                ck_assert_int_eq(enroll(&h, name, client, NULL), REQUEST_OK);
        }
        for (; n < METHODS_OWED_MAX; n++) {
                (void)snprintf(name, sizeof(name), "hung%zu", n % 4);
                call_from_hub(&h, &c, name, "");
                pass(&h, METHODS_TIMEOUT_DEFAULT);
                insist(c.status == METHOD_TIMEOUT);
        }
        call_from_hub(&h, &c, "hung0", "");
        ck_assert_int_eq(c.status, METHOD_BUSY);
        ck_assert_ptr_nonnull(strstr(c.json, "48 calls were never answered, 12 of them by :1.0"));
        for (unsigned i = 0; i < 32; i++) {
                call_from_hub(&h, &c, "well", "");
                answer(&h, n++, 0, 200, "");
                insist(c.status == 200);
        }
        end(&h);
}
END_TEST

/* Waiting and owed together: below the 128 that a bus gives a connection. */
START_TEST(places_on_the_bus_are_never_used_up)
{
        static Caller callers[METHODS_WAITING_MAX];
        char name[16], client[16];
        House h;

        begin(&h);
        for (unsigned i = 0; i < 8; i++) {
                (void)snprintf(name, sizeof(name), "m%u", i);
                (void)snprintf(client, sizeof(client), ":1.%u", i);
                insist(enroll(&h, name, client, NULL) == REQUEST_OK);
        }
        for (unsigned round = 0; round < 8; round++) {
                for (size_t i = 0; i < METHODS_WAITING_MAX; i++) {
                        (void)snprintf(name, sizeof(name), "m%zu", i % 8);
                        call_from_hub(&h, &callers[i], name, "");
                }
                pass(&h, METHODS_TIMEOUT_DEFAULT);
                for (size_t i = 0; i < METHODS_WAITING_MAX; i++)
                        insist(callers[i].n_answers == 1);
        }
        ck_assert_uint_lt(h.n_asked, 120); /* nobody has answered anything */
        end(&h);
}
END_TEST

START_TEST(a_local_caller_has_his_own_time)
{
        House h;
        Caller c;

        begin(&h);
        ck_assert_int_eq(enroll(&h, "m", ":1.7", NULL), REQUEST_OK);
        call_here(&h, &c, "m", "", 3 * USEC_PER_SEC);
        ck_assert_uint_eq(h.asked[0].deadline, h.time.boot_usec + 3 * USEC_PER_SEC);
        pass(&h, 3 * USEC_PER_SEC);
        ck_assert_int_eq(c.status, METHOD_TIMEOUT);
        call_here(&h, &c, "m", "", 0);
        pass(&h, METHODS_TIMEOUT_DEFAULT - 1);
        ck_assert_uint_eq(c.n_answers, 0);
        pass(&h, 1);
        ck_assert_int_eq(c.status, METHOD_TIMEOUT);
        call_here(&h, &c, "m", "", USEC_INFINITY);
        pass(&h, METHOD_TIMEOUT_MAX);
        ck_assert_int_eq(c.status, METHOD_TIMEOUT);
        end(&h);
}
END_TEST

/* ---- who may ---- */

START_TEST(the_hub_calls_only_what_is_allowed)
{
        House h;
        Caller c;

        begin(&h);
        ck_assert_int_eq(enroll(&h, "read", ":1.7", NULL), REQUEST_OK);
        ck_assert_int_eq(enroll(&h, "readAll", ":1.7", NULL), REQUEST_OK);
        ck_assert_int_eq(enroll(&h, "ad", ":1.7", NULL), REQUEST_OK);
        h.settings.allow = (char[]){"x readAll y"};
        ck_assert_int_eq(methods_configure(h.methods, &h.settings), 0);
        call_from_hub(&h, &c, "read", "");
        ck_assert_int_eq(c.status, METHOD_FORBIDDEN);
        call_from_hub(&h, &c, "ad", "");
        ck_assert_int_eq(c.status, METHOD_FORBIDDEN);
        call_from_hub(&h, &c, "readAll", "");
        ck_assert_uint_eq(c.n_answers, 0);
        methods_stop(h.methods);
        end(&h);

        begin(&h);
        ck_assert_int_eq(enroll(&h, "read", ":1.7", NULL), REQUEST_OK);
        h.settings.allow = (char[]){""};
        ck_assert_int_eq(methods_configure(h.methods, &h.settings), 0);
        call_from_hub(&h, &c, "read", "");
        ck_assert_int_eq(c.status, METHOD_FORBIDDEN);
        call_here(&h, &c, "read", "", 0); /* whom the bus lets */
        ck_assert_uint_eq(c.n_answers, 0);
        methods_stop(h.methods);
        end(&h);
}
END_TEST

START_TEST(a_name_belongs_to_one)
{
        Property reserved[] = {{(char[]){"reboot"}, (char[]){"updater"}}};
        House h;

        begin(&h);
        h.settings.registrants = reserved;
        h.settings.n_registrants = 1;
        ck_assert_int_eq(methods_configure(h.methods, &h.settings), 0);
        ck_assert_int_eq(enroll(&h, "reboot", ":1.7", "joe"), REQUEST_NOT_OWNER);
        ck_assert_int_eq(enroll(&h, "reboot", ":1.7", NULL), REQUEST_NOT_OWNER);
        ck_assert_int_eq(enroll(&h, "reboot", ":1.8", "updater"), REQUEST_OK);
        ck_assert_int_eq(enroll(&h, "reboot", ":1.8", "updater"), REQUEST_OK);
        ck_assert_int_eq(enroll(&h, "reboot", ":1.9", "updater"), REQUEST_NOT_OWNER);
        ck_assert_int_eq(withdraw(&h, "reboot", ":1.9"), REQUEST_NOT_OWNER);
        ck_assert_int_eq(withdraw(&h, "reboot", ":1.8"), REQUEST_OK);
        ck_assert_int_eq(withdraw(&h, "reboot", ":1.8"), REQUEST_NOT_OWNER);
        ck_assert_int_eq(withdraw(&h, "\xe2\x82", ":1.8"), REQUEST_NOT_OWNER);
        ck_assert_int_eq(enroll(&h, "", ":1.7", "joe"), REQUEST_BAD_VALUE);
        ck_assert_int_eq(enroll(&h, "a b", ":1.7", "joe"), REQUEST_BAD_VALUE);
        ck_assert_int_eq(enroll(&h, "a/b", ":1.7", "joe"), REQUEST_BAD_VALUE);
        ck_assert_int_eq(enroll(&h, "a$b", ":1.7", "joe"), REQUEST_BAD_VALUE); /* no call of it would ever come */
        ck_assert_int_eq(enroll(&h, "caf\xc3\xa9", ":1.7", "joe"), REQUEST_BAD_VALUE);
        ck_assert_int_eq(enroll(&h, "component*command", ":1.7", "joe"), REQUEST_OK);
        end(&h);
}
END_TEST

START_TEST(names_are_bounded)
{
        char name[32];
        House h;

        begin(&h);
        for (unsigned i = 0; i < METHOD_NAMES_CLIENT_MAX; i++) {
                (void)snprintf(name, sizeof(name), "m%u", i);
                insist(enroll(&h, name, ":1.7", NULL) == REQUEST_OK);
        }
        ck_assert_int_eq(enroll(&h, "more", ":1.7", NULL), REQUEST_BUSY);
        ck_assert_int_eq(enroll(&h, "m3", ":1.7", NULL), REQUEST_OK);
        ck_assert_int_eq(enroll(&h, "more", ":1.8", NULL), REQUEST_OK);
        end(&h);
}
END_TEST

/* Registers as many as he gets, with a client for each METHOD_NAMES_CLIENT_MAX of them. */
static unsigned squat(House *h, const char *user)
{
        char name[64], client[64];
        unsigned n = 0;

        do {
                (void)snprintf(name, sizeof(name), "%s-%u", user, n);
                (void)snprintf(client, sizeof(client), ":%s.%u", user, n / METHOD_NAMES_CLIENT_MAX);
        } while (enroll(h, name, client, user) == REQUEST_OK && ++n);
        return n;
}

START_TEST(one_user_does_not_get_all_names)
{
        House h;

        begin(&h);
        ck_assert_uint_eq(squat(&h, "joe"), METHOD_NAMES_USER_MAX);
        ck_assert_uint_eq(squat(&h, "ann"), METHOD_NAMES_USER_MAX);
        ck_assert_int_eq(withdraw(&h, "joe-3", ":joe.0"), REQUEST_OK);
        ck_assert_int_eq(enroll(&h, "joe-again", ":joe.0", "joe"), REQUEST_OK);
        ck_assert_uint_eq(squat(&h, "bob"), METHOD_NAMES_USER_MAX);
        ck_assert_uint_eq(squat(&h, "eve"), METHOD_NAMES_MAX - METHOD_NAMES_ROOT - 3 * METHOD_NAMES_USER_MAX);
        /* some are left to root, be it named or not */
        ck_assert_int_eq(enroll(&h, "unnamed", ":1.1", "uid 0"), REQUEST_OK);
        ck_assert_uint_eq(squat(&h, "root"), METHOD_NAMES_ROOT - 1);
        end(&h);

        begin(&h);
        ck_assert_uint_eq(squat(&h, "root"), METHOD_NAMES_MAX); /* whom nobody else bounds */
        end(&h);
}
END_TEST

/* ---- services of the settings ---- */

/* However many are registered, and however many the settings have. */
START_TEST(names_of_the_settings_have_their_places)
{
        static char names[2 * METHOD_NAMES_MAX][16];
        static Property services[ARRAY_SIZE(names)];
        House h;

        begin(&h);
        ck_assert_uint_eq(squat(&h, "root"), METHOD_NAMES_MAX);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                (void)snprintf(names[i], sizeof(names[i]), "service-%zu", i);
                services[i] = (Property){names[i], (char[]){"org.example.Service"}};
        }
        h.settings.services = services;
        h.settings.n_services = ARRAY_SIZE(services);
        ck_assert_int_eq(methods_configure(h.methods, &h.settings), 0);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                insist(info_of(&h, names[i]).kind == RESPONDER_ACTIVATED);
        /* nor do they take any from the others */
        ck_assert_int_eq(withdraw(&h, "root-0", ":root.0"), REQUEST_OK);
        ck_assert_int_eq(enroll(&h, "more", ":1.8", "root"), REQUEST_OK);
        ck_assert_int_eq(enroll(&h, "one-too-many", ":1.8", "root"), REQUEST_BUSY);
        end(&h);
}
END_TEST

START_TEST(a_service_of_the_settings_is_asked)
{
        Property services[] = {{(char[]){"print"}, (char[]){"org.example.Printer"}},
                               {(char[]){"scan"}, (char[]){"org.example.Scanner"}}};
        House h;
        Caller c;

        begin(&h);
        ck_assert_int_eq(enroll(&h, "print", ":1.7", NULL), REQUEST_OK);
        h.settings.services = services;
        h.settings.n_services = 2;
        ck_assert_int_eq(methods_configure(h.methods, &h.settings), 0);
        ck_assert(log_capture_has(&h.lines, "Method print: the settings give it to another"));
        call_from_hub(&h, &c, "print", "");
        ck_assert_str_eq(h.asked[0].destination, "org.example.Printer");
        ck_assert_int_eq(info_of(&h, "scan").kind, RESPONDER_ACTIVATED);
        ck_assert_int_eq(enroll(&h, "scan", ":1.7", NULL), REQUEST_NOT_OWNER);
        answer(&h, 0, 0, 200, "");
        ck_assert_int_eq(c.status, 200);

        /* one goes, the other keeps its counts */
        h.settings.n_services = 1;
        ck_assert_int_eq(methods_configure(h.methods, &h.settings), 0);
        ck_assert_ptr_null(info_of(&h, "scan").name);
        ck_assert_uint_eq(info_of(&h, "print").calls, 1);
        services[0].value = (char[]){"org.example.Other"};
        ck_assert_int_eq(methods_configure(h.methods, &h.settings), 0);
        call_from_hub(&h, &c, "print", "");
        ck_assert_str_eq(h.asked[1].destination, "org.example.Other");
        answer(&h, 1, -ESRCH, 0, "The name is not activatable");
        ck_assert_int_eq(c.status, METHOD_UNAVAILABLE);
        ck_assert_ptr_nonnull(strstr(c.json, "not activatable"));
        end(&h);
}
END_TEST

/* ---- units ---- */

typedef struct Started {
        House *house;
        unsigned n;
        uint64_t call;
        char json[64];
} Started;

static void on_run(void *userdata, const char *json, size_t size, uint64_t call)
{
        Started *s = userdata;

        s->n++;
        s->call = call;
        (void)snprintf(s->json, sizeof(s->json), "%.*s", (int)size, json);
}

START_TEST(a_unit_of_the_settings_is_started)
{
        Property service = {(char[]){"update"}, (char[]){"org.example.Updater"}};
        House h;
        Caller c;
        Started reboot = {.house = &h}, update = {.house = &h};
        const MethodCommand units[] = {{"reboot", "hublink-command@reboot.service", &reboot},
                                    {"update", "hublink-command@update.service", &update}};

        begin(&h);
        ck_assert_int_eq(enroll(&h, "reboot", ":1.7", NULL), REQUEST_OK);
        ck_assert_int_eq(methods_configure_units(h.methods, units, 2, on_run), 0);
        ck_assert(log_capture_has(&h.lines, "Method reboot: the settings give it to another; :1.7 does not have it"));
        ck_assert_int_eq(info_of(&h, "reboot").kind, RESPONDER_UNIT);
        ck_assert_str_eq(info_of(&h, "reboot").responder, "hublink-command@reboot.service");
        ck_assert_int_eq(enroll(&h, "reboot", ":1.7", NULL), REQUEST_NOT_OWNER);

        call_from_hub(&h, &c, "reboot", "{}");
        ck_assert_uint_eq(reboot.n, 1);
        ck_assert_str_eq(reboot.json, "{}");
        ck_assert_uint_eq(c.n_answers, 0);
        methods_answer(h.methods, reboot.call, 500, "{\"status\":3}");
        ck_assert_int_eq(c.status, 500);
        ck_assert_uint_eq(n_audited(&h), 1);
        ck_assert_uint_eq(h.n_asked, 0);

        /* its time is over: what it says later is dropped */
        call_from_hub(&h, &c, "reboot", "");
        pass(&h, METHODS_TIMEOUT_DEFAULT);
        ck_assert_int_eq(c.status, 504);
        ck_assert_ptr_nonnull(strstr(c.json, "hublink-command@reboot.service did not answer within 25s"));
        methods_answer(h.methods, reboot.call, 200, "");
        ck_assert_uint_eq(c.n_answers, 1);
        ck_assert_uint_eq(info_of(&h, "reboot").late, 1);

        /* one goes, the other keeps its counts; and it may become a service, and a unit again */
        ck_assert_int_eq(methods_configure_units(h.methods, units + 1, 1, on_run), 0);
        ck_assert_ptr_null(info_of(&h, "reboot").name);
        call_from_hub(&h, &c, "update", "");
        ck_assert_int_eq(methods_configure_units(h.methods, units + 1, 1, on_run), 0);
        ck_assert_uint_eq(info_of(&h, "update").calls, 1);
        h.settings.services = &service;
        h.settings.n_services = 1;
        ck_assert_int_eq(methods_configure(h.methods, &h.settings), 0);
        ck_assert_int_eq(methods_configure_units(h.methods, NULL, 0, on_run), 0);
        ck_assert_int_eq(info_of(&h, "update").kind, RESPONDER_ACTIVATED);
        h.settings.n_services = 0;
        ck_assert_int_eq(methods_configure(h.methods, &h.settings), 0);
        ck_assert_int_eq(methods_configure_units(h.methods, units + 1, 1, on_run), 0);
        ck_assert_int_eq(info_of(&h, "update").kind, RESPONDER_UNIT);
        end(&h);
}
END_TEST

/* A command that we answer comes and goes as well, to and from each of the others. */
START_TEST(a_command_of_the_settings_comes_and_goes)
{
        Property service = {(char[]){"report"}, (char[]){"org.example.Reporter"}};
        House h;
        Caller c;
        Started report = {.house = &h};
        const MethodCommand command = {"report", "", &report}, unit = {"report", "u", &report};

        begin(&h);
        ck_assert_int_eq(enroll(&h, "report", ":1.7", NULL), REQUEST_OK);
        ck_assert_int_eq(methods_configure_commands(h.methods, &command, 1, on_run), 0);
        ck_assert(log_capture_has(&h.lines, "Method report: the settings give it to another; :1.7 does not have it"));
        ck_assert_int_eq(info_of(&h, "report").kind, RESPONDER_COMMAND);
        ck_assert_str_eq(info_of(&h, "report").responder, "");
        ck_assert_int_eq(enroll(&h, "report", ":1.7", NULL), REQUEST_NOT_OWNER);
        call_from_hub(&h, &c, "report", "");
        ck_assert_uint_eq(report.n, 1);
        methods_answer(h.methods, report.call, 200, "{}");
        ck_assert_int_eq(c.status, 200);
        ck_assert_int_eq(methods_configure_commands(h.methods, &command, 1, on_run), 0);
        ck_assert_uint_eq(info_of(&h, "report").calls, 1);

        /* it goes: the name is free */
        ck_assert_int_eq(methods_configure_commands(h.methods, NULL, 0, on_run), 0);
        call_from_hub(&h, &c, "report", "");
        ck_assert_int_eq(c.status, METHOD_NOT_FOUND);
        ck_assert_int_eq(enroll(&h, "report", ":1.7", NULL), REQUEST_OK);

        /* a service has it, then we, then a unit, then we again: in the order in which the daemon configures them */
        h.settings.services = &service;
        for (unsigned i = 0; i < 4; i++) {
                static const ResponderKind kinds[] = {RESPONDER_ACTIVATED, RESPONDER_COMMAND, RESPONDER_UNIT,
                                                      RESPONDER_COMMAND};

                h.settings.n_services = kinds[i] == RESPONDER_ACTIVATED;
                ck_assert_int_eq(methods_configure_commands(h.methods, &command, kinds[i] == RESPONDER_COMMAND,
                                                            on_run),
                                 0);
                ck_assert_int_eq(methods_configure(h.methods, &h.settings), 0);
                ck_assert_int_eq(methods_configure_units(h.methods, &unit, kinds[i] == RESPONDER_UNIT, on_run), 0);
                ck_assert_int_eq(info_of(&h, "report").kind, kinds[i]);
        }
        ck_assert_uint_eq(h.lines.n_lines, 4); /* two who lost it, two calls: nobody is told that it is built in */
        end(&h);
}
END_TEST

/* Responders that hang do not keep a reboot. */
START_TEST(a_unit_does_not_wait_behind_the_bus)
{
        static Caller callers[METHODS_WAITING_MAX + 1];
        House h;
        Caller c;
        Started reboot = {.house = &h};

        begin(&h);
        ck_assert_int_eq(methods_configure_units(h.methods, &(MethodCommand){"reboot", "u", &reboot}, 1, on_run), 0);
        for (size_t i = 0; i < 8; i++) {
                char name[8], client[8];

                (void)snprintf(name, sizeof(name), "m%zu", i);
                (void)snprintf(client, sizeof(client), ":1.%zu", i);
                ck_assert_int_eq(enroll(&h, name, client, NULL), REQUEST_OK);
        }
        for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
                char name[8];

                (void)snprintf(name, sizeof(name), "m%zu", i % 8);
                call_from_hub(&h, &callers[i], name, "");
        }
        ck_assert_int_eq(callers[METHODS_WAITING_MAX].status, METHOD_BUSY);
        call_from_hub(&h, &c, "reboot", "");
        ck_assert_uint_eq(reboot.n, 1);
        end(&h);
}
END_TEST

/* ---- built in ---- */

typedef struct Echo {
        House *house;
        uint64_t later; /* the call that was not answered yet */
        bool wait;
} Echo;

static void on_echo(void *userdata, const char *json, size_t size, uint64_t call)
{
        Echo *e = userdata;

        if (e->wait)
                e->later = call;
        else
                methods_answer(e->house->methods, call, 200, json);
}

START_TEST(a_built_in_one_is_there_whatever_hangs)
{
        static Caller hanging[METHODS_WAITING_MAX];
        Property services[] = {{(char[]){"echo"}, (char[]){"org.example.Thief"}}};
        House h;
        Echo e = {.house = &h};
        Caller c;

        begin(&h);
        ck_assert_int_eq(methods_add_builtin(h.methods, "echo", on_echo, &e), 0);
        ck_assert_int_eq(enroll(&h, "echo", ":1.7", NULL), REQUEST_NOT_OWNER);
        h.settings.services = services;
        h.settings.n_services = 1;
        ck_assert_int_eq(methods_configure(h.methods, &h.settings), 0);
        ck_assert(log_capture_has(&h.lines, "Method echo is built in"));
        ck_assert_int_eq(enroll(&h, "m", ":1.7", NULL), REQUEST_OK);
        for (size_t i = 0; i < METHODS_WAITING_MAX; i++)
                call_from_hub(&h, &hanging[i], "m", "");
        call_from_hub(&h, &c, "echo", "[]");
        ck_assert_int_eq(c.status, 200);
        ck_assert_str_eq(c.json, "[]");
        e.wait = true;
        call_from_hub(&h, &c, "echo", "");
        ck_assert_uint_eq(c.n_answers, 0);
        pass(&h, METHODS_TIMEOUT_DEFAULT);
        ck_assert_int_eq(c.status, METHOD_TIMEOUT);
        methods_answer(h.methods, e.later, 200, "");
        ck_assert_uint_eq(c.n_answers, 1);
        ck_assert_uint_eq(info_of(&h, "echo").late, 1);
        end(&h);
}
END_TEST

/* ---- dice ---- */

/* Ten thousand calls whose responders do anything, in any order: each has its one answer, and in its time. */
START_TEST(whatever_they_do_there_is_one_answer)
{
        enum { N = 10000, TIMEOUT = 5 };
        Caller *callers = calloc(N, sizeof(*callers));
        static const char *const clients[] = {":1.1", ":1.2", ":1.3", ":1.4"};
        FakeRandom dice;
        size_t n_called = 0, n_late = 0;
        usec_t *called_at = calloc(N, sizeof(*called_at));
        House *h = malloc(sizeof(*h));

        fake_random_init(&dice, 11);
        begin(h);
        h->settings.timeout_usec = TIMEOUT * USEC_PER_SEC;
        while (n_called < N) {
                uint64_t roll = dice.random.draw(&dice);
                const char *client = clients[roll / 256 % 4];
                char name[16];

                (void)snprintf(name, sizeof(name), "m%s", client + 3);
                (void)enroll(h, name, client, NULL);
                switch (roll % 16) {
                case 0:
                        h->desk.left(h->desk.userdata, client);
                        break;
                case 1:
                        pass(h, roll / 1024 % (2 * USEC_PER_SEC));
                        break;
                case 2 ... 7:
                        if (h->n_asked > 0) { /* any of them, also once more */
                                size_t i = roll / 1024 % h->n_asked;
                                static const int errors[] = {0, 0, 0, 0, -EIO, -ESRCH, -ETIMEDOUT, 0};

                                answer(h, i, errors[roll / 16 % 8], 200, roll / 128 % 8 ? "{}" : "{");
                                h->asked[i] = h->asked[h->n_asked - 1];
                                h->n_asked -= roll / 4096 % 8 > 0;
                        }
                        break;
                default:
                        if (h->n_asked == ASKED_MAX)
                                h->n_asked = 0; /* never answered */
                        called_at[n_called] = h->time.boot_usec;
                        call_from_hub(h, &callers[n_called++], name, "{}");
                }
        }
        pass(h, TIMEOUT * USEC_PER_SEC);
        for (size_t i = 0; i < N; i++) {
                insist(callers[i].n_answers == 1);
                insist(callers[i].at <= called_at[i] + TIMEOUT * USEC_PER_SEC);
                n_late += callers[i].status == METHOD_TIMEOUT;
        }
        ck_assert_uint_gt(n_late, 0);
        end(h);
        free(h);
        free(called_at);
        free(callers);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/methods");
        TCase *c = suite_case(s, "one call, one answer");

        tcase_add_test(c, a_call_goes_to_its_responder_and_back);
        tcase_add_test(c, every_fault_gives_one_answer);
        tcase_add_test(c, exactly_128_kib_go_through);
        tcase_add_test(c, a_late_answer_is_counted_and_dropped);
        tcase_add_test(c, the_end_of_one_that_is_late_is_no_answer);
        tcase_add_test(c, a_responder_that_leaves_is_gone_at_once);
        tcase_add_test(c, what_cannot_be_asked_is_refused_in_words);
        tcase_add_test(c, whatever_they_do_there_is_one_answer);
        c = suite_case(s, "bounds");
        tcase_add_test(c, so_many_wait_and_no_more);
        tcase_add_test(c, one_that_owes_too_much_is_asked_no_more);
        tcase_add_test(c, who_owes_nothing_does_not_pay_for_others);
        tcase_add_test(c, places_on_the_bus_are_never_used_up);
        tcase_add_test(c, a_local_caller_has_his_own_time);
        tcase_add_test(c, names_are_bounded);
        tcase_add_test(c, one_user_does_not_get_all_names);
        tcase_add_test(c, names_of_the_settings_have_their_places);
        c = suite_case(s, "who may, and who answers");
        tcase_add_test(c, the_hub_calls_only_what_is_allowed);
        tcase_add_test(c, a_name_belongs_to_one);
        tcase_add_test(c, a_service_of_the_settings_is_asked);
        tcase_add_test(c, a_unit_of_the_settings_is_started);
        tcase_add_test(c, a_command_of_the_settings_comes_and_goes);
        tcase_add_test(c, a_unit_does_not_wait_behind_the_bus);
        tcase_add_test(c, a_built_in_one_is_there_whatever_hangs);
        return suite_run(s);
}
