/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Calls everything that hublinkd has on the bus, with whatever the dice say, and counts what comes back.
 *
 * usage: bus-fuzzer ADDRESS SEED CALLS
 *
 * What there is to be called comes from standard input (members.h). Some clients stay and wait for each answer; others
 * come, say much, read nothing and leave, or come in crowds, each with one huge argument. Those that stay answer to
 * methods, too, and lie. At the end one line of JSON says what became of all calls: each that was waited for must have had
 * one answer.
 *
 * Exit: 0 each had; 1 some had not, or more than one; 2 usage; 3 the fuzzer itself failed.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/macro.h"
#include "liar.h"
#include "members.h"

#define NAME    "org.hublink1"
#define METHODS "org.hublink1.Methods"
#define MANAGER "org.hublink1.Manager"

#define CLIENTS        6
#define WAITING_CLIENT 70 /* calls: over the daemon's own limit, below that of the bus */
#define WAITING_ALL    96
#define PATIENCE       (60 * USEC_PER_SEC) /* for an answer */
#define UNREAD_MAX     300
#define ERRORS_MAX     64
#define CROWD          6
#define CROWD_EACH     1000 /* calls */
#define CROWDS_MAX     30
#define HUGE_TEXT      (16 * 1024 * 1024)

typedef struct Client {
        struct Fuzzer *fuzzer;
        sd_bus *bus;
        Liar liar;
        unsigned n_waiting;
        bool to_leave;
        struct Call *calls;
} Client;

typedef struct Call {
        Client *client;
        struct Call *next;
        Member *member;
        sd_bus_slot *slot;
        usec_t begun_usec;
        bool waits_itself; /* on a responder, or on the hub */
} Call;

typedef struct ErrorCount {
        char name[96];
        uint64_t n;
} ErrorCount;

typedef struct Fuzzer {
        sd_event *event;
        const char *address;
        Dice dice;
        Members members;
        Client clients[CLIENTS];
        unsigned n_waiting;
        usec_t longest_usec, longest_waiting_usec; /* of those that wait on nobody else, and of the others */
        uint64_t n_to_do, n_calls, n_answers, n_good, n_lost, n_twice, n_left, n_unread, n_huge, n_crowds, n_mute, n_unfit,
                        n_signals, n_records;
        ErrorCount errors[ERRORS_MAX];
} Fuzzer;

static usec_t now(void)
{
        return clock_boot(&clock_system);
}

static bool is(const Member *m, const char *interface, const char *name)
{
        return strcmp(m->interface, interface) == 0 && strcmp(m->name, name) == 0;
}

/* ---- answers ---- */

static void call_end(Call *c)
{
        for (Call **link = &c->client->calls; *link; link = &(*link)->next)
                if (*link == c) {
                        *link = c->next;
                        break;
                }
        c->client->n_waiting--;
        c->client->fuzzer->n_waiting--;
        sd_bus_slot_unref(c->slot);
        free(c);
}

static void count_error(Fuzzer *f, const char *name)
{
        for (size_t i = 0; i < ERRORS_MAX; i++) {
                ErrorCount *e = &f->errors[i];

                if (e->n == 0)
                        (void)snprintf(e->name, sizeof(e->name), "%s", name);
                else if (strcmp(e->name, name) != 0)
                        continue;
                e->n++;
                return;
        }
}

