/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Messages that start a unit: taken from the inbox, and completed when the unit ended well, or rejected with the
 * reason.
 *
 * That it was taken is on the disk before the unit is started. Its end is tried until it is there too: else the inbox
 * would offer it again.
 */

#include <stdio.h>
#include <string.h>

#include "flow/command-units-core.h"
#include "model/json-grammar.h"
#include "model/method-desk.h"

#define TAKER "hublinkd" /* no name on the bus: those have a dot or a colon */

/* ---- the end ---- */

static void let_go(CommandUnit *u)
{
        buffer_done(&u->letter.request);
        u->letter = (CommandLetter){};
        u->owner->look_at = 0;
}

static void on_ended(void *userdata, RequestError error, const char *detail)
{
        CommandUnit *u = userdata;

        if (error == REQUEST_DISK_ERROR || error == REQUEST_BUSY)
                u->letter.again_at = usec_add(clock_boot(u->owner->clock), COMMAND_RETRY_INTERVAL);
        else
                let_go(u); /* also when it is not ours any more: it ran out of its time in between */
}

static void end(CommandUnit *u)
{
        const InboxDesk *inbox = &u->owner->peers.inbox;

        u->letter.again_at = USEC_INFINITY;
        if (u->letter.well)
                inbox->complete(inbox->userdata, u->letter.id, TAKER, on_ended, u);
        else
                inbox->reject(inbox->userdata, u->letter.id, TAKER, u->letter.reason, on_ended, u);
}

/* why NULL: it is done. */
static void begin_end(CommandUnit *u, const char *why)
{
        u->letter.state = LETTER_ENDING;
        u->letter.well = !why;
        (void)snprintf(u->letter.reason, sizeof(u->letter.reason), "%s", why ?: "");
        end(u);
}

void command_letter_ran(CommandUnit *u, const CommandVerdict *v)
{
        if (v->status == METHOD_BUSY) { /* somebody else has started it: it waits for that end as for one of ours */
                u->letter.state = LETTER_WAITING;
                u->letter.again_at = usec_add(clock_boot(u->owner->clock), COMMAND_RETRY_INTERVAL);
                return;
        }
        begin_end(u, v->status == METHOD_OK ? NULL : v->words);
}

/* ---- taken ---- */

static void start(CommandUnit *u)
{
        if (!u->settings) {
                begin_end(u, "this command is not in the settings any more");
                return;
        }
        u->letter.state = LETTER_RUNNING;
        command_run_begin(u, u->letter.request.data, u->letter.request.size, true, 0);
}

static void on_extended(void *userdata, RequestError error, const char *detail)
{
}

/* What is asked of the unit, or why it is not. */
static const char *read_letter(CommandUnit *u, const InboxItem *item, char text[static COMMAND_WORDS_MAX])
{
        const Buffer *body = &item->message->body;
        const char *fault = body->size > 0 ? json_grammar_fault(body->data, body->size) : NULL;

        if (item->times_taken > 0 && !(u->settings && u->settings->idempotent))
                return "it was taken before, and what came of that is not known: it is not done twice";
        if (fault) {
                (void)snprintf(text, COMMAND_WORDS_MAX, "the message is not JSON that can be taken: %s", fault);
                return text;
        }
        if (body->size > 0)
                buffer_append(&u->letter.request, body->data, body->size);
        else
                buffer_append_string(&u->letter.request, "null");
        return buffer_error(&u->letter.request) < 0 ? "out of memory" : NULL;
}

static void on_taken(void *userdata, const InboxAnswer *a)
{
        CommandUnit *u = userdata;
        CommandUnits *c = u->owner;
        char text[COMMAND_WORDS_MAX];
        const char *why;

        if (a->error != REQUEST_OK) {
                if (a->error != REQUEST_BUSY)
                        u->passed = u->letter.id;
                let_go(u);
                c->look_at = usec_add(clock_boot(c->clock), COMMAND_LOOK_INTERVAL);
                return;
        }
        u->letter.id = a->item.id;
        if (c->stopped) /* it is offered again at the next start, as taken */
                return;
        c->peers.inbox.extend(c->peers.inbox.userdata, u->letter.id, TAKER, INBOX_LOCK_MAX_USEC, on_extended, NULL);
        why = read_letter(u, &a->item, text);
        if (why) {
                begin_end(u, why);
                return;
        }
        u->letter.state = LETTER_WAITING;
        u->letter.again_at = 0;
}

