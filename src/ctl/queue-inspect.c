/* SPDX-License-Identifier: Apache-2.0 */

/* queue inspect: what lies there, and what the next start of the daemon would make of it. Page 0 of each slot and the
 * newest slot are read: it takes no longer for a long queue than for a short one. */

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/offline.h"

static const char *const lanes[_QUEUE_LANE_MAX] = {
        [QUEUE_LANE_NORMAL] = "normal",
        [QUEUE_LANE_URGENT] = "urgent",
};

static const char *const states[_ARCHIVE_SLOT_MAX] = {
        [ARCHIVE_SLOT_FREE] = "free",
        [ARCHIVE_SLOT_SETTLED] = "settled",
        [ARCHIVE_SLOT_WAITING] = "waiting",
        [ARCHIVE_SLOT_ALIEN] = "left alone",
};

static const char *stream_name(const Archive *a, unsigned stream)
{
        ArchiveStream s;

        return archive_stream(a, stream, &s) ? s.name : "";
}

/* ---- as JSON ---- */

static void put_name_json(Buffer *b, uint64_t name)
{
        if (name != 0)
                buffer_printf(b, "\"%016" PRIx64 "\"", name);
        else
                buffer_append_string(b, "null");
}

static void put_lane_json(Buffer *b, const Archive *a, QueueLane lane)
{
        ArchiveLane l;

        if (!archive_lane(a, lane, &l))
                return;
        buffer_printf(b, "%s{\"lane\":\"%s\",\"identity\":", lane > 0 ? "," : "", lanes[lane]);
        put_name_json(b, l.identity);
        buffer_append_string(b, ",\"epoch\":");
        put_name_json(b, l.epoch);
        buffer_printf(b, ",\"commit\":%" PRIu64 ",\"checkpoint\":%" PRIu64 ",\"slots\":%zu,\"bytes\":%" PRIu64
                      ",\"quarantine\":{\"files\":%u,\"bytes\":%" PRIu64 "},\"notes\":[",
                      l.commit, l.sequence, l.n_slots, l.bytes, l.n_quarantined, l.quarantined_bytes);
        for (unsigned i = 0; i < l.n_notes; i++) {
                if (i > 0)
                        buffer_append_char(b, ',');
                json_string(b, l.notes[i]);
        }
        buffer_printf(b, "],\"more_notes\":%u}", l.n_more_notes);
}

static void put_slot_json(Buffer *b, const Archive *a, size_t i)
{
        bool more = false;
        ArchiveSlot s;

        archive_slot(a, i, &s);
        buffer_printf(b, "%s{\"lane\":\"%s\",\"file\":\"%s\",\"state\":\"%s\",\"generation\":%" PRIu64
                      ",\"epoch\":\"%016" PRIx64 "\",\"pages\":%zu,\"pages_used\":%zu,\"numbers\":{",
                      i > 0 ? "," : "", lanes[s.lane], s.name, states[s.state], s.segno, s.epoch, s.n_pages, s.n_used);
        for (unsigned k = 0; k < ARRAY_SIZE(s.numbers); k++)
                if (s.numbers[k].first > 0) {
                        buffer_append_string(b, more ? "," : "");
                        json_string(b, stream_name(a, k));
                        buffer_printf(b, ":[%" PRIu64 ",%" PRIu64 "]", s.numbers[k].first, s.numbers[k].last);
                        more = true;
                }
        buffer_append_string(b, "}}");
}

static void put_stream_json(Buffer *b, const ArchiveStream *s)
{
        bool more = false;

        buffer_append_string(b, "{\"stream\":");
        json_string(b, s->name);
        buffer_printf(b, ",\"lane\":\"%s\",\"next\":%" PRIu64 ",\"low\":%" PRIu64 ",\"accepted\":%" PRIu64
                      ",\"waiting\":%" PRIu64 ",\"settled\":{",
                      lanes[s->lane], s->next, s->low, s->ledger.accepted, ledger_waiting(&s->ledger));
        for (int o = 0; o < _OUTCOME_MAX; o++)
                if (s->ledger.settled[o] > 0) {
                        buffer_printf(b, "%s\"%s\":%" PRIu64, more ? "," : "", outcome_to_string((Outcome)o),
                                      s->ledger.settled[o]);
                        more = true;
                }
        buffer_append_string(b, "},\"ranges\":[");
        for (size_t i = 0; i < s->n_ranges; i++)
                buffer_printf(b, "%s[%" PRIu64 ",%" PRIu64 ",\"%s\"]", i > 0 ? "," : "", s->ranges[i].first,
                              s->ranges[i].last, s->ranges[i].outcome);
        buffer_printf(b, "],\"torn\":%" PRIu64 ",\"notices\":%u,\"next_start\":{\"torn\":%" PRIu64
                      ",\"damaged\":%" PRIu64 "}}",
                      s->n_torn, s->n_notices, s->newly_torn, s->newly_lost);
}

