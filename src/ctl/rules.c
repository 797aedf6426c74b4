/* SPDX-License-Identifier: Apache-2.0 */

/*
 * rules test: recorded readings through the rules of the settings, and what would be sent of them.
 *
 * With the daemon's own settings, rules, packs and formats, so that there is one opinion only. Nothing is sent, and the
 * daemon is not asked.
 */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "ctl/ctl.h"
#include "ctl/recording.h"
#include "daemon/settings.h"
#include "flow/rules-rehearsal.h"

typedef struct Test {
        bool json, quiet;
        const Settings *settings;
        Recording recording;
} Test;

/* ---- what would be sent ---- */

static void put_head(const Test *t, Buffer *b, usec_t wall_usec, const char *event)
{
        if (t->json) {
                buffer_printf(b, "{\"event\":\"%s\",\"time\":%" PRIu64, event, wall_usec);
                return;
        }
        put_local_time(b, wall_usec, true);
        buffer_printf(b, "  %-7s  ", event);
}

static void finish(const Test *t, Buffer *b)
{
        buffer_append_string(b, t->json ? "}\n" : "\n");
        (void)print_buffer(b);
}

static const char *plural(uint64_t n)
{
        return n == 1 ? "" : "s";
}

static void on_message(void *userdata, const RehearsalMessage *m)
{
        const Test *t = userdata;
        Buffer b = BUFFER_NULL;

        put_head(t, &b, m->wall_usec, "message");
        if (t->json) {
                buffer_printf(&b, ",\"stream\":\"%s\",\"readings\":%zu,\"bytes\":%zu,\"units\":%" PRIu64 ",\"body\":",
                              m->message->stream, m->n_readings, m->size, m->units);
                json_string_n(&b, m->message->body.data ?: "", m->message->body.size);
        } else {
                buffer_printf(&b, "%s  %zu reading%s, %zu bytes, %" PRIu64 " unit%s  ", m->message->stream,
                              m->n_readings, plural(m->n_readings), m->size, m->units, plural(m->units));
                buffer_append(&b, m->message->body.data, m->message->body.size);
        }
        finish(t, &b);
}

static void on_alarm(void *userdata, usec_t wall_usec, const char *channel, const char *state, double value)
{
        const Test *t = userdata;
        Buffer b = BUFFER_NULL;

        put_head(t, &b, wall_usec, "alarm");
        if (t->json) {
                buffer_printf(&b, ",\"channel\":\"%s\",\"state\":\"%s\",\"value\":", channel, state);
                json_number(&b, value);
        } else {
                buffer_printf(&b, "%s is %s: ", channel, state);
                json_number(&b, value);
        }
        finish(t, &b);
}

static bool is_recorded(const Recording *r, const char *sensor)
{
        ReadingSpace space;
        Reading reading;

        for (size_t i = 0; i < r->n_readings; i++)
                if (recording_get(r, i, &space, &reading) && strcmp(reading.sensor, sensor) == 0)
                        return true;
        return false;
}

/* One that the recording does not have at all is not stale. */
static void on_stale(void *userdata, usec_t wall_usec, const char *sensor, const char *why)
{
        const Test *t = userdata;
        Buffer b = BUFFER_NULL;

        if (!is_recorded(&t->recording, sensor))
                return;
        put_head(t, &b, wall_usec, "stale");
        if (t->json) {
                buffer_printf(&b, ",\"sensor\":\"%s\",\"stale\":%s,\"why\":", sensor, why ? "true" : "false");
                json_string(&b, why ?: "");
        } else
                buffer_printf(&b, "%s: %s", sensor, why ?: "no more");
        finish(t, &b);
}

/* ---- through the rules ---- */

/* As the settings say; where they do not know the sensor, the usual one. */
static const char *stream_of(const Test *t, const char *sensor)
{
        for (size_t i = 0; i < t->settings->n_sensors; i++)
                if (strcmp(t->settings->sensors[i].name, sensor) == 0 && *t->settings->sensors[i].stream)
                        return t->settings->sensors[i].stream;
        return NULL;
}

