/* SPDX-License-Identifier: Apache-2.0 */

/*
 * sign - a local service behind hublink, in C with sd-bus: the display board at a gate
 *
 *   needs   libsystemd-dev libjson-c-dev pkg-config (Fedora: systemd-devel json-c-devel pkgconf-pkg-config)
 *   build   cc -O2 -Wall -Wextra -o sign sign.c $(pkg-config --cflags --libs libsystemd json-c)
 *   rights  a user in the group hublink
 *   run     ./sign                 registers its method with hublinkd
 *           ./sign --activated     is started by the bus when its method is called: see ../activation
 *
 *   method    blink, argument {"times": 1..10} or nothing; answers {"blinked": N}
 *   messages  a line of text, up to 80 bytes: it is shown; anything else is rejected
 *   twin      section sign: desired {"brightness": 0..100} is answered; reported {"showing": TEXT}
 *   readings  sensor sign: brightness, shown (texts so far)
 *
 * Signals only say that there may be something to do. Whatever happens, look() looks at everything: at the start, when
 * hublinkd comes back, after a signal, and again a little after something failed. So nothing depends on a signal that
 * was heard, and nothing is lost with one that was not. The contract is on one page: conf/dbus/README.md.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <json-c/json.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define HUBLINK   "org.hublink1"
#define PATH      "/org/hublink1"
#define INBOX     HUBLINK ".Inbox"
#define MANAGER   HUBLINK ".Manager"
#define METHODS   HUBLINK ".Methods"
#define RESPONDER HUBLINK ".Responder"
#define TWIN      HUBLINK ".Twin"

#define OWN_NAME   "org.example.Sign"
#define METHOD     "blink"
#define SECTION    "sign"
#define SENSOR     "sign"
#define LINE_MAX   80
#define RETRY_USEC (5 * 1000 * 1000)

#define _cleanup_(f) __attribute__((cleanup(f)))

typedef struct Sign {
        sd_bus *bus;
        bool activated;
        bool look;  /* soon */
        bool retry; /* a little later */

        /* the board */
        int brightness;
        unsigned shown;

        int read_brightness; /* when it was last read */
        unsigned read_shown;
        uint64_t answered; /* the desired version that was last answered */
} Sign;

static void json_freep(json_object **o)
{
        json_object_put(*o);
}

/* ---- asking hublinkd ---- */

/* Is it not there? Then it comes back, and we hear of that. */
static bool is_away(const sd_bus_error *e)
{
        return sd_bus_error_has_names(e, SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER,
                                      SD_BUS_ERROR_NO_REPLY, SD_BUS_ERROR_DISCONNECTED);
}

/* What failed is said once here, and tried again later. */
static int failed(Sign *s, const char *what, sd_bus_error *e, int r)
{
        if (!is_away(e)) {
                printf("%s: %s\n", what, e->message ? e->message : strerror(-r));
                s->retry = true;
        }
        sd_bus_error_free(e);
        return r;
}

static int report(Sign *s, json_object *values)
{
        sd_bus_error e = SD_BUS_ERROR_NULL;
        int r = sd_bus_call_method(s->bus, HUBLINK, PATH, TWIN, "Report", &e, NULL, "ss", SECTION,
                                   json_object_to_json_string(values));

        return r < 0 ? failed(s, "Report", &e, r) : 0;
}

/* ---- the method ---- */

static int reply(sd_bus_message *m, int status, const char *key, json_object *value)
{
        _cleanup_(json_freep) json_object *answer = json_object_new_object();

        json_object_object_add(answer, key, value);
        return sd_bus_reply_method_return(m, "is", status, json_object_to_json_string(answer));
}

/* 0: it is none */
static int times_of(const char *argument)
{
        _cleanup_(json_freep) json_object *o = *argument ? json_tokener_parse(argument) : NULL;
        json_object *times;
        int n;

        if (!o)
                return 1;
        if (!json_object_is_type(o, json_type_object))
                return 0;
        if (!json_object_object_get_ex(o, "times", &times))
                return 1;
        n = json_object_is_type(times, json_type_int) ? json_object_get_int(times) : 0;
        return n >= 1 && n <= 10 ? n : 0;
}

/* What hublinkd calls when somebody calls a method of ours. One that takes long would keep a reference to m and answer
 * later, so that others are heard meanwhile. */
static int on_invoke(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *name, *argument;
        uint64_t deadline;
        int times, r = sd_bus_message_read(m, "sst", &name, &argument, &deadline);

        (void)userdata;
        (void)error;
        if (r < 0)
                return r;
        if (strcmp(name, METHOD) != 0)
                return reply(m, 404, "error", json_object_new_string("a sign does not answer to this"));
        times = times_of(argument);
        if (times == 0)
                return reply(m, 400, "error", json_object_new_string("expected {\"times\": 1..10}"));
        printf("blinks %d times\n", times);
        return reply(m, 200, "blinked", json_object_new_int(times));
}

