/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/command-units.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "base/quantity.h"
#include "flow/command-units-core.h"
#include "model/json-grammar.h"
#include "model/method-desk.h"

void command_unit_name(const char *name, char ret[static COMMAND_UNIT_MAX])
{
        (void)snprintf(ret, COMMAND_UNIT_MAX, COMMAND_UNIT_PREFIX "%.*s" COMMAND_UNIT_SUFFIX, NAME_LENGTH_MAX, name);
}

/* ---- the end of a run ---- */

/* Also of one that has not begun, and still has its argument. */
static void run_done(CommandRun *run)
{
        buffer_done(&run->request);
        *run = (CommandRun){};
}

static CommandVerdict verdict(int status, const char *fmt, ...) _printf_(2, 3);

static CommandVerdict verdict(int status, const char *fmt, ...)
{
        CommandVerdict v = {.status = status};
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(v.words, sizeof(v.words), fmt, ap);
        va_end(ap);
        return v;
}

static void answer(const CommandUnit *u, uint64_t call, int status, const Buffer *json)
{
        const CommandPeers *peers = &u->owner->peers;

        if (buffer_error(json) < 0)
                peers->answer(peers->userdata, call, METHOD_FAILED, METHOD_ERROR_NO_MEMORY);
        else
                peers->answer(peers->userdata, call, status, json->data);
}

/* response: what is answered where it is not the words; NULL. */
static void finish(CommandUnit *u, const CommandVerdict *v, const Buffer *response)
{
        _cleanup_(buffer_done) Buffer json = BUFFER_NULL;
        const CommandRun run = u->run; /* its numbers, not its argument */

        run_done(&u->run);
        u->owner->look_at = 0; /* the unit is free for a message */
        if (run.of_letter) {
                command_letter_ran(u, v);
                return;
        }
        if (!response)
                method_error_write(&json, v->words);
        answer(u, run.call, v->status, response ?: &json);
}

/* Its own answer if it left one that can be sent; or else its status. */
static void read_response(CommandUnit *u, int status, Buffer *json)
{
        CommandUnits *c = u->owner;
        int r = c->peers.files.get_response(c->peers.files.userdata, u->name, &u->run.mark, json);
        const char *fault = r == -EFBIG  ? "it has more than 128 KiB"
                            : r < 0      ? strerror(-r)
                            : r > 0      ? NULL
                                         : json_grammar_fault(json->data, json->size);
        ThrottleOthers others;
        uint64_t held_back;

        if (r == 0 && !fault)
                return;
        buffer_clear(json);
        buffer_printf(json, "{\"status\":%d}", status);
        if (fault && throttle_admits(&c->told_answer, clock_boot(c->clock), COMMAND_TELL_INTERVAL, &held_back))
                log_line(LOG_WARNING, LOG_ID_COMMAND_ANSWER, NULL,
                         "Command %s: the answer of %s is passed over, its exit status is sent instead: %s%s.", u->name,
                         u->unit, fault, throttle_others(&others, held_back));
}

static void finish_with_response(CommandUnit *u, const CommandVerdict *v, int status)
{
        _cleanup_(buffer_done) Buffer json = BUFFER_NULL;

        read_response(u, status, &json);
        finish(u, v, &json);
}

static void tell_refused(CommandUnit *u, const CommandVerdict *v)
{
        CommandUnits *c = u->owner;
        ThrottleOthers others;
        uint64_t held_back;

        if (throttle_admits(&c->told_refused, clock_boot(c->clock), COMMAND_TELL_INTERVAL, &held_back))
                log_line(LOG_ERR, LOG_ID_COMMAND_REFUSED, NULL, "Command %s: %s%s.", u->name, v->words,
                         throttle_others(&others, held_back));
}