static void put_store_json(Buffer *b, const Archive *a, const char *directory)
{
        bool more = false;
        ArchiveStream s;

        buffer_append_string(b, "\"directory\":");
        json_string(b, directory);
        buffer_append_string(b, ",\"lanes\":[");
        for (int lane = 0; lane < _QUEUE_LANE_MAX; lane++)
                put_lane_json(b, a, (QueueLane)lane);
        buffer_append_string(b, "],\"slots\":[");
        for (size_t i = 0; i < archive_n_slots(a); i++)
                put_slot_json(b, a, i);
        buffer_append_string(b, "],\"streams\":[");
        for (unsigned i = 0; i < archive_n_streams(a); i++)
                if (archive_stream(a, i, &s)) {
                        buffer_append_string(b, more ? "," : "");
                        put_stream_json(b, &s);
                        more = true;
                }
        buffer_append_char(b, ']');
}

/* ---- for a person ---- */

static void add_name(Table *t, uint64_t name)
{
        if (name != 0)
                table_add(t, COLOUR_NONE, "%016" PRIx64, name);
        else
                table_add(t, COLOUR_NONE, "none");
}

static void print_notes(const ArchiveLane *l, const Screen *screen)
{
        for (unsigned i = 0; i < l->n_notes; i++) {
                (void)fputs("next start: ", stdout);
                screen_print(screen, COLOUR_CARE, l->notes[i]);
        }
        if (l->n_more_notes > 0)
                printf("next start: %u more like these in %s\n", l->n_more_notes, l->path);
}

static void print_lanes(const Archive *a, const Screen *screen)
{
        Table t = {};
        ArchiveLane l;

        table_head(&t, 6,
                   (const char *const[]){"lane", "identity", "last epoch", "last commit", "checkpoint", "holds"});
        for (int lane = 0; lane < _QUEUE_LANE_MAX; lane++) {
                _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

                if (!archive_lane(a, (QueueLane)lane, &l))
                        continue;
                put_size(&b, l.bytes);
                buffer_printf(&b, " in %zu file%s", l.n_slots, l.n_slots == 1 ? "" : "s");
                if (l.n_quarantined > 0) {
                        buffer_printf(&b, "; quarantine: %u, ", l.n_quarantined);
                        put_size(&b, l.quarantined_bytes);
                }
                table_add(&t, COLOUR_NONE, "%s", lanes[lane]);
                add_name(&t, l.identity);
                add_name(&t, l.epoch);
                table_add(&t, COLOUR_NONE, "%" PRIu64, l.commit);
                table_add(&t, COLOUR_NONE, "%" PRIu64, l.sequence);
                table_add(&t, COLOUR_NONE, "%s", b.data ? b.data : "");
        }
        table_print(&t, screen);
        for (int lane = 0; lane < _QUEUE_LANE_MAX; lane++)
                if (archive_lane(a, (QueueLane)lane, &l))
                        print_notes(&l, screen);
}

static void print_slots(const Archive *a, const Screen *screen)
{
        Table t = {};

        if (archive_n_slots(a) == 0)
                return;
        table_head(&t, 6, (const char *const[]){"file", "state", "generation", "pages", "epoch", "numbers"});
        for (size_t i = 0; i < archive_n_slots(a); i++) {
                _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
                bool holds;
                ArchiveSlot s;

                archive_slot(a, i, &s);
                holds = s.state == ARCHIVE_SLOT_SETTLED || s.state == ARCHIVE_SLOT_WAITING;
                for (unsigned k = 0; k < ARRAY_SIZE(s.numbers); k++)
                        if (s.numbers[k].first > 0)
                                buffer_printf(&b, "%s%s %" PRIu64 "-%" PRIu64, b.size > 0 ? ", " : "",
                                              stream_name(a, k), s.numbers[k].first, s.numbers[k].last);
                table_add(&t, COLOUR_NONE, "%s/%s", lanes[s.lane], s.name);
                table_add(&t, s.state == ARCHIVE_SLOT_ALIEN ? COLOUR_CARE : COLOUR_NONE, "%s", states[s.state]);
                if (holds) {
                        table_add(&t, COLOUR_NONE, "%" PRIu64, s.segno);
                        table_add(&t, COLOUR_NONE, "%zu of %zu", s.n_used, s.n_pages);
                        table_add(&t, COLOUR_NONE, "%016" PRIx64, s.epoch);
                } else {
                        table_add(&t, COLOUR_NONE, "-");
                        table_add(&t, COLOUR_NONE, "%zu", s.n_pages);
                        table_add(&t, COLOUR_NONE, "-");
                }
                table_add(&t, COLOUR_NONE, "%s", b.data ? b.data : "");
        }
        table_print(&t, screen);
}