/* Records whose names were answered are safe, whatever comes. */
static void count_records(Fuzzer *f, const Call *c, sd_bus_message *m)
{
        const char *stream;
        uint64_t epoch, first, last;

        if (sd_bus_message_has_signature(m, "sttt") > 0 && sd_bus_message_read(m, "sttt", &stream, &epoch, &first, &last) > 0)
                f->n_records += last - first + 1;
        else if (is(c->member, MANAGER, "SubmitMessage") && sd_bus_message_has_signature(m, "stt") > 0)
                f->n_records++;
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Call *c = userdata;
        Fuzzer *f = c->client->fuzzer;
        usec_t *longest = c->waits_itself ? &f->longest_waiting_usec : &f->longest_usec;
        const sd_bus_error *e = sd_bus_message_get_error(m);

        *longest = MAX(*longest, now() - c->begun_usec);
        f->n_answers++;
        c->member->n_done++;
        if (!e) {
                f->n_good++;
                count_records(f, c, m);
        } else {
                count_error(f, e->name);
                if (sd_bus_error_has_name(e, SD_BUS_ERROR_NO_REPLY)) { /* the bus or the time says so */
                        f->n_lost++;
                        (void)fprintf(stderr, "lost: %s.%s: %s\n", c->member->interface, c->member->name, e->message);
                }
        }
        call_end(c);
        return 1;
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Client *c = userdata;
        uint8_t type;

        if (sd_bus_message_get_type(m, &type) < 0)
                return 0;
        if (type == SD_BUS_MESSAGE_METHOD_CALL && sd_bus_message_is_method_call(m, "org.hublink1.Responder", "Invoke")) {
                if (liar_answer(&c->liar, &c->fuzzer->dice, m) == LIAR_E_LEAVE)
                        c->to_leave = true;
                return 1;
        }
        /* Answers of calls do not come here; what the bus does not pass on for us it says by itself. */
        if ((type == SD_BUS_MESSAGE_METHOD_RETURN || type == SD_BUS_MESSAGE_METHOD_ERROR) &&
            strcmp(sd_bus_message_get_sender(m) ?: "", "org.freedesktop.DBus") != 0) {
                c->fuzzer->n_twice++;
                (void)fprintf(stderr, "an answer that nobody waits for, from %s\n", sd_bus_message_get_sender(m) ?: "?");
        }
        return 0;
}

/* ---- clients ---- */

static void client_leave(Client *c)
{
        liar_forget(&c->liar);
        while (c->calls) {
                c->fuzzer->n_left++;
                call_end(c->calls);
        }
        c->bus = sd_bus_close_unref(c->bus);
        c->to_leave = false;
}

static int open_bus(const char *address, sd_bus **ret)
{
        sd_bus *bus = NULL;
        int r;

        if ((r = sd_bus_new(&bus)) < 0 || (r = sd_bus_set_address(bus, address)) < 0 ||
            (r = sd_bus_set_bus_client(bus, 1)) < 0 || (r = sd_bus_negotiate_fds(bus, 1)) < 0 || (r = sd_bus_start(bus)) < 0) {
                sd_bus_unref(bus);
                return r;
        }
        *ret = bus;
        return 0;
}

static int client_come(Client *c, Fuzzer *f)
{
        int r;

        c->fuzzer = f;
        if ((r = open_bus(f->address, &c->bus)) < 0 || (r = sd_bus_add_filter(c->bus, NULL, on_message, c)) < 0)
                return r;
        return sd_bus_attach_event(c->bus, f->event, SD_EVENT_PRIORITY_NORMAL);
}

/* ---- calls ---- */

static const char *draw_member_name(Dice *d)
{
        static const char *const wrong[] = {"Nosuch", "submit", "Invoke", "_", "NameOwnerChanged", "Settled"};

        return wrong[dice_below(d, ARRAY_SIZE(wrong))];
}

static int append_call_of_method(Dice *d, sd_bus_message *m)
{
        static const uint64_t times[] = {0, 1, 1000, 300000, 1000000};

        return sd_bus_message_append(m, "sst", dice_method(d), dice_json(d), times[dice_below(d, ARRAY_SIZE(times))]);
}

/* Good ones, so that there is something in the queue, too. */
static int append_readings(Dice *d, sd_bus_message *m)
{
        static const char *const channels[] = {"temperature", "humidity", "speed", "state"};
        int r = sd_bus_message_append(m, "s", "wind");

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(svt)");
        for (unsigned i = dice_below(d, ARRAY_SIZE(channels)); r >= 0 && i < ARRAY_SIZE(channels); i++)
                r = sd_bus_message_append(m, "(svt)", channels[i], "d", (double)dice_below(d, 1000) / 8, (uint64_t)0);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_append(m, "a{sv}", 1, "stream", "s", dice_one_in(d, 2) ? "alarms" : "telemetry");
}