static int rehearse(const Test *t, size_t n_rules, const RehearsalSink *sink, RehearsalSums *ret)
{
        const Settings *s = t->settings;
        const RehearsalSettings settings = {s->rules,
                                            n_rules,
                                            s->streams,
                                            s->n_streams,
                                            s->queue.commit_interval_usec,
                                            s->hub.dps.registration_id ?: "gateway"};
        _cleanup_(rehearsal_freep) Rehearsal *r = NULL;
        ReadingSpace space;
        Reading reading;
        int error = rehearsal_new(&r, &settings, sink);

        for (size_t i = 0; i < t->recording.n_readings && error >= 0; i++)
                if (recording_get(&t->recording, i, &space, &reading))
                        error = rehearsal_take(r, stream_of(t, reading.sensor), &reading);
        if (error >= 0)
                error = rehearsal_end(r);
        if (error >= 0)
                *ret = *rehearsal_sums(r);
        return error;
}

/* ---- the sums ---- */

static void put_sums_json(Buffer *b, const char *name, const RehearsalSums *s)
{
        buffer_printf(b, ",\"%s\":{\"readings\":%" PRIu64 ",\"messages\":%" PRIu64 ",\"units\":%" PRIu64
                         ",\"bytes\":%" PRIu64 ",\"refused\":%" PRIu64 "}",
                      name, s->sent, s->messages, s->units, s->bytes, s->refused);
}

static void print_sums_json(const Test *t, const RehearsalSums *with, const RehearsalSums *without)
{
        Buffer b = BUFFER_NULL;

        buffer_printf(&b, "{\"event\":\"sums\",\"lines\":%" PRIu64 ",\"without_reading\":%" PRIu64
                          ",\"wrong_time\":%" PRIu64 ",\"recorded\":%" PRIu64 ",\"from\":%" PRIu64 ",\"to\":%" PRIu64,
                      t->recording.n_lines, t->recording.n_empty, t->recording.n_wrong_times, with->taken,
                      with->first_usec, with->last_usec);
        put_sums_json(&b, "with_rules", with);
        put_sums_json(&b, "without_rules", without);
        finish(t, &b);
}

static void add_row(Table *t, const char *what, const RehearsalSums *s)
{
        table_add(t, COLOUR_NONE, "%s", what);
        table_add(t, COLOUR_NONE, "%" PRIu64, s->sent);
        table_add(t, COLOUR_NONE, "%" PRIu64, s->messages);
        table_add(t, COLOUR_NONE, "%" PRIu64, s->units);
        table_add(t, COLOUR_NONE, "%" PRIu64, s->bytes);
}

static void print_wrong_times(const Recording *r, FILE *f, const char *before)
{
        fprintf(f, "%s%" PRIu64 " reading%s whose time nobody means: passed over, as the daemon refuses such; t is in "
                   "milliseconds since 1970%s.\n",
                before, r->n_wrong_times, plural(r->n_wrong_times), r->are_seconds ? " (are these seconds?)" : "");
}

static void print_sums(const Test *t, const RehearsalSums *with, const RehearsalSums *without)
{
        Screen screen = screen_of_stdout();
        Buffer span = BUFFER_NULL;
        Table table = {};

        put_span(&span, usec_sub(with->last_usec, with->first_usec));
        printf("%s%" PRIu64 " reading%s in %s.\n", t->quiet ? "" : "\n", with->taken, plural(with->taken),
               span.data ?: "no time");
        buffer_done(&span);
        if (t->recording.n_empty > 0)
                printf("%" PRIu64 " of %" PRIu64
                       " line%s without a reading that has a sensor and a time: passed over.\n",
                       t->recording.n_empty, t->recording.n_lines, plural(t->recording.n_lines));
        if (t->recording.n_wrong_times > 0)
                print_wrong_times(&t->recording, stdout, "");
        table_head(&table, 5, (const char *const[]){"", "readings", "messages", "units", "bytes"});
        add_row(&table, "with these rules", with);
        add_row(&table, "without any", without);
        table_print(&table, &screen);
}