static void conclude(CommandUnit *u, const UnitEnd *end)
{
        CommandVerdict v = verdict(METHOD_OK, "%s", "");

        switch (end->outcome) {
        case UNIT_DONE:
                finish_with_response(u, &v, 0);
                return;
        case UNIT_EXITED:
                v = verdict(METHOD_FAILED, "%s ended with status %d", u->unit, end->number);
                finish_with_response(u, &v, end->number);
                return;
        case UNIT_KILLED:
                v = verdict(METHOD_FAILED, "%s was killed by signal %d", u->unit, end->number);
                break;
        case UNIT_FAILED:
                v = verdict(METHOD_FAILED, "%s failed: %s", u->unit, end->detail);
                break;
        case UNIT_BUSY:
                v = verdict(METHOD_BUSY, "%s runs already: try again when it has ended", u->unit);
                break;
        case UNIT_REFUSED:
                v = verdict(METHOD_UNAVAILABLE, "%s is not started: %s", u->unit, end->detail);
                tell_refused(u, &v);
                break;
        case UNIT_LOST:
                v = verdict(METHOD_UNAVAILABLE, "%s was asked for, and how it ends is not known: %s", u->unit,
                            end->detail);
                break;
        }
        finish(u, &v, NULL);
}

static CommandUnit *unit_of_run(const CommandUnits *c, uint64_t run)
{
        for (CommandUnit *u = c->units; u; u = u->next)
                if (run != 0 && u->run.id == run)
                        return u;
        return NULL;
}

void command_units_ended(CommandUnits *c, uint64_t run, const UnitEnd *end)
{
        CommandUnit *u = unit_of_run(c, run);

        if (u)
                conclude(u, end);
}

/* ---- its beginning ---- */

static void finish_unwritten(CommandUnit *u, int error)
{
        CommandVerdict v =
                verdict(METHOD_FAILED, "the argument of %s cannot be written: %s", u->unit, strerror(-error));

        tell_refused(u, &v);
        finish(u, &v, NULL);
}

/* Only now: as long as it runs for somebody else, by hand or since before a restart, the argument there is its own. */
int command_units_begins(CommandUnits *c, uint64_t run)
{
        CommandUnit *u = unit_of_run(c, run);
        int r;

        if (!u || c->stopped)
                return -ECANCELED;
        r = c->peers.files.put_request(c->peers.files.userdata, u->name, u->run.request.data, u->run.request.size,
                                       &u->run.mark);
        buffer_done(&u->run.request);
        if (r < 0)
                finish_unwritten(u, r);
        return r;
}

void command_run_begin(CommandUnit *u, const char *json, size_t size, bool of_letter, uint64_t call)
{
        CommandUnits *c = u->owner;
        CommandVerdict v;
        int r;

        u->run = (CommandRun){
                .id = ++c->last_run,
                .of_letter = of_letter,
                .call = call,
                .timeout_usec = u->settings->timeout_usec,
                .deadline_usec = usec_add(clock_boot(c->clock), u->settings->timeout_usec),
        };
        buffer_append(&u->run.request, json, size);
        r = buffer_error(&u->run.request);
        if (r < 0) {
                finish_unwritten(u, r);
                return;
        }
        r = c->peers.units.start(c->peers.units.userdata, u->unit, u->run.id);
        if (r < 0) {
                v = verdict(METHOD_UNAVAILABLE, "%s is not started: %s", u->unit,
                            r == -ENOTCONN ? "there is no connection to the message bus" : strerror(-r));
                finish(u, &v, NULL);
        }
}

void command_unit_call(void *userdata, const char *json, size_t size, uint64_t call)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;
        CommandUnit *u = userdata;

        if (u->run.id == 0 && u->settings && !u->owner->stopped) {
                command_run_begin(u, size > 0 ? json : "null", size > 0 ? size : strlen("null"), false, call);
                return;
        }
        method_error_write(&text, u->run.id != 0 ? "this command runs already: try again when it has ended"
                                                 : "this command is not in the settings any more");
        answer(u, call, u->run.id != 0 ? METHOD_BUSY : METHOD_UNAVAILABLE, &text);
}

/* ---- time ---- */

static void time_out(CommandUnit *u)
{
        CommandUnits *c = u->owner;
        _cleanup_(buffer_done) Buffer time = BUFFER_NULL;
        ThrottleOthers others;
        uint64_t held_back;
        CommandVerdict v;

        quantity_print_time(&time, u->run.timeout_usec);
        v = verdict(METHOD_TIMEOUT, "%s did not end within %s, and is stopped", u->unit, time.data ?: "its time");
        if (throttle_admits(&c->told_stopped, clock_boot(c->clock), COMMAND_TELL_INTERVAL, &held_back))
                log_line(LOG_WARNING, LOG_ID_COMMAND_STOPPED, NULL, "Command %s: %s%s.", u->name, v.words,
                         throttle_others(&others, held_back));
        c->peers.units.stop(c->peers.units.userdata, u->run.id);
        finish(u, &v, NULL);
}

