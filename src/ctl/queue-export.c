/* SPDX-License-Identifier: Apache-2.0 */

/*
 * queue export: the records as JSON, one a line, so that nothing is lost with a gateway whose daemon cannot run any
 * more. What is understood is written out; what is not, as its bytes.
 */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "ctl/offline.h"
#include "model/value-json.h"
#include "queue/notices.h"

#define LINES_BYTES 65536 /* written at once */

typedef struct Export {
        const char *stream; /* NULL: all */
        uint64_t from, to;
        bool all;
        FILE *out;
        Buffer lines;
        uint64_t n;
        Progress progress;
        ReadingSpace space;
} Export;

static void put_text_member(Buffer *b, const char *name, const char *value)
{
        if (!value || !*value)
                return;
        buffer_printf(b, ",\"%s\":", name);
        json_string(b, value);
}

static void put_bytes_member(Buffer *b, const char *name, const void *data, size_t size)
{
        buffer_printf(b, ",\"%s\":\"", name);
        base64_encode(b, data, size);
        buffer_append_char(b, '"');
}

static bool put_reading(Export *e, const ArchiveRecord *record)
{
        Buffer *b = &e->lines;
        Reading reading;

        if (reading_decode(record->payload, record->size, &e->space, &reading) < 0)
                return false;
        buffer_printf(b, ",\"time\":%" PRIu64, reading.wall_usec);
        if (!reading.wall_trusted) /* when, by the clock of that boot, is all that is certain */
                buffer_printf(b, ",\"time_trusted\":false,\"boottime\":%" PRIu64,
                              usec_sub(record->boot_usec, reading.age_usec));
        put_text_member(b, "sensor", reading.sensor);
        if (reading.quality != QUALITY_GOOD)
                put_text_member(b, "quality", quality_to_string(reading.quality));
        buffer_append_string(b, ",\"channels\":{");
        for (size_t i = 0; i < reading.n_channels; i++) {
                buffer_append_string(b, i ? "," : "");
                json_string(b, reading.channels[i].name);
                buffer_append_char(b, ':');
                value_to_json(&reading.channels[i].value, b);
        }
        buffer_append_char(b, '}');
        return true;
}

static bool put_message(Export *e, const ArchiveRecord *record)
{
        _cleanup_(message_freep) Message *m = NULL;
        Buffer *b = &e->lines;

        if (message_decode(record->payload, record->size, &m) < 0)
                return false;
        put_text_member(b, "content_type", m->content_type);
        put_text_member(b, "content_encoding", m->content_encoding);
        put_text_member(b, "correlation_id", m->correlation_id);
        put_json_properties(b, m->properties, m->n_properties);
        put_json_body(b, m->body.data, m->body.size);
        return true;
}

static bool put_notice(Export *e, const ArchiveRecord *record)
{
        NoticeRange ranges[NOTICES_MAX];
        Outcome outcome;
        size_t n;

        if (!notice_decode(record->payload, record->size, &outcome, ranges, &n))
                return false;
        put_text_member(&e->lines, "notice", outcome_to_string(outcome));
        buffer_append_string(&e->lines, ",\"ranges\":[");
        for (size_t i = 0; i < n; i++)
                buffer_printf(&e->lines, "%s[%" PRIu64 ",%" PRIu64 "]", i ? "," : "", ranges[i].first, ranges[i].last);
        buffer_append_char(&e->lines, ']');
        return true;
}

static bool put_payload(Export *e, const ArchiveRecord *record)
{
        switch (record->kind) {
        case QUEUE_KIND_READING:
                return put_reading(e, record);
        case QUEUE_KIND_MESSAGE:
                return put_message(e, record);
        case QUEUE_KIND_NOTICE:
                return put_notice(e, record);
        default:
                return false;
        }
}

static int flush_lines(Export *e)
{
        int r = buffer_error(&e->lines);

        if (r == 0 && e->lines.size > 0 && fwrite(e->lines.data, 1, e->lines.size, e->out) != e->lines.size)
                r = -errno;
        buffer_clear(&e->lines);
        return r;
}

static int on_record(void *userdata, const ArchiveRecord *record)
{
        Export *e = userdata;
        size_t before;

        if ((!record->waiting && !e->all) || (e->stream && strcmp(e->stream, record->name) != 0) ||
            record->n < e->from || record->n > e->to)
                return 0;
        buffer_append_string(&e->lines, "{\"stream\":");
        json_string(&e->lines, record->name);
        buffer_printf(&e->lines, ",\"epoch\":\"%016" PRIx64 "\",\"n\":%" PRIu64, record->epoch, record->n);
        if (e->all)
                buffer_printf(&e->lines, ",\"waiting\":%s", record->waiting ? "true" : "false");
        before = e->lines.size;
        if (!put_payload(e, record)) {
                buffer_truncate(&e->lines, before);
                buffer_printf(&e->lines, ",\"kind\":%d", record->kind);
                put_bytes_member(&e->lines, "payload_base64", record->payload, record->size);
        }
        buffer_append_string(&e->lines, "}\n");
        e->n++;
        return e->lines.size >= LINES_BYTES ? flush_lines(e) : 0;
}

static void on_progress(void *userdata, uint64_t pages, uint64_t of)
{
        Export *e = userdata;

        progress_tell(&e->progress, pages, of);
}

/* ---- which stream ---- */

typedef struct Known {
        const char *wanted;
        bool met;
} Known;