/* ---- the command ---- */

static int read_recording(Recording *r, const char *path)
{
        bool is_stdin = strcmp(path, "-") == 0;
        FILE *f = is_stdin ? stdin : fopen(path, "re");
        _cleanup_free_ char *line = NULL;
        size_t room = 0;
        ssize_t n;
        int error = 0;

        if (!f)
                return -errno;
        while (error >= 0 && (n = getline(&line, &room, f)) >= 0)
                if (strspn(line, " \t\r\n") < (size_t)n)
                        error = recording_add_line(r, line, (size_t)n);
        if (error >= 0 && !feof(f))
                error = -errno; /* getline()'s: a directory can be opened */
        if (!is_stdin)
                (void)fclose(f);
        recording_sort(r);
        return error;
}

static int load_settings(const Options *options, Settings **ret)
{
        Problems problems = {};
        int r = settings_load(ret, options->config ?: SETTINGS_FILE, SETTINGS_STATE_DIR, &problems);

        for (size_t i = 0; i < problems.n; i++)
                fprintf(stderr, "%s\n", problems.items[i].text);
        problems_done(&problems);
        if (r < 0)
                fprintf(stderr, "rules test: the settings cannot be read: %s\n", strerror(-r));
        return r == 0 ? CTL_OK : CTL_FAILED;
}

static int run(Test *t, const char *path)
{
        const RehearsalSink loud = {on_message, on_alarm, on_stale, t}, quiet = {};
        RehearsalSums with = {}, without = {};
        int r = read_recording(&t->recording, path);

        if (r >= 0 && t->recording.n_readings == 0) {
                if (t->recording.n_wrong_times > 0)
                        print_wrong_times(&t->recording, stderr, "rules test: ");
                fprintf(stderr,
                        "rules test: there is no reading in %s; expected are JSON lines, as hublinkctl queue export or "
                        "hublinkctl --json watch write them.\n",
                        path);
                return CTL_FAILED;
        }
        if (r >= 0)
                r = rehearse(t, t->settings->n_rules, t->quiet ? &quiet : &loud, &with);
        if (r >= 0)
                r = rehearse(t, 0, &quiet, &without);
        if (r < 0) {
                fprintf(stderr, "rules test: %s: %s\n", path, strerror(-r));
                return CTL_FAILED;
        }
        if (t->json)
                print_sums_json(t, &with, &without);
        else
                print_sums(t, &with, &without);
        return CTL_OK;
}

static int rules_test(const Options *options, int argc, char **argv)
{
        static const struct option longs[] = {{"quiet", no_argument, NULL, 'q'}, {}};
        _cleanup_(settings_freep) Settings *settings = NULL;
        Test t = {.json = options->json};
        int o, r;

        while ((o = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
                if (o != 'q')
                        return usage("rules", "rules test: this is not understood.");
                t.quiet = true;
        }
        if (argc - optind > 1)
                return usage("rules", "rules test: one file, not '%s' too.", argv[optind + 1]);
        if (optind == argc)
                return usage("rules", "rules test: which file of recorded readings? - is standard input.");
        log_configure(&(LogSettings){.level = LOG_EMERG}); /* what would be logged, we tell in our own words */
        r = load_settings(options, &settings);
        if (r != CTL_OK)
                return r;
        t.settings = settings;
        r = run(&t, argv[optind]);
        recording_done(&t.recording);
        return r;
}

static const Command rows[] = {
        {.name = "test", .run = rules_test},
};

int command_rules(const Options *options, int argc, char **argv)
{
        return run_group(rows, ARRAY_SIZE(rows), options, argc, argv);
}
