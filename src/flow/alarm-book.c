/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/alarm-book.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/log-id.h"
#include "base/log.h"

#define RETRY_USEC (10 * USEC_PER_SEC)
#define PACE_USEC  USEC_PER_SEC /* a value that trembles at its limit does not wear out the disk */

struct AlarmBook {
        const Clock *clock;
        AlarmBookPort port;
        AlarmEntry *entries;
        size_t n_entries;
        uint64_t n_texts; /* that were given to the disk; */
        uint64_t n_tried; /* so many of these it has, or could not take */
        bool dirty;       /* the last one of them */
        usec_t retry_at;
        bool is_late; /* something was noted that no text has */
        usec_t store_at; /* then it is to be stored */
};

/* ---- entries ---- */

static AlarmEntry *find(const AlarmBook *b, const char *channel, const AlarmSettings *settings)
{
        for (size_t i = 0; i < b->n_entries; i++)
                if (strcmp(b->entries[i].channel, channel) == 0 &&
                    alarm_settings_equal(&b->entries[i].settings, settings))
                        return &b->entries[i];
        return NULL;
}

/* NULL: without memory, or there are too many. */
static AlarmEntry *find_or_add(AlarmBook *b, const char *channel, const AlarmSettings *settings)
{
        AlarmEntry *e = find(b, channel, settings), *more;

        if (e || b->n_entries == ALARM_BOOK_MAX)
                return e;
        more = reallocarray(b->entries, b->n_entries + 1, sizeof(*more));
        if (!more)
                return NULL;
        b->entries = more;
        e = &more[b->n_entries++];
        *e = (AlarmEntry){.settings = *settings};
        (void)snprintf(e->channel, sizeof(e->channel), "%s", channel);
        return e;
}

const AlarmEntry *alarm_book_find(const AlarmBook *b, const char *channel, const AlarmSettings *settings)
{
        const AlarmEntry *e = find(b, channel, settings);

        return e && e->is_raised && !e->leaves ? e : NULL;
}

size_t alarm_book_count(const AlarmBook *b)
{
        return b->n_entries;
}

const AlarmEntry *alarm_book_entry(const AlarmBook *b, size_t i)
{
        return b->entries[i].is_raised && !b->entries[i].leaves ? &b->entries[i] : NULL;
}

/* ---- the text ----
 *
 * hublink-alarms 1
 * alarm CHANNEL above|below LIMIT CLEAR|- HOLD STREAM VALUE
 * beyond CHANNEL above|below LIMIT CLEAR|- HOLD STREAM VALUE WALL BOOT
 */

static bool take_limit(const char *word, NumberLimit *ret)
{
        if (!word)
                return false;
        ret->is_set = strcmp(word, "-") != 0;
        return !ret->is_set || number_parse(word, &ret->value) == 0;
}

static bool take_settings(char **rest, AlarmSettings *ret)
{
        const char *side = strsep(rest, " "), *limit = strsep(rest, " "), *clear = strsep(rest, " "),
                   *hold = strsep(rest, " "), *stream = strsep(rest, " ");

        *ret = (AlarmSettings){};
        if (!stream || !name_is_valid(stream) || sscanf(hold, "%" SCNu64, &ret->hold_usec) != 1)
                return false;
        (void)snprintf(ret->stream, sizeof(ret->stream), "%s", stream);
        return take_limit(limit, strcmp(side, "above") == 0 ? &ret->above : &ret->below) && alarm_is_set(ret) &&
               take_limit(clear, &ret->clear);
}

static void set_beyond(AlarmEntry *e, double value, usec_t wall, usec_t boot)
{
        e->is_beyond = true;
        e->beyond_value = value;
        e->since_wall = wall;
        e->since_boot = boot;
}