static void put_outcomes(Buffer *b, const ArchiveStream *s)
{
        for (int o = 0; o < _OUTCOME_MAX; o++)
                if (s->ledger.settled[o] > 0)
                        buffer_printf(b, "%s%s %" PRIu64, b->size > 0 ? ", " : "", outcome_to_string((Outcome)o),
                                      s->ledger.settled[o]);
        if (s->n_torn > 0)
                buffer_printf(b, "%sgiven to none %" PRIu64, b->size > 0 ? ", " : "", s->n_torn);
        if (s->n_notices > 0)
                buffer_printf(b, "%snotices to come %u", b->size > 0 ? ", " : "", s->n_notices);
        if (s->newly_torn + s->newly_lost > 0)
                buffer_printf(b, "%sthe next start counts %" PRIu64 " torn, %" PRIu64 " damaged",
                              b->size > 0 ? "; " : "", s->newly_torn, s->newly_lost);
}

static bool has_streams(const Archive *a)
{
        ArchiveStream s;

        for (unsigned i = 0; i < archive_n_streams(a); i++)
                if (archive_stream(a, i, &s))
                        return true;
        return false;
}

static void print_streams(const Archive *a, const Screen *screen)
{
        Table t = {};
        ArchiveStream s;

        if (!has_streams(a)) {
                puts("It knows of no record.");
                return;
        }
        table_head(&t, 6, (const char *const[]){"stream", "lane", "next", "settled below", "waiting", "outcomes"});
        for (unsigned i = 0; i < archive_n_streams(a); i++) {
                _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

                if (!archive_stream(a, i, &s))
                        continue;
                put_outcomes(&b, &s);
                table_add(&t, COLOUR_NONE, "%s", s.name);
                table_add(&t, COLOUR_NONE, "%s", lanes[s.lane]);
                table_add(&t, COLOUR_NONE, "%" PRIu64, s.next);
                table_add(&t, COLOUR_NONE, "%" PRIu64, s.low);
                table_add(&t, COLOUR_NONE, "%" PRIu64, ledger_waiting(&s.ledger));
                table_add(&t, COLOUR_NONE, "%s", b.data ? b.data : "");
        }
        table_print(&t, screen);
}

static void print_store(const Archive *a, const char *directory)
{
        Screen screen = screen_of_stdout();

        printf("%s\n\n", directory);
        print_lanes(a, &screen);
        putchar('\n');
        print_streams(a, &screen);
        if (archive_n_slots(a) > 0)
                putchar('\n');
        print_slots(a, &screen);
}

/* ---- the command ---- */

static int inspect_one(const Options *options, Disk *disk, const char *directory, Buffer *json)
{
        _cleanup_(archive_freep) Archive *a = NULL;
        int r = offline_open(disk, directory, &a);

        if (r != CTL_OK)
                return r;
        if (options->json)
                put_store_json(json, a, directory);
        else
                print_store(a, directory);
        return CTL_OK;
}

static int inspect_store(const Options *options, Disk *disk, const char *directory, const char *name, const char *key,
                         Buffer *json)
{
        _cleanup_free_ char *store = offline_store(directory, name);
        int r;

        if (!store)
                return CTL_OK;
        if (!options->json)
                putchar('\n');
        buffer_printf(json, ",\"%s\":{", key);
        r = inspect_one(options, disk, store, json);
        buffer_append_char(json, '}');
        return r;
}

int queue_inspect(const Options *options, int argc, char **argv)
{
        _cleanup_free_ char *directory = NULL;
        _cleanup_(buffer_done) Buffer json = BUFFER_NULL;
        _cleanup_(disk_freep) Disk *disk = NULL;
        int r;

        r = parse_words("queue", "queue inspect", argc, argv, 1);
        if (r == CTL_OK)
                r = offline_directory(options, argv[optind], &directory);
        if (r != CTL_OK)
                return r;
        if (disk_new(&disk) < 0)
                return CTL_FAILED;
        buffer_append_char(&json, '{');
        r = inspect_one(options, disk, directory, &json);
        if (r == CTL_OK)
                r = inspect_store(options, disk, directory, STORE_DEAD_LETTERS, "dead_letters", &json);
        if (r == CTL_OK)
                r = inspect_store(options, disk, directory, STORE_INBOX, "inbox", &json);
        buffer_append_string(&json, "}\n");
        return r == CTL_OK && options->json ? print_buffer(&json) : r;
}