static int append_message(Dice *d, sd_bus_message *m)
{
        const char *body = dice_text(d);
        int r = sd_bus_message_append_array(m, 'y', body, strlen(body));

        return r < 0 ? r : sd_bus_message_append(m, "sa{ss}a{sv}", "text/plain", 1, "a", "b", 1, "stream", "s", "telemetry");
}

/* Most are what the member asks for, at the ends of what that may be. */
static int fill(Dice *d, sd_bus_message *m, const Member *member)
{
        unsigned n = dice_below(d, 10);
        char signature[128];

        d->plain = n < 3;
        if (n >= 8) {
                dice_signature(d, signature, sizeof(signature));
                return dice_append(d, m, signature);
        }
        if (n < 3 && is(member, MANAGER, "Submit"))
                return append_readings(d, m);
        if (n < 3 && is(member, MANAGER, "SubmitMessage"))
                return append_message(d, m);
        if (n < 7 && is(member, METHODS, "Call"))
                return append_call_of_method(d, m);
        if (n < 7 && (is(member, METHODS, "Register") || is(member, METHODS, "Unregister")))
                return sd_bus_message_append(m, "s", dice_method(d));
        return dice_append(d, m, member->signature);
}

static int call_new(Fuzzer *f, sd_bus *bus, const Member *member, sd_bus_message **ret)
{
        Dice *d = &f->dice;
        const char *path = dice_one_in(d, 12) ? dice_path(d) : member->path;
        const char *interface = dice_one_in(d, 40) ? "org.hublink1.Nosuch" : dice_one_in(d, 40) ? NULL : member->interface;
        const char *name = dice_one_in(d, 40) ? draw_member_name(d) : member->name;
        sd_bus_message *m = NULL;
        int r = sd_bus_message_new_method_call(bus, &m, NAME, path, interface, name);

        d->n_descriptors = DICE_DESCRIPTORS_MAX;

        if (r >= 0)
                r = fill(d, m, member);
        if (r < 0) {
                sd_bus_message_unref(m);
                return r;
        }
        *ret = m;
        return 0;
}

static bool waits_itself(const Member *m)
{
        return is(m, METHODS, "Call") || is(m, MANAGER, "Flush");
}

/* What sd-bus itself refuses to send is drawn anew. */
static int call_waiting(Fuzzer *f, Client *client)
{
        Member *member = members_draw(&f->members, &f->dice);
        sd_bus_message *m = NULL;
        Call *c;
        int r = call_new(f, client->bus, member, &m);

        if (r < 0) {
                f->n_unfit++;
                return 0;
        }
        c = calloc(1, sizeof(*c));
        if (!c) {
                sd_bus_message_unref(m);
                return -ENOMEM;
        }
        *c = (Call){client, client->calls, member, NULL, now(), waits_itself(member)};
        client->calls = c;
        client->n_waiting++;
        f->n_waiting++;
        r = sd_bus_call_async(client->bus, &c->slot, m, on_answer, c, PATIENCE);
        sd_bus_message_unref(m);
        if (r < 0) {
                call_end(c);
                f->n_unfit++;
                return 0;
        }
        member->n_called++;
        f->n_calls++;
        return 0;
}

/* Says that it wants no answer, and must get none. */
static void call_mutely(Fuzzer *f, Client *client)
{
        Member *member = members_draw(&f->members, &f->dice);
        sd_bus_message *m = NULL;

        if (call_new(f, client->bus, member, &m) >= 0 && sd_bus_message_set_expect_reply(m, 0) >= 0 &&
            sd_bus_send(client->bus, m, NULL) >= 0) {
                member->n_called++;
                f->n_calls++;
                f->n_mute++;
        }
        sd_bus_message_unref(m);
}