static void take_line(AlarmBook *b, char *line)
{
        const char *kind = strsep(&line, " "), *channel = strsep(&line, " ");
        bool is_beyond = strcmp(kind, "beyond") == 0;
        usec_t wall = 0, boot = 0;
        AlarmSettings settings;
        const char *number;
        AlarmEntry *e;
        Name sensor, name;
        double value;

        if ((!is_beyond && strcmp(kind, "alarm") != 0) || !channel || !rule_channel_split(channel, sensor, name) ||
            !take_settings(&line, &settings))
                return;
        number = is_beyond ? strsep(&line, " ") : line;
        if (!number || number_parse(number, &value) < 0)
                return;
        if (is_beyond && (!line || sscanf(line, "%" SCNu64 " %" SCNu64, &wall, &boot) != 2))
                return;
        e = find_or_add(b, channel, &settings);
        if (e && is_beyond)
                set_beyond(e, value, wall, boot);
        else if (e) {
                e->is_raised = true;
                e->value = value;
        }
}

static int load(AlarmBook *b, const char *text, size_t size)
{
        _cleanup_free_ char *copy = strndup(text, size);
        char *rest = copy;

        if (!copy)
                return -ENOMEM;
        for (char *line; (line = strsep(&rest, "\n"));)
                take_line(b, line);
        return 0;
}

static void put_number(Buffer *text, double x)
{
        char digits[NUMBER_TEXT_MAX];

        (void)number_format(x, digits);
        buffer_append_string(text, digits);
}

static void put_alarm(Buffer *text, const char *kind, const AlarmEntry *e, double value)
{
        const AlarmSettings *s = &e->settings;

        buffer_printf(text, "%s %s %s ", kind, e->channel, s->above.is_set ? "above" : "below");
        put_number(text, s->above.is_set ? s->above.value : s->below.value);
        buffer_append_char(text, ' ');
        if (s->clear.is_set)
                put_number(text, s->clear.value);
        else
                buffer_append_char(text, '-');
        buffer_printf(text, " %" PRIu64 " %s ", s->hold_usec, s->stream);
        put_number(text, value);
}

static void put_entry(Buffer *text, const AlarmEntry *e)
{
        if (e->is_raised) {
                put_alarm(text, "alarm", e, e->value);
                buffer_append_char(text, '\n');
        }
        if (e->is_beyond) {
                put_alarm(text, "beyond", e, e->beyond_value);
                buffer_printf(text, " %" PRIu64 " %" PRIu64 "\n", e->since_wall, e->since_boot);
        }
}

static void store(AlarmBook *b)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;
        int r;

        buffer_append_string(&text, "hublink-alarms 1\n");
        for (size_t i = 0; i < b->n_entries; i++)
                put_entry(&text, &b->entries[i]);
        r = buffer_error(&text) < 0 ? -ENOMEM : 0;
        b->n_texts++;
        b->is_late = false;
        b->store_at = usec_add(clock_boot(b->clock), PACE_USEC);
        if (r == 0)
                r = b->port.store(b->port.userdata, text.data, text.size);
        if (r < 0)
                alarm_book_stored(b, r);
}

void alarm_book_stored(AlarmBook *b, int error)
{
        b->n_tried++;
        if (error < 0 && !b->dirty)
                log_line(LOG_WARNING, LOG_ID_ALARMS_NOT_STORED, NULL,
                         "Which alarms are raised cannot be stored: %s. They are told all the same; after a restart "
                         "the end of one may not be.",
                         strerrordesc_np(-error));
        else if (error == 0 && b->dirty)
                log_notice("Which alarms are raised is stored again.");
        b->dirty = error < 0;
        b->retry_at = usec_add(clock_boot(b->clock), RETRY_USEC);
}

/* ---- what happens ---- */

/* Those of which there is nothing to be said any more. */
static void tidy(AlarmBook *b)
{
        size_t left = 0;

        for (size_t i = 0; i < b->n_entries; i++)
                if (b->entries[i].is_raised || b->entries[i].is_beyond)
                        b->entries[left++] = b->entries[i];
        b->n_entries = left;
}

/* ---- on the way to being raised ---- */

usec_t alarm_book_deadline(const AlarmBook *b)
{
        return b->is_late ? b->store_at : USEC_INFINITY;
}

void alarm_book_tick(AlarmBook *b, usec_t now)
{
        if (b->is_late && now >= b->store_at)
                store(b);
}