static const sd_bus_vtable responder[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Invoke", "sst", "is", on_invoke, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static int look_at_methods(Sign *s)
{
        sd_bus_error e = SD_BUS_ERROR_NULL;
        int r = 0;

        if (!s->activated) /* twice is once */
                r = sd_bus_call_method(s->bus, HUBLINK, PATH, METHODS, "Register", &e, NULL, "s", METHOD);
        return r < 0 ? failed(s, "Register", &e, r) : 0;
}

/* ---- the twin ---- */

/* What Plug and Play wants to hear about a desired property: value, ac, av, ad. */
static json_object *obey(Sign *s, json_object *desired, uint64_t version)
{
        bool good = json_object_is_type(desired, json_type_int) && json_object_get_int64(desired) >= 0 &&
                    json_object_get_int64(desired) <= 100;
        json_object *answer = json_object_new_object();

        if (good && json_object_get_int(desired) != s->brightness) {
                s->brightness = json_object_get_int(desired);
                printf("brightness %d\n", s->brightness);
        }
        json_object_object_add(answer, "value", json_object_new_int(s->brightness));
        json_object_object_add(answer, "ac", json_object_new_int(good ? 200 : 400));
        json_object_object_add(answer, "av", json_object_new_int64((int64_t)version));
        json_object_object_add(answer, "ad", json_object_new_string(good ? "done" : "expected 0 to 100"));
        return answer;
}

static int answer_desired(Sign *s, const char *json, uint64_t version)
{
        _cleanup_(json_freep) json_object *desired = json_tokener_parse(json);
        _cleanup_(json_freep) json_object *values = json_object_new_object();
        json_object *brightness;

        if (!json_object_is_type(desired, json_type_object) ||
            !json_object_object_get_ex(desired, "brightness", &brightness))
                return 0;
        json_object_object_add(values, "brightness", obey(s, brightness, version));
        return report(s, values);
}

/* The version first: a change in between brings a signal of its own. */
static int look_at_twin(Sign *s)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        sd_bus_error e = SD_BUS_ERROR_NULL;
        uint64_t version;
        const char *json;
        int r = sd_bus_get_property_trivial(s->bus, HUBLINK, PATH, TWIN, "DesiredVersion", &e, 't', &version);

        if (r >= 0)
                r = sd_bus_call_method(s->bus, HUBLINK, PATH, TWIN, "GetDesired", &e, &m, "s", SECTION);
        if (sd_bus_error_has_name(&e, HUBLINK ".Error.NotConnected")) {
                sd_bus_error_free(&e);
                return 0; /* the hub was never there: a signal will tell */
        }
        if (r < 0)
                return failed(s, "GetDesired", &e, r);
        if (version == s->answered)
                return 0;
        r = sd_bus_message_read(m, "s", &json);
        if (r >= 0)
                r = answer_desired(s, json, version);
        if (r >= 0)
                s->answered = version;
        return r;
}

/* ---- messages ---- */

static int show(Sign *s, const char *text)
{
        _cleanup_(json_freep) json_object *values = json_object_new_object();

        s->shown++;
        printf("shows: %s\n", text);
        json_object_object_add(values, "showing", json_object_new_string(text));
        return report(s, values);
}

/* A line of UTF-8. What can never be done is to be rejected: left alone it would be offered again without end. */
static bool is_line(const char *text, size_t size)
{
        for (size_t i = 0; i < size; i++)
                if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
                        return false;
        return size > 0 && size <= LINE_MAX && mbstowcs(NULL, text, 0) != (size_t)-1;
}

static int end_with(Sign *s, uint64_t id, const char *text, sd_bus_error *e)
{
        int r;

        if (!text)
                return sd_bus_call_method(s->bus, HUBLINK, PATH, INBOX, "Reject", e, NULL, "ts", id,
                                          "expected a line of text, up to 80 bytes");
        r = show(s, text);
        return r < 0 ? r : sd_bus_call_method(s->bus, HUBLINK, PATH, INBOX, "Complete", e, NULL, "t", id);
}

/* Completed when it is done, so one may come twice: then the last number of its row, times_taken, is above 0. To show a
 * text again does no harm; where it does, see ../python/till.py. */
