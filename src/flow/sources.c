/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sources.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SOURCES_MAX 512

/* ---- which source is whose ---- */

static bool is_named(const SourceName *name, const char *sensor, uint32_t place)
{
        return name->place == place && strcmp(name->sensor, sensor) == 0;
}

/* Where one of the two places is not known, the name must do. */
static Source *find(Sources *s, const char *sensor, uint32_t place)
{
        Source *found = NULL;

        for (size_t i = 0; i < s->n; i++) {
                Source *source = &s->all[i];

                if (is_named(&source->name, sensor, place))
                        return source;
                if ((place == 0 || source->name.place == 0) && strcmp(source->name.sensor, sensor) == 0)
                        found = source;
        }
        if (found && place != 0)
                found->name.place = place;
        return found;
}

static bool is_expected(const Sources *s, const Source *source)
{
        for (size_t i = 0; i < s->n_expected; i++)
                if (is_named(&s->expected[i], source->name.sensor, source->name.place))
                        return true;
        return false;
}

static bool is_further(const Source *a, const Source *b)
{
        return a->latest.mtime != b->latest.mtime ? a->latest.mtime > b->latest.mtime
                                                  : a->latest.offset > b->latest.offset;
}

/* Of the place, without a sensor; where there are several, the one that was read last. */
static Source *find_orphan(const Sources *s, uint32_t place)
{
        Source *found = NULL;

        for (size_t i = 0; i < s->n; i++)
                if (s->all[i].name.place == place && !is_expected(s, &s->all[i]) &&
                    (!found || is_further(&s->all[i], found)))
                        found = &s->all[i];
        return found;
}

Source *sources_claim(Sources *s, const char *sensor, uint32_t place)
{
        Source *source = find(s, sensor, place);

        if (source)
                return source;
        source = find_orphan(s, place);
        if (source)
                (void)snprintf(source->name.sensor, sizeof(Name), "%s", sensor);
        return source;
}

/* Its place is needed: the one among those without a sensor that was not written to for longest. */
static Source *find_forgotten(const Sources *s)
{
        Source *found = NULL;

        for (size_t i = 0; i < s->n; i++)
                if (source_is_clean(&s->all[i]) && !is_expected(s, &s->all[i]) &&
                    (!found || is_further(found, &s->all[i])))
                        found = &s->all[i];
        return found;
}

static Source *make_room(Sources *s)
{
        Source *all;

        if (s->n == SOURCES_MAX)
                return find_forgotten(s);
        all = realloc(s->all, (s->n + 1) * sizeof(*all));
        if (!all)
                return NULL;
        s->all = all;
        return &all[s->n++];
}

Source *sources_get(Sources *s, const char *sensor, uint32_t place)
{
        Source *source = find(s, sensor, place);

        if (source || !name_is_valid(sensor))
                return source;
        source = make_room(s);
        if (!source)
                return NULL;
        *source = (Source){.name.place = place};
        memcpy(source->name.sensor, sensor, strlen(sensor) + 1);
        return source;
}

int sources_expect(Sources *s, const SourceName *names, size_t n)
{
        SourceName *copy = NULL;

        if (n > 0) {
                copy = calloc(n, sizeof(*copy));
                if (!copy)
                        return -ENOMEM;
                memcpy(copy, names, n * sizeof(*copy));
        }
        free(s->expected);
        s->expected = copy;
        s->n_expected = n;
        return 0;
}

/* ---- its records ---- */

bool source_is_clean(const Source *s)
{
        return s->held_from == 0 && s->latest.serial == s->stored.serial;
}

static void add_mark(Source *s, uint64_t n)
{
        if (s->n_marks == SOURCE_MARKS_MAX) {
                for (size_t i = 0; i < SOURCE_MARKS_MAX / 2; i++)
                        s->marks[i] = s->marks[2 * i + 1];
                s->n_marks = SOURCE_MARKS_MAX / 2;
        }
        s->marks[s->n_marks++] = (SourceMark){n, s->latest};
}

static void drop_marks(Source *s, uint64_t up_to)
{
        size_t n = 0;

        while (n < s->n_marks && s->marks[n].n <= up_to)
                n++;
        s->n_marks -= n;
        memmove(s->marks, s->marks + n, s->n_marks * sizeof(*s->marks));
        s->held_from = s->n_marks > 0 ? up_to + 1 : 0;
}

/* What is just being stored covers records of the old stream, whose numbers mean nothing in the new one. */
static void forget_records(Source *s)
{
        s->n_marks = 0;
        s->held_from = 0;
        s->storing_n = 0;
}

bool source_append(Source *s, const SourcePosition *at, unsigned stream, uint64_t n)
{
        bool moved = s->held_from > 0 && s->stream != stream;

        if (moved)
                forget_records(s);
        s->stream = stream;
        if (at->serial > s->latest.serial)
                s->latest = *at;
        if (s->held_from == 0)
                s->held_from = n;
        add_mark(s, n);
        return moved;
}

void source_reach(Source *s, const SourcePosition *at)
{
        if (at->serial <= s->latest.serial)
                return;
        s->latest = *at;
        if (s->n_marks > 0)
                s->marks[s->n_marks - 1].at = *at;
}

bool source_choose(Source *s, uint64_t durable)
{
        s->storing = s->held_from == 0 ? s->latest : s->stored;
        s->storing_n = 0;
        for (size_t k = 0; k < s->n_marks && s->marks[k].n < durable; k++) {
                s->storing = s->marks[k].at;
                s->storing_n = s->marks[k].n;
        }
        /* A record that came no farther waits for the file as well. */
        return s->storing.serial != s->stored.serial || s->storing_n > 0;
}

uint64_t source_covered(const Source *s, uint64_t durable)
{
        if (s->held_from == 0)
                return durable - 1;
        return MIN(durable - 1, s->storing_n > 0 ? s->storing_n : s->held_from - 1);
}

void source_stored(Source *s)
{
        s->stored = s->storing;
        if (s->storing_n > 0)
                drop_marks(s, s->storing_n);
}

/* ---- its line ---- */

void sources_print(const Sources *s, Buffer *b)
{
        for (size_t i = 0; i < s->n; i++) {
                const SourcePosition *at = &s->all[i].storing;

                if (at->serial > 0)
                        buffer_printf(b,
                                      "source %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu32 " %" PRIu32
                                      "\n",
                                      s->all[i].name.sensor, at->serial, at->file, at->offset, at->mtime, at->check,
                                      s->all[i].name.place);
        }
}

bool sources_take_line(Sources *s, const char *line)
{
        char sensor[NAME_LENGTH_MAX + 2];
        SourcePosition at = {};
        Source *source;

        if (sscanf(line, "source %33s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu32 " %" SCNu32, sensor,
                   &at.serial, &at.file, &at.offset, &at.mtime, &at.check, &at.place) < 6)
                return false;
        source = sources_get(s, sensor, at.place);
        if (source)
                source->latest = source->stored = at;
        return true;
}

void sources_done(Sources *s)
{
        free(s->all);
        free(s->expected);
        *s = (Sources){};
}
