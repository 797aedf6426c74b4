/* SPDX-License-Identifier: Apache-2.0 */
#include "reader/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <limits.h>
#include <string.h>

#define GAPS_SHOWN 5

typedef struct Epoch {
        uint64_t epoch;
        IntervalSet seen;
} Epoch;

typedef struct Stream {
        char *device;
        Name name;
        Epoch *epochs; /* the newest last */
        size_t n_epochs;
        IntervalSet seen;      /* under whatever epoch */
        IntervalSet explained; /* by notices */
        uint64_t reused;
} Stream;

struct Verify {
        bool from_start;
        Stream *streams;
        size_t n_streams, last; /* the last one asked for */
        uint64_t received, unique;
};

int verify_new(Verify **ret, bool from_start)
{
        Verify *v = calloc(1, sizeof(*v));

        if (!v)
                return -ENOMEM;
        v->from_start = from_start;
        *ret = v;
        return 0;
}

static void stream_done(Stream *s)
{
        for (size_t i = 0; i < s->n_epochs; i++)
                interval_set_done(&s->epochs[i].seen);
        free(s->epochs);
        interval_set_done(&s->seen);
        interval_set_done(&s->explained);
        free(s->device);
}

Verify *verify_free(Verify *v)
{
        if (!v)
                return NULL;
        for (size_t i = 0; i < v->n_streams; i++)
                stream_done(&v->streams[i]);
        free(v->streams);
        free(v);
        return NULL;
}

/* ---- finding ---- */

static bool is(const Stream *s, const char *device, const char *name)
{
        return strcmp(s->name, name) == 0 && strcmp(s->device, device) == 0;
}

static Stream *stream_of(Verify *v, const char *device, const char *name)
{
        Stream *more;
        char *copy;

        if (v->last < v->n_streams && is(&v->streams[v->last], device, name))
                return &v->streams[v->last];
        for (size_t i = 0; i < v->n_streams; i++)
                if (is(&v->streams[i], device, name)) {
                        v->last = i;
                        return &v->streams[i];
                }
        copy = strdup(device);
        if (!copy)
                return NULL;
        more = reallocarray(v->streams, v->n_streams + 1, sizeof(*more));
        if (!more) {
                free(copy);
                return NULL;
        }
        v->streams = more;
        v->last = v->n_streams++;
        more[v->last] = (Stream){.device = copy};
        memcpy(more[v->last].name, name, strlen(name) + 1);
        return &more[v->last];
}

static Epoch *epoch_of(Stream *s, uint64_t epoch)
{
        Epoch *more;

        for (size_t i = s->n_epochs; i-- > 0;)
                if (s->epochs[i].epoch == epoch)
                        return &s->epochs[i];
        more = reallocarray(s->epochs, s->n_epochs + 1, sizeof(*more));
        if (!more)
                return NULL;
        s->epochs = more;
        more[s->n_epochs] = (Epoch){.epoch = epoch};
        return &more[s->n_epochs++];
}

/* ---- counting ---- */

int verify_record(Verify *v, const char *device, const RecordId *id)
{
        Stream *s = stream_of(v, device, id->stream);
        Epoch *e = s ? epoch_of(s, id->epoch) : NULL;
        uint64_t new_name, new_number;
        int r;

        if (!e)
                return -ENOMEM;
        r = interval_set_add(&e->seen, id->first, id->last, &new_name);
        if (r < 0)
                return r;
        r = interval_set_add(&s->seen, id->first, id->last, &new_number);
        if (r < 0)
                return r;
        v->received += id->last - id->first + 1;
        v->unique += new_name;
        s->reused += new_name - new_number;
        return 0;
}

int verify_other(Verify *v)
{
        v->received++;
        v->unique++;
        return 0;
}

/* ---- notices ---- */

/* [first,last]; a number alone is a range of one */
static bool read_range(json_object *range, uint64_t *ret_first, uint64_t *ret_last)
{
        json_object *first = range, *last = range;

        if (json_object_is_type(range, json_type_array)) {
                if (json_object_array_length(range) != 2)
                        return false;
                first = json_object_array_get_idx(range, 0);
                last = json_object_array_get_idx(range, 1);
        }
        if (!json_object_is_type(first, json_type_int) || !json_object_is_type(last, json_type_int))
                return false;
        *ret_first = json_object_get_uint64(first);
        *ret_last = json_object_get_uint64(last);
        return *ret_first <= *ret_last;
}