/* One who comes, says much, reads nothing and leaves. */
static int come_and_leave(Fuzzer *f)
{
        sd_bus *bus = NULL;
        unsigned n = 1 + dice_below(&f->dice, dice_one_in(&f->dice, 4) ? UNREAD_MAX : 20);
        int r = open_bus(f->address, &bus);

        if (r < 0)
                return r;
        r = sd_bus_get_unique_name(bus, &(const char *){NULL}); /* it is there */
        for (unsigned i = 0; r >= 0 && i < n; i++) {
                Member *member = members_draw(&f->members, &f->dice);
                sd_bus_message *m = NULL;

                if (call_new(f, bus, member, &m) >= 0 && sd_bus_send(bus, m, NULL) >= 0) {
                        member->n_called++;
                        f->n_calls++;
                        f->n_unread++;
                }
                sd_bus_message_unref(m);
        }
        if (dice_one_in(&f->dice, 2))
                (void)sd_bus_flush(bus);
        sd_bus_close(bus);
        sd_bus_unref(bus);
        return 0;
}

/* Its first argument, a text, is as large as a bus takes together with others of its kind. */
static int send_huge(Fuzzer *f, sd_bus *bus, Member *member)
{
        static char text[HUGE_TEXT + 1];
        sd_bus_message *m = NULL;
        int r;

        memset(text, dice_one_in(&f->dice, 2) ? 'x' : '\n', HUGE_TEXT);
        r = sd_bus_message_new_method_call(bus, &m, NAME, member->path, member->interface, member->name);
        if (r >= 0)
                r = sd_bus_message_append(m, "s", text);
        if (r >= 0 && dice_append(&f->dice, m, member->signature + 1) >= 0 && sd_bus_send(bus, m, NULL) >= 0) {
                member->n_called++;
                f->n_calls++;
                f->n_unread++;
                f->n_huge++;
        }
        sd_bus_message_unref(m);
        return r;
}

/* Some who all say the same, at length and at the same time, and stay until all have said it. */
static int come_in_crowds(Fuzzer *f)
{
        Member *member = members_draw(&f->members, &f->dice);
        sd_bus *crowd[CROWD] = {};
        int r = 0;

        while (member->signature[0] != 's')
                member = members_draw(&f->members, &f->dice);
        f->n_crowds++;
        for (size_t i = 0; r >= 0 && i < CROWD; i++)
                r = open_bus(f->address, &crowd[i]);
        for (size_t i = 0; r >= 0 && i < CROWD; i++) {
                r = send_huge(f, crowd[i], member);
                if (r >= 0)
                        r = sd_bus_flush(crowd[i]);
        }
        for (size_t i = 0; i < CROWD; i++)
                sd_bus_close_unref(crowd[i]);
        return r < 0 ? r : 0;
}

/* Signals that look as if they were the bus's own, sent to hublinkd alone. */
static void lie_as_bus(Fuzzer *f, Client *client)
{
        static const char *const members[] = {"NameOwnerChanged", "NameLost", "PropertiesChanged"};
        Dice *d = &f->dice;
        sd_bus_message *m = NULL;
        const char *name = members[dice_below(d, ARRAY_SIZE(members))];

        if (sd_bus_message_new_signal(client->bus, &m, "/org/freedesktop/DBus", "org.freedesktop.DBus", name) >= 0 &&
            sd_bus_message_append(m, "sss", dice_one_in(d, 2) ? NAME : ":1.1", ":1.1", "") >= 0 &&
            sd_bus_send_to(client->bus, m, NAME, NULL) >= 0)
                f->n_signals++;
        sd_bus_message_unref(m);
}

static int step(Fuzzer *f)
{
        Client *c = &f->clients[dice_below(&f->dice, CLIENTS)];
        unsigned n = dice_below(&f->dice, 400);

        if (f->n_crowds < MIN(f->n_calls / CROWD_EACH, (uint64_t)CROWDS_MAX))
                return come_in_crowds(f);
        if (n == 0)
                return come_and_leave(f);
        if (n == 1)
                c->to_leave = true;
        else if (n < 6)
                lie_as_bus(f, c);
        else if (n < 12)
                call_mutely(f, c);
        else if (c->n_waiting < WAITING_CLIENT)
                return call_waiting(f, c);
        return 0;
}