static usec_t deadline(void *userdata)
{
        const CommandUnits *c = userdata;
        usec_t due = USEC_INFINITY;

        if (c->stopped)
                return USEC_INFINITY;
        for (const CommandUnit *u = c->units; u; u = u->next)
                if (u->run.id != 0)
                        due = MIN(due, u->run.deadline_usec);
        return MIN(due, command_letters_deadline(c));
}

static void tick(void *userdata, usec_t now)
{
        CommandUnits *c = userdata;

        if (c->stopped)
                return;
        for (CommandUnit *u = c->units; u; u = u->next)
                if (u->run.id != 0 && now >= u->run.deadline_usec)
                        time_out(u);
        command_letters_tick(c, now);
}

Ticker command_units_ticker(CommandUnits *c)
{
        return (Ticker){"command-units", deadline, tick, c};
}

/* ---- the settings ---- */

static CommandUnit *find_any(const CommandUnits *c, const char *name)
{
        for (CommandUnit *u = c->units; u; u = u->next)
                if (strcmp(u->name, name) == 0)
                        return u;
        return NULL;
}

CommandUnit *command_units_find(const CommandUnits *c, const char *name)
{
        CommandUnit *u = find_any(c, name);

        return u && u->settings ? u : NULL;
}

static CommandUnit *unit_free(CommandUnit *u)
{
        buffer_done(&u->letter.request);
        buffer_done(&u->run.request);
        free(u);
        return NULL;
}

static CommandUnit *unit_new(CommandUnits *c, const char *name)
{
        CommandUnit *u = calloc(1, sizeof(*u)), **link = &c->units;

        if (!u)
                return NULL;
        u->owner = c;
        (void)snprintf(u->name, sizeof(u->name), "%s", name);
        command_unit_name(name, u->unit);
        while (*link && strcmp((*link)->name, name) < 0)
                link = &(*link)->next;
        u->next = *link;
        return *link = u;
}

/* Those that the settings have no more, and that nothing is under way for. */
static void sweep(CommandUnits *c)
{
        for (CommandUnit **link = &c->units; *link;) {
                CommandUnit *u = *link;

                if (u->settings || u->run.id != 0 || u->letter.state != LETTER_NONE) {
                        link = &u->next;
                        continue;
                }
                *link = u->next;
                unit_free(u);
        }
}

int command_units_configure(CommandUnits *c, const CommandUnitSettings *settings, size_t n)
{
        int r = 0;

        for (CommandUnit *u = c->units; u; u = u->next)
                u->next_settings = NULL;
        for (size_t i = 0; i < n && r >= 0; i++) {
                CommandUnit *u = find_any(c, settings[i].name) ?: unit_new(c, settings[i].name);

                if (u)
                        u->next_settings = &settings[i];
                else
                        r = -ENOMEM;
        }
        for (CommandUnit *u = c->units; u && r >= 0; u = u->next)
                u->settings = u->next_settings;
        sweep(c);
        c->look_at = 0;
        return r;
}

/* ---- life ---- */

int command_units_new(CommandUnits **ret, const Clock *clock, const CommandPeers *peers)
{
        CommandUnits *c = calloc(1, sizeof(*c));

        if (!c)
                return -ENOMEM;
        c->clock = clock;
        c->peers = *peers;
        *ret = c;
        return 0;
}

void command_units_stop(CommandUnits *c)
{
        if (!c)
                return;
        c->stopped = true;
        for (CommandUnit *u = c->units; u; u = u->next)
                run_done(&u->run);
}

CommandUnits *command_units_free(CommandUnits *c)
{
        if (!c)
                return NULL;
        while (c->units) {
                CommandUnit *u = c->units;

                c->units = u->next;
                unit_free(u);
        }
        free(c);
        return NULL;
}