/* ---- which are for us ---- */

static bool has_property(const C2dMessage *m, const Property *wanted)
{
        for (size_t i = 0; i < m->n_properties; i++)
                if (strcmp(m->properties[i].name, wanted->name) == 0 &&
                    strcmp(m->properties[i].value, wanted->value) == 0)
                        return true;
        return false;
}

static bool matches(const CommandUnitSettings *s, const C2dMessage *m)
{
        for (size_t i = 0; i < s->n_c2d; i++)
                if (!has_property(m, &s->c2d[i]))
                        return false;
        return s->n_c2d > 0;
}

static CommandUnit *unit_of(const CommandUnits *c, const C2dMessage *m)
{
        for (CommandUnit *u = c->units; u; u = u->next)
                if (u->settings && matches(u->settings, m))
                        return u;
        return NULL;
}

static bool has_room(const CommandUnit *u)
{
        return u->settings && u->settings->n_c2d > 0 && u->run.id == 0 && u->letter.state == LETTER_NONE;
}

/* The oldest one for each unit, of those behind one that could not be taken. */
static void choose(CommandUnits *c, const InboxItem *items, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                CommandUnit *u = items[i].taker ? NULL : unit_of(c, items[i].message);

                if (!u || !has_room(u) || items[i].id <= u->passed)
                        continue;
                u->letter.state = LETTER_CHOSEN;
                u->letter.id = items[i].id;
        }
}

/* None was behind it: the next look is at all of them again. */
static void turn_back(CommandUnits *c, usec_t now)
{
        for (CommandUnit *u = c->units; u; u = u->next)
                if (u->passed > 0 && has_room(u)) {
                        u->passed = 0;
                        c->look_at = usec_add(now, COMMAND_TURN_INTERVAL);
                }
}

/* The list is borrowed: what was chosen is asked for when all were looked at. */
static void look(CommandUnits *c, usec_t now)
{
        const InboxDesk *inbox = &c->peers.inbox;
        const InboxItem *items = NULL;
        size_t n = 0;

        c->look_at = USEC_INFINITY;
        if (inbox->list(inbox->userdata, &items, &n) != REQUEST_OK) {
                c->look_at = usec_add(now, COMMAND_LOOK_INTERVAL);
                return;
        }
        choose(c, items, n);
        turn_back(c, now);
        for (CommandUnit *u = c->units; u; u = u->next)
                if (u->letter.state == LETTER_CHOSEN) {
                        u->letter.state = LETTER_TAKING;
                        inbox->take(inbox->userdata, u->letter.id, TAKER, u->unit, on_taken, u);
                }
}

void command_units_arrived(CommandUnits *c)
{
        c->look_at = 0;
}

/* ---- time ---- */

static bool may_start(const CommandUnit *u)
{
        return u->letter.state == LETTER_WAITING && u->run.id == 0;
}

static bool some_have_room(const CommandUnits *c)
{
        for (const CommandUnit *u = c->units; u; u = u->next)
                if (has_room(u))
                        return true;
        return false;
}

static bool can_start(const CommandUnits *c)
{
        return c->peers.units.is_there(c->peers.units.userdata);
}

/* While nothing can be started nothing is taken: others may have it. */
usec_t command_letters_deadline(const CommandUnits *c)
{
        usec_t due = USEC_INFINITY;
        bool there = can_start(c);

        for (const CommandUnit *u = c->units; u; u = u->next)
                if (u->letter.state == LETTER_ENDING || (there && may_start(u)))
                        due = MIN(due, u->letter.again_at);
        return there && some_have_room(c) ? MIN(due, c->look_at) : due;
}

void command_letters_tick(CommandUnits *c, usec_t now)
{
        for (CommandUnit *u = c->units; u; u = u->next)
                if (u->letter.state == LETTER_ENDING && now >= u->letter.again_at)
                        end(u);
                else if (may_start(u) && now >= u->letter.again_at && can_start(c))
                        start(u);
        if (now >= c->look_at && some_have_room(c) && can_start(c))
                look(c, now);
}