static int meet(void *userdata, const ArchiveRecord *record)
{
        Known *known = userdata;

        known->met |= strcmp(known->wanted, record->name) == 0;
        return 0;
}

/* A stream that had another name once is in the records alone. */
static bool has_stream(Archive *archive, const char *wanted)
{
        Known known = {.wanted = wanted};
        ArchiveStream s;

        for (unsigned i = 0; i < archive_n_streams(archive); i++)
                if (archive_stream(archive, i, &s) && strcmp(s.name, wanted) == 0)
                        return true;
        return archive_walk(archive, &(ArchiveVisitor){.record = meet, .userdata = &known}, NULL) < 0 || known.met;
}

static int no_stream(const Archive *archive, const char *directory, const char *wanted)
{
        const char *before = " There are: ";
        ArchiveStream s;

        fprintf(stderr, "queue export: no stream '%s' is in %s.", wanted, directory);
        for (unsigned i = 0; i < archive_n_streams(archive); i++)
                if (archive_stream(archive, i, &s)) {
                        fprintf(stderr, "%s%s", before, s.name);
                        before = ", ";
                }
        fprintf(stderr, "%s\n", *before == ',' ? "." : " There is none at all.");
        return CTL_FAILED;
}

/* ---- the command ---- */

static int export_from(Export *e, const char *directory, const char *output)
{
        _cleanup_(disk_freep) Disk *disk = NULL; /* it outlives the archive */
        _cleanup_(archive_freep) Archive *archive = NULL;
        ArchiveTotals totals = {};
        int r;

        if (disk_new(&disk) < 0)
                return CTL_FAILED;
        r = offline_open(disk, directory, &archive);
        if (r != CTL_OK)
                return r;
        if (e->stream && !has_stream(archive, e->stream))
                return no_stream(archive, directory, e->stream);
        e->out = output ? fopen(output, "wxe") : stdout;
        if (!e->out) {
                fprintf(stderr, "queue export: %s: %s\n", output,
                        errno == EEXIST ? "it exists already; name another file" : strerror(errno));
                return CTL_FAILED;
        }
        r = archive_walk(archive, &(ArchiveVisitor){on_record, NULL, on_progress, e}, &totals);
        if (r == 0)
                r = flush_lines(e);
        if (fflush(e->out) != 0 && r == 0)
                r = -errno;
        if (output && (fsync(fileno(e->out)) < 0 && errno != EINVAL) && r == 0)
                r = -errno;
        if (output && fclose(e->out) != 0 && r == 0)
                r = -errno;
        progress_end(&e->progress);
        if (r < 0) {
                fprintf(stderr, "queue export: %s: %s\n", output ? output : "standard output", strerror(-r));
                return CTL_FAILED;
        }
        if (output)
                printf("%" PRIu64 " record%s in %s\n", e->n, e->n == 1 ? "" : "s", output);
        if (totals.missing > 0) {
                fprintf(stderr,
                        "%" PRIu64 " record%s not to be had: what held %s is damaged or gone; see hublinkctl queue "
                        "verify.\n",
                        totals.missing, totals.missing == 1 ? " that waits is" : "s that wait are",
                        totals.missing == 1 ? "it" : "them");
                return CTL_FAILED;
        }
        if (totals.damaged > 0)
                fprintf(stderr, "Some of what lies there is damaged, but no record is known to be missing; see "
                                "hublinkctl queue verify.\n");
        return CTL_OK;
}

static int take_number(const char *text, uint64_t *ret)
{
        char *end;

        errno = 0;
        *ret = strtoull(text, &end, 10);
        return *text < '0' || *text > '9' || *end || errno ? usage("queue", "queue export: '%s' is no number.", text) :
                                                             CTL_OK;
}

int queue_export(const Options *options, int argc, char **argv)
{
        static const struct option longs[] = {
                {"all", no_argument, NULL, 'a'},          {"from", required_argument, NULL, 'f'},
                {"output", required_argument, NULL, 'o'}, {"quiet", no_argument, NULL, 'q'},
                {"stream", required_argument, NULL, 's'}, {"to", required_argument, NULL, 't'},
                {},
        };
        Export e = {.from = 1, .to = UINT64_MAX};
        _cleanup_free_ char *directory = NULL;
        const char *output = NULL;
        bool quiet = false;
        int o, r = CTL_OK;

        while ((o = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
                switch (o) {
                case 'a':
                        e.all = true;
                        break;
                case 'f':
                        r = take_number(optarg, &e.from);
                        break;
                case 't':
                        r = take_number(optarg, &e.to);
                        break;
                case 's':
                        e.stream = optarg;
                        break;
                case 'o':
                        output = optarg;
                        break;
                case 'q':
                        quiet = true;
                        break;
                default:
                        r = usage("queue", "queue export: this is not understood.");
                }
                if (r != CTL_OK)
                        return r;
        }
        if (argc - optind > 1)
                return usage("queue", "queue export: one directory, not '%s' too.", argv[optind + 1]);
        if (e.from > e.to)
                return usage("queue", "queue export: --from %" PRIu64 " is behind --to %" PRIu64 ".", e.from, e.to);
        r = offline_directory(options, argv[optind], &directory);
        if (r != CTL_OK)
                return r;
        e.progress = progress_begin(quiet || (!output && isatty(STDOUT_FILENO)));
        r = export_from(&e, directory, output);
        buffer_done(&e.lines);
        return r;
}