/* ---- the run ---- */

static int serve(Fuzzer *f, uint64_t timeout_usec)
{
        int r = sd_event_run(f->event, timeout_usec);

        for (size_t i = 0; r >= 0 && i < CLIENTS; i++) {
                Client *c = &f->clients[i];

                if (!c->to_leave && sd_bus_is_open(c->bus) > 0)
                        continue;
                client_leave(c);
                r = client_come(c, f);
        }
        return r;
}

static int run(Fuzzer *f)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < CLIENTS; i++)
                r = client_come(&f->clients[i], f);
        while (r >= 0 && f->n_calls < f->n_to_do) {
                r = f->n_waiting < WAITING_ALL ? step(f) : 0;
                if (r >= 0)
                        r = serve(f, f->n_waiting < WAITING_ALL ? 0 : USEC_PER_SEC);
        }
        while (r >= 0 && f->n_waiting > 0)
                r = serve(f, USEC_PER_SEC);
        return r;
}

static void print_count(Buffer *b, const char *name, uint64_t n)
{
        buffer_printf(b, "\"%s\":%" PRIu64 ",", name, n);
}

static void print_result(const Fuzzer *f)
{
        uint64_t n_asked = 0;
        Buffer b = BUFFER_NULL;

        for (size_t i = 0; i < CLIENTS; i++)
                n_asked += f->clients[i].liar.n_asked;
        buffer_append_char(&b, '{');
        print_count(&b, "calls", f->n_calls);
        print_count(&b, "answers", f->n_answers);
        print_count(&b, "good", f->n_good);
        print_count(&b, "lost", f->n_lost);
        print_count(&b, "twice", f->n_twice);
        print_count(&b, "left", f->n_left);
        print_count(&b, "unread", f->n_unread);
        print_count(&b, "huge", f->n_huge);
        print_count(&b, "mute", f->n_mute);
        print_count(&b, "unfit", f->n_unfit);
        print_count(&b, "signals", f->n_signals);
        print_count(&b, "invoked", n_asked);
        print_count(&b, "records", f->n_records);
        print_count(&b, "longest_ms", f->longest_usec / USEC_PER_MSEC);
        print_count(&b, "longest_waiting_ms", f->longest_waiting_usec / USEC_PER_MSEC);
        buffer_append_string(&b, "\"errors\":{");
        for (size_t i = 0; i < ERRORS_MAX && f->errors[i].n > 0; i++)
                buffer_printf(&b, "%s\"%s\":%" PRIu64, i > 0 ? "," : "", f->errors[i].name, f->errors[i].n);
        buffer_append_string(&b, "},\"members\":{");
        for (size_t i = 0; i < f->members.n; i++)
                buffer_printf(&b, "%s\"%s.%s\":%" PRIu64, i > 0 ? "," : "", f->members.rows[i].interface,
                              f->members.rows[i].name, f->members.rows[i].n_called);
        buffer_append_string(&b, "}}\n");
        if (!buffer_error(&b))
                (void)fwrite(b.data, 1, b.size, stdout);
        buffer_done(&b);
}

int main(int argc, char **argv)
{
        static Fuzzer f;
        int r;

        if (argc != 4)
                return 2;
        f.address = argv[1];
        dice_seed(&f.dice, strtoull(argv[2], NULL, 10));
        f.n_to_do = strtoull(argv[3], NULL, 10);
        r = members_read(&f.members, stdin);
        if (r >= 0)
                r = sd_event_new(&f.event);
        if (r >= 0)
                r = run(&f);
        for (size_t i = 0; i < CLIENTS; i++)
                client_leave(&f.clients[i]);
        print_result(&f);
        members_done(&f.members);
        sd_event_unref(f.event);
        if (r < 0) {
                (void)fprintf(stderr, "bus-fuzzer: %s\n", strerror(-r));
                return 3;
        }
        return f.n_lost > 0 || f.n_twice > 0 || f.n_answers + f.n_left + f.n_unread + f.n_mute != f.n_calls;
}