static int explain(Verify *v, const char *device, json_object *notice)
{
        json_object *name, *ranges;
        Stream *s;

        if (!json_object_object_get_ex(notice, "stream", &name) || !json_object_is_type(name, json_type_string) ||
            !name_is_valid(json_object_get_string(name)) || !json_object_object_get_ex(notice, "ranges", &ranges) ||
            !json_object_is_type(ranges, json_type_array))
                return 0;
        s = stream_of(v, device, json_object_get_string(name));
        if (!s)
                return -ENOMEM;
        for (size_t i = 0; i < json_object_array_length(ranges); i++) {
                uint64_t first, last, n_new;
                int r;

                if (!read_range(json_object_array_get_idx(ranges, i), &first, &last))
                        continue;
                r = interval_set_add(&s->explained, first, last, &n_new);
                if (r < 0)
                        return r;
        }
        return 0;
}

int verify_notice(Verify *v, const char *device, const char *body, size_t size)
{
        json_tokener *tokener;
        json_object *notice;
        int r = 0;

        if (size == 0 || size > INT_MAX)
                return 0;
        tokener = json_tokener_new();
        if (!tokener)
                return -ENOMEM;
        notice = json_tokener_parse_ex(tokener, body, (int)size);
        if (json_object_is_type(notice, json_type_object))
                r = explain(v, device, notice);
        json_object_put(notice);
        json_tokener_free(tokener);
        return r;
}

/* ---- the result ---- */

/* The holes of a stream, from its lowest to its highest number. */
typedef struct Holes {
        const Stream *stream;
        uint64_t next; /* the lowest number not yet walked over */
        size_t i;
} Holes;

static Holes holes_of(const Verify *v, const Stream *s)
{
        bool any = s->seen.n_items > 0;

        return (Holes){.stream = s, .next = v->from_start || !any ? 1 : s->seen.items[0].first};
}

static bool next_hole(Holes *h, Interval *ret)
{
        const IntervalSet *seen = &h->stream->seen;

        while (h->i < seen->n_items) {
                Interval item = seen->items[h->i++];
                uint64_t from = h->next;

                h->next = item.last + 1;
                if (item.first > from) {
                        *ret = (Interval){from, item.first - 1};
                        return true;
                }
        }
        return false;
}

/* The numbers missing in the stream: without a word, and with one. */
static void count_holes(const Verify *v, const Stream *s, uint64_t *ret_gaps, uint64_t *ret_explained)
{
        Holes holes = holes_of(v, s);
        uint64_t gaps = 0, explained = 0;
        Interval hole;

        while (next_hole(&holes, &hole)) {
                uint64_t known = interval_set_count(&s->explained, hole.first, hole.last);

                explained += known;
                gaps += hole.last - hole.first + 1 - known;
        }
        *ret_gaps = gaps;
        *ret_explained = explained;
}

void verify_totals(const Verify *v, VerifyTotals *ret)
{
        VerifyTotals t = {.received = v->received, .unique = v->unique, .duplicates = v->received - v->unique};

        for (size_t i = 0; i < v->n_streams; i++) {
                uint64_t gaps, explained;

                count_holes(v, &v->streams[i], &gaps, &explained);
                t.gaps += gaps;
                t.explained += explained;
                t.reused += v->streams[i].reused;
        }
        *ret = t;
}

/* Holes that a notice explains in part are shown whole: they are where to look. */
static void show_gaps(const Verify *v, const Stream *s, uint64_t gaps, Buffer *b)
{
        Holes holes = holes_of(v, s);
        unsigned shown = 0;
        Interval hole;

        buffer_printf(b, " %" PRIu64 " missing (", gaps);
        while (next_hole(&holes, &hole)) {
                if (interval_set_count(&s->explained, hole.first, hole.last) == hole.last - hole.first + 1)
                        continue;
                if (shown == GAPS_SHOWN) {
                        buffer_append_string(b, ", ...");
                        break;
                }
                buffer_printf(b, "%s%" PRIu64 "-%" PRIu64, shown++ > 0 ? ", " : "", hole.first, hole.last);
        }
        buffer_append_string(b, ");");
}

void verify_details(const Verify *v, Buffer *b)
{
        for (size_t i = 0; i < v->n_streams; i++) {
                const Stream *s = &v->streams[i];
                uint64_t gaps, explained;

                count_holes(v, s, &gaps, &explained);
                if (gaps == 0 && explained == 0 && s->reused == 0)
                        continue;
                buffer_printf(b, "%s %s:", s->device, s->name);
                if (gaps > 0)
                        show_gaps(v, s, gaps, b);
                if (explained > 0)
                        buffer_printf(b, " %" PRIu64 " missing, as notices say;", explained);
                if (s->reused > 0)
                        buffer_printf(b, " %" PRIu64 " number%s came under more than one epoch;", s->reused,
                                      s->reused == 1 ? "" : "s");
                buffer_truncate(b, b->size - 1);
                buffer_append_char(b, '\n');
        }
}
