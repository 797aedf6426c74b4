/* SPDX-License-Identifier: Apache-2.0 */

/* queue verify: is all that lies there whole? Every page of every slot is read. */

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/offline.h"

typedef struct Verify {
        const Options *options;
        Progress progress;
        ArchiveTotals totals;
        bool any; /* finding, in the JSON array */
} Verify;

static void on_progress(void *userdata, uint64_t pages, uint64_t of)
{
        Verify *v = userdata;

        progress_tell(&v->progress, pages, of);
}

static void put_finding_json(Buffer *b, const ArchiveFinding *f)
{
        buffer_append_string(b, "{\"file\":");
        json_string(b, f->path);
        buffer_printf(b, ",\"offset\":%" PRIu64 ",\"damaged\":%s,\"what\":", f->offset, f->harmless ? "false" : "true");
        json_string(b, archive_fault_to_string(f->fault));
        if (f->stream) {
                buffer_append_string(b, ",\"stream\":");
                json_string(b, f->stream);
                buffer_printf(b, ",\"first\":%" PRIu64 ",\"last\":%" PRIu64, f->first, f->last);
        }
        buffer_append_char(b, '}');
}

static void put_finding(Buffer *b, const ArchiveFinding *f)
{
        buffer_printf(b, "%s, byte %" PRIu64 ": %s", f->path, f->offset, archive_fault_to_string(f->fault));
        if (f->stream)
                buffer_printf(b, ": %s %" PRIu64 "-%" PRIu64, f->stream, f->first, f->last);
        if (f->harmless)
                buffer_append_string(b, " (the end of a crash; nothing that was accepted)");
        buffer_append_char(b, '\n');
}

static void on_finding(void *userdata, const ArchiveFinding *finding)
{
        Verify *v = userdata;
        Buffer b = BUFFER_NULL;

        progress_end(&v->progress);
        if (v->options->json) {
                buffer_append_string(&b, v->any ? "," : "");
                put_finding_json(&b, finding);
        } else
                put_finding(&b, finding);
        v->any = true;
        (void)print_buffer(&b);
}

static int verify_one(Verify *v, Disk *disk, const char *directory)
{
        _cleanup_(archive_freep) Archive *archive = NULL;
        ArchiveTotals totals = {};
        int r = offline_open(disk, directory, &archive);

        if (r != CTL_OK)
                return r;
        if (archive_walk(archive, &(ArchiveVisitor){NULL, on_finding, on_progress, v}, &totals) < 0) {
                progress_end(&v->progress);
                fprintf(stderr, "queue verify: no memory\n");
                return CTL_FAILED;
        }
        progress_end(&v->progress);
        v->totals.pages += totals.pages;
        v->totals.records += totals.records;
        v->totals.waiting += totals.waiting;
        v->totals.missing += totals.missing;
        v->totals.damaged += totals.damaged;
        v->totals.harmless += totals.harmless;
        return CTL_OK;
}

static int verify_all(Verify *v, const char *directory)
{
        _cleanup_free_ char *dead_letters = offline_store(directory, STORE_DEAD_LETTERS);
        _cleanup_free_ char *inbox = offline_store(directory, STORE_INBOX);
        _cleanup_(disk_freep) Disk *disk = NULL;
        int r;

        if (disk_new(&disk) < 0)
                return CTL_FAILED;
        r = verify_one(v, disk, directory);
        if (r == CTL_OK && dead_letters)
                r = verify_one(v, disk, dead_letters);
        return r == CTL_OK && inbox ? verify_one(v, disk, inbox) : r;
}

int queue_verify(const Options *options, int argc, char **argv)
{
        static const struct option longs[] = {{"quiet", no_argument, NULL, 'q'}, {}};
        _cleanup_free_ char *directory = NULL;
        Verify v = {.options = options};
        bool quiet = false;
        int o, r;

        while ((o = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
                if (o != 'q')
                        return usage("queue", "queue verify: this is not understood.");
                quiet = true;
        }
        if (argc - optind > 1)
                return usage("queue", "queue verify: one directory, not '%s' too.", argv[optind + 1]);
        r = offline_directory(options, argv[optind], &directory);
        if (r != CTL_OK)
                return r;
        v.progress = progress_begin(quiet);
        if (options->json)
                (void)fputs("{\"findings\":[", stdout);
        r = verify_all(&v, directory);
        if (options->json)
                printf("],\"pages\":%" PRIu64 ",\"records\":%" PRIu64 ",\"waiting\":%" PRIu64 ",\"missing\":%" PRIu64
                       ",\"damaged\":%" PRIu64 ",\"torn\":%" PRIu64 ",\"complete\":%s}\n",
                       v.totals.pages, v.totals.records, v.totals.waiting, v.totals.missing, v.totals.damaged,
                       v.totals.harmless, r == CTL_OK ? "true" : "false");
        else if (r == CTL_OK)
                printf("%s: pages=%" PRIu64 " records=%" PRIu64 " waiting=%" PRIu64 " missing=%" PRIu64
                       " damaged=%" PRIu64 " torn=%" PRIu64 "\n",
                       v.totals.damaged > 0 ? "damaged" : "whole", v.totals.pages, v.totals.records, v.totals.waiting,
                       v.totals.missing, v.totals.damaged, v.totals.harmless);
        return r == CTL_OK && v.totals.damaged > 0 ? CTL_FAILED : r;
}
