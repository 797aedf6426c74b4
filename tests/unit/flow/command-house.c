/* SPDX-License-Identifier: Apache-2.0 */
#include "command-house.h"

#include <stdio.h>
#include <string.h>

#include "fail-alloc.h"
#include "suite.h"

/* ---- systemd ---- */

static bool on_is_there(void *userdata)
{
        return !((CommandHouse *)userdata)->away;
}

static int on_start(void *userdata, const char *unit, uint64_t run)
{
        CommandHouse *h = userdata;

        if (h->start_error < 0)
                return h->start_error;
        h->run = run;
        if (!h->taken && command_units_begins(h->commands, run) < 0)
                return 0;
        h->n_started++;
        h->started_at = h->house.disk->n_entries;
        (void)snprintf(h->unit, sizeof(h->unit), "%s", unit);
        return 0;
}

static void on_stop(void *userdata, uint64_t run)
{
        CommandHouse *h = userdata;

        insist(run == h->run);
        h->n_stopped++;
}

void command_house_end_run(CommandHouse *h, UnitOutcome outcome, int number, const char *detail)
{
        command_units_ended(h->commands, h->run, &(UnitEnd){outcome, number, detail});
}

/* ---- files ---- */

static int on_put(void *userdata, const char *name, const char *json, size_t size, CommandMark *ret)
{
        CommandHouse *h = userdata;

        *ret = (CommandMark){7, 7, 7};
        (void)snprintf(h->request, sizeof(h->request), "%.*s", (int)size, json);
        return h->put_error;
}

static int on_get(void *userdata, const char *name, const CommandMark *mark, Buffer *b)
{
        CommandHouse *h = userdata;

        insist(mark->inode == 7);
        if (h->get_error < 0)
                return h->get_error;
        if (!h->response)
                return COMMAND_E_NONE;
        buffer_append_string(b, h->response);
        return buffer_error(b);
}

/* ---- the inbox ---- */

static CommandHouse *asked; /* the desk's userdata is the inbox */

static void on_take(void *userdata, uint64_t id, const char *taker, const char *who, InboxAnswerFn answer,
                    void *answer_userdata)
{
        if (id != asked->stubborn) {
                asked->house.desk.take(userdata, id, taker, who, answer, answer_userdata);
                return;
        }
        asked->n_refused++;
        answer(answer_userdata, &(InboxAnswer){.error = REQUEST_DISK_ERROR, .detail = "it cannot be read"});
}

/* ---- methods ---- */

static void on_answer(void *userdata, uint64_t call, int status, const char *json)
{
        CommandHouse *h = userdata;

        h->n_answers++;
        h->call = call;
        h->status = status;
        (void)snprintf(h->json, sizeof(h->json), "%s", json);
}

int command_house_call(CommandHouse *h, const char *name, const char *json)
{
        static uint64_t last;
        CommandUnit *u = command_units_find(h->commands, name);
        unsigned before = h->n_answers;

        insist(u);
        command_unit_call(u, json, strlen(json), ++last);
        insist(h->n_answers == before || h->call == last);
        return h->n_answers > before ? h->status : 0;
}

/* ---- life ---- */

void command_house_open(CommandHouse *h)
{
        CommandPeers peers = {
                .units = {on_is_there, on_start, on_stop, h},
                .files = {on_put, on_get, h},
                .inbox = h->house.desk,
                .answer = on_answer,
                .userdata = h,
        };

        asked = h;
        peers.inbox.take = on_take;
        ck_assert_int_eq(command_units_new(&h->commands, &h->house.clock.clock, &peers), 0);
        ck_assert_int_eq(command_units_configure(h->commands, h->settings, h->n_settings), 0);
}

void command_house_close(CommandHouse *h)
{
        command_units_stop(h->commands);
        inbox_house_close(&h->house);
        h->commands = command_units_free(h->commands);
}

void command_house_begin(CommandHouse *h)
{
        *h = (CommandHouse){
                .blue = {(char *)"colour", (char *)"blue"},
                .red = {(char *)"colour", (char *)"red"},
                .settings = {
                        {.name = "pump", .method = (char *)"pump", .timeout_usec = 20 * USEC_PER_SEC},
                        {.name = "other", .method = (char *)"other", .timeout_usec = 5 * USEC_PER_SEC},
                },
                .n_settings = 2,
        };
        h->settings[0].c2d = &h->blue;
        h->settings[0].n_c2d = 1;
        log_capture_begin(&h->lines);
        inbox_house_begin(&h->house);
        command_house_open(h);
        command_house_run(h, USEC_PER_SEC);
}

void command_house_end(CommandHouse *h)
{
        command_units_stop(h->commands);
        inbox_house_end(&h->house);
        h->commands = command_units_free(h->commands);
        log_capture_end(&h->lines);
}

/* The inbox says what arrived, as the daemon would pass it on. */
static void pass_on(CommandHouse *h)
{
        if (h->n_arrived == h->house.n_arrived)
                return;
        h->n_arrived = h->house.n_arrived;
        command_units_arrived(h->commands);
}

void command_house_run(CommandHouse *h, usec_t usec)
{
        usec_t until = h->house.clock.boot_usec + usec;
        Ticker own = command_units_ticker(h->commands), inbox = inbox_ticker(h->house.inbox);
        unsigned spins = 0;

        for (;;) {
                usec_t now, due;

                if (!h->house.disk->held)
                        disk_dispatch(&h->house.disk->disk);
                pass_on(h);
                now = h->house.clock.boot_usec;
                due = MIN(own.deadline(own.userdata), inbox.deadline(inbox.userdata));
                if (due > now) {
                        if (due > until)
                                break;
                        fake_clock_advance(&h->house.clock, due - now);
                        spins = 0;
                }
                if (spins++ == 50000)
                        ck_abort_msg("somebody wants to be called for ever");
                inbox.tick(inbox.userdata, h->house.clock.boot_usec);
                pass_on(h);
                if (own.deadline(own.userdata) <= h->house.clock.boot_usec)
                        own.tick(own.userdata, h->house.clock.boot_usec);
        }
        if (until > h->house.clock.boot_usec)
                fake_clock_advance(&h->house.clock, until - h->house.clock.boot_usec);
}