static int end_message(Sign *s, sd_bus_message *m)
{
        const char *message_id, *correlation_id;
        sd_bus_error e = SD_BUS_ERROR_NULL;
        const void *body;
        uint64_t id;
        size_t size;
        char *text;
        int r;

        if ((r = sd_bus_message_enter_container(m, 'r', "tssaya{ss}ttu")) < 0 ||
            (r = sd_bus_message_read(m, "tss", &id, &message_id, &correlation_id)) < 0 ||
            (r = sd_bus_message_read_array(m, 'y', &body, &size)) < 0)
                return r;
        text = strndup(size > 0 ? body : "", size);
        if (!text)
                return -ENOMEM;
        r = end_with(s, id, is_line(text, size) ? text : NULL, &e);
        free(text);
        return r < 0 ? failed(s, "Complete", &e, r) : 0;
}

static int look_at_inbox(Sign *s)
{
        for (;;) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
                sd_bus_error e = SD_BUS_ERROR_NULL;
                int r = sd_bus_call_method(s->bus, HUBLINK, PATH, INBOX, "Take", &e, &m, "t", (uint64_t)0);

                if (sd_bus_error_has_name(&e, HUBLINK ".Error.NoSuchMessage")) {
                        sd_bus_error_free(&e);
                        return 0;
                }
                if (r < 0)
                        return failed(s, "Take", &e, r);
                r = end_message(s, m);
                if (r < 0)
                        return r;
        }
}

/* ---- readings ---- */

/* When the answer is here the reading is on disk, and reaches the hub whatever happens. */
static int look_at_board(Sign *s)
{
        sd_bus_error e = SD_BUS_ERROR_NULL;
        int r;

        if (s->brightness == s->read_brightness && s->shown == s->read_shown)
                return 0;
        r = sd_bus_call_method(s->bus, HUBLINK, PATH, MANAGER, "Submit", &e, NULL, "sa(svt)a{sv}", SENSOR, 2,
                               "brightness", "i", s->brightness, (uint64_t)0, "shown", "u", s->shown, (uint64_t)0, 0);
        if (r < 0)
                return failed(s, "Submit", &e, r);
        s->read_brightness = s->brightness;
        s->read_shown = s->shown;
        return 0;
}

/* ---- when ---- */

static void look(Sign *s)
{
        s->look = s->retry = false;
        (void)look_at_methods(s);
        (void)look_at_twin(s);
        (void)look_at_inbox(s);
        (void)look_at_board(s);
}

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Sign *s = userdata;

        (void)m;
        (void)error;
        s->look = true;
        return 0;
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *name, *before, *now;
        Sign *s = userdata;

        (void)error;
        if (sd_bus_message_read(m, "sss", &name, &before, &now) < 0)
                return 0;
        printf("hublinkd is %s\n", *now ? "here" : "away");
        s->answered = 0;
        s->look = *now;
        return 0;
}

static int listen_to_hublink(Sign *s)
{
        int r;

        if ((r = sd_bus_match_signal(s->bus, NULL, HUBLINK, PATH, INBOX, "Arrived", on_signal, s)) < 0 ||
            (r = sd_bus_match_signal(s->bus, NULL, HUBLINK, PATH, TWIN, "DesiredChanged", on_signal, s)) < 0)
                return r;
        return sd_bus_add_match(s->bus, NULL,
                                "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" HUBLINK "'",
                                on_owner, s);
}

/* First the signals, then the first look: nothing falls in between. */
static int begin(Sign *s)
{
        int r;

        if ((r = sd_bus_open_system(&s->bus)) < 0 ||
            (r = sd_bus_add_object_vtable(s->bus, NULL, PATH "/Responder", RESPONDER, responder, s)) < 0 ||
            (r = listen_to_hublink(s)) < 0)
                return r;
        s->look = true;
        return s->activated ? sd_bus_request_name(s->bus, OWN_NAME, 0) : 0;
}

/* Until the bus goes away: then the service manager starts it anew. */
static int run(Sign *s)
{
        int r = begin(s);

        while (r >= 0) {
                r = sd_bus_process(s->bus, NULL);
                if (r != 0)
                        continue;
                if (s->look)
                        look(s);
                else if ((r = sd_bus_wait(s->bus, s->retry ? RETRY_USEC : UINT64_MAX)) == 0)
                        s->look = true;
        }
        return r;
}

int main(int argc, char **argv)
{
        Sign sign = {.activated = argc > 1 && strcmp(argv[1], "--activated") == 0, .brightness = 50, .read_brightness = -1};
        int r;

        (void)setlocale(LC_CTYPE, "C.UTF-8"); /* is_line() */
        (void)setvbuf(stdout, NULL, _IOLBF, 0);
        r = run(&sign);
        fprintf(stderr, "sign: the message bus: %s\n", strerror(-r));
        sd_bus_unref(sign.bus);
        return EXIT_FAILURE;
}