static void store_soon(AlarmBook *b)
{
        b->is_late = true;
        alarm_book_tick(b, clock_boot(b->clock));
}

void alarm_book_note(AlarmBook *b, const char *channel, const AlarmSettings *settings, double value)
{
        AlarmEntry *e = find_or_add(b, channel, settings);

        if (!e)
                return;
        set_beyond(e, value, clock_wall(b->clock), clock_boot(b->clock));
        store_soon(b);
}

void alarm_book_strike(AlarmBook *b, const char *channel, const AlarmSettings *settings)
{
        AlarmEntry *e = find(b, channel, settings);

        if (!e || !e->is_beyond)
                return;
        e->is_beyond = false;
        tidy(b);
        store_soon(b);
}

void alarm_book_strike_all_but(AlarmBook *b, bool (*is_asked_for)(void *userdata, const AlarmEntry *e), void *userdata)
{
        bool news = false;

        for (size_t i = 0; i < b->n_entries; i++) {
                AlarmEntry *e = &b->entries[i];

                if (!e->is_beyond || is_asked_for(userdata, e))
                        continue;
                e->is_beyond = false;
                news = true;
        }
        tidy(b);
        if (news)
                store_soon(b);
}

/* The clock that says less is believed: the one may have been set, the other begins anew when the machine does. */
bool alarm_book_find_beyond(const AlarmBook *b, const char *channel, const AlarmSettings *settings, double *ret_value,
                            usec_t *ret_left)
{
        const AlarmEntry *e = find(b, channel, settings);
        usec_t boot = clock_boot(b->clock), passed;

        if (!e || !e->is_beyond)
                return false;
        passed = usec_sub(clock_wall(b->clock), e->since_wall);
        if (boot >= e->since_boot)
                passed = MIN(passed, boot - e->since_boot);
        *ret_value = e->beyond_value;
        *ret_left = usec_sub(settings->hold_usec, passed);
        return true;
}

/* ---- raised ---- */

void alarm_book_enter(AlarmBook *b, const char *channel, const AlarmSettings *settings, double value)
{
        AlarmEntry *e = find_or_add(b, channel, settings);

        if (!e)
                return;
        e->value = value;
        e->is_raised = true;
        e->is_beyond = false;
        e->leaves = false;
        e->text = b->n_texts + 1;
        store(b);
}

bool alarm_book_has_tried(const AlarmBook *b, const char *channel, const AlarmSettings *settings)
{
        const AlarmEntry *e = find(b, channel, settings);

        return !e || b->n_tried >= e->text;
}

void alarm_book_leave(AlarmBook *b, const char *channel, const AlarmSettings *settings, const char *stream)
{
        AlarmEntry *e = find(b, channel, settings);

        if (!e)
                return;
        e->leaves = true;
        (void)snprintf(e->end, sizeof(e->end), "%s", stream);
}

void alarm_book_queue_changed(AlarmBook *b)
{
        bool news = false;

        for (size_t i = 0; i < b->n_entries; i++) {
                AlarmEntry *e = &b->entries[i];

                if (!e->leaves || !b->port.has_arrived(b->port.userdata, e->end))
                        continue;
                e->is_raised = e->leaves = false;
                news = true;
        }
        tidy(b);
        if (news || (b->is_late && clock_boot(b->clock) >= b->store_at) ||
            (b->dirty && b->n_tried == b->n_texts && clock_boot(b->clock) >= b->retry_at))
                store(b);
}

void alarm_book_stop(AlarmBook *b)
{
        alarm_book_queue_changed(b);
        if (b->is_late)
                store(b);
}

/* ---- life ---- */

int alarm_book_new(AlarmBook **ret, const char *text, size_t size, const Clock *clock, const AlarmBookPort *port)
{
        _cleanup_(alarm_book_freep) AlarmBook *b = calloc(1, sizeof(*b));
        int r;

        if (!b)
                return -ENOMEM;
        b->clock = clock;
        b->port = *port;
        r = load(b, text, size);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(b);
        return 0;
}

AlarmBook *alarm_book_free(AlarmBook *b)
{
        if (!b)
                return NULL;
        free(b->entries);
        free(b);
        return NULL;
}
