/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Driver "tail" - each line of a growing file is a reading
 *
 * Lines are JSON or InfluxDB's (sensor/reading-line.h), or channels pick their parts (sensor/tail-channels.h). A line
 * counts once its end is there; the rest of a file that was rotated counts as one.
 *
 * Each reading carries the position behind its line, so that after a restart, or a kill, the next line is the one
 * that follows (flow/positions.h). A line that is not to be understood is refused, counted, told once an hour with
 * its beginning, and passed over.
 *
 * The file is looked at on a worker (sensor/tail-lookout.h). While there is no room for readings, or max_rate is
 * reached, nothing is read: lines keep in their file.
 */

#include "sensor/driver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "sensor/complaints.h"
#include "sensor/excerpt.h"
#include "sensor/line-window.h"
#include "sensor/rate.h"
#include "sensor/reading-line.h"
#include "sensor/tail-channels.h"
#include "sensor/tail-lookout.h"

#define LINE_DEFAULT (8 * 1024)
#define WAIT_FIRST   (50 * USEC_PER_MSEC) /* to the first look whether there is room again, then doubling */
#define WAIT_MAX     USEC_PER_SEC
#define LINES_A_TURN 256 /* before others have their turn */

typedef struct Tail {
        SensorSettings settings;
        DriverTools tools;
        TailChannels *channels; /* NULL: parse takes the whole line */
        ReadingLineParser *parse;
        uint32_t place; /* of its path */

        TailLookout *lookout;
        bool begun; /* it is known where to begin */

        LineWindow window;
        SourcePosition at, before; /* behind the line, and before it */
        bool passed; /* lines were taken, and that is not said yet: not each becomes a record */
        Buffer line;
        Excerpt excerpt; /* of it */

        Rate rate;
        Complaints complaints;
        usec_t work_at; /* to give out lines; USEC_INFINITY: there are none */
        usec_t wait;
} Tail;

/* ---- settings ---- */

static int tail_check_settings(const SensorSettings *s, char **ret_error)
{
        if (!s->path)
                return settings_bad(ret_error, "path: is missing; such as \"/var/log/meter.log\"");
        if (s->path[0] != '/')
                return settings_bad(ret_error, "path: \"%s\" must begin with /", s->path);
        if (!reading_line_parser(s->format))
                return settings_bad(ret_error, "format: there is no \"%s\"; there are " READING_LINE_FORMATS,
                                    s->format);
        if (s->format && s->n_channels > 0)
                return settings_bad(ret_error, "format: with it the channels are those of the lines; leave out the one "
                                               "or the other");
        if (s->max_line != 0 && (s->max_line < 64 || s->max_line > 1024 * 1024))
                return settings_bad(ret_error, "max_line: 64 bytes to 1M");
        if (s->max_line > TEXT_LINE_MAX && text_channels_have_patterns(s))
                return settings_bad(ret_error, "max_line: at most %dK beside `pattern`, which takes ever longer over a "
                                               "longer line; leave it out, or pick by `field`",
                                    TEXT_LINE_MAX / 1024);
        return s->n_channels > 0 ? text_channels_check(s, ret_error) : 0;
}

/* ---- lines that are refused ---- */

static void refuse(Tail *t, Refusal why, const char *what)
{
        uint64_t held_back;
        char sensor[64], more[64] = "", text[SENSOR_ERROR_MAX + 64], line[EXCERPT_WORDS_MAX];

        (void)snprintf(text, sizeof(text), "a line before byte %llu of %s was refused (%s): %s",
                       (unsigned long long)line_window_offset(&t->window), t->settings.path, refusal_to_string(why),
                       what);
        t->tools.sink.refused(t->tools.sink.userdata, why, text);
        if (!complaints_admit(&t->complaints, why, 0, clock_boot(t->tools.clock), &held_back))
                return;
        if (held_back > 0)
                (void)snprintf(more, sizeof(more), " (and %llu untold before)", (unsigned long long)held_back);
        (void)snprintf(sensor, sizeof(sensor), "HUBLINK_SENSOR=%s", t->settings.name);
        log_line(LOG_WARNING, LOG_ID_LINE_REFUSED, LOG_FIELDS(sensor),
                 "sensor %s: %s. Further ones of this kind are only counted.%s%s", t->settings.name, text, more,
                 excerpt_words(&t->excerpt, line));
}

/* ---- positions ---- */

static void note_position(Tail *t)
{
        t->before = t->at;
        t->at = line_window_position(&t->window, t->at.serial + 1);
        t->at.place = t->place;
}

static void say_passed(Tail *t)
{
        if (!t->passed)
                return;
        t->passed = false;
        if (t->tools.positions.passed)
                t->tools.positions.passed(t->tools.positions.userdata, t->settings.name, &t->at);
}

/* False: not known yet. */
static bool know_position(Tail *t)
{
        PositionAnswer answer = POSITION_NONE;

        if (t->tools.positions.find)
                answer = t->tools.positions.find(t->tools.positions.userdata, t->settings.name, t->place, &t->at);
        t->begun = answer != POSITION_WAIT;
        return t->begun;
}

/* ---- readings ---- */

static int deliver(Tail *t, Reading *reading)
{
        reading->source = t->settings.name;
        reading->position = t->at;
        reading->before = t->before;
        return t->tools.sink.reading(t->tools.sink.userdata, reading);
}

static int take_whole(Tail *t)
{
        char what[256];
        ReadingLine line;
        int r = t->parse(t->line.data, t->line.size, &line);

        if (r == READING_LINE_E_COMMENT)
                return 0;
        if (r != 0) {
                (void)snprintf(what, sizeof(what), "column %zu: %s", line.column, line.error);
                refuse(t, line.refusal, what);
                return 0;
        }
        if (line.wall_usec != 0 && !reading_time_is_sane(t->tools.clock, line.wall_usec)) {
                refuse(t, REFUSAL_RANGE, reading_line_bad_time(t->parse));
                return 0;
        }
        return deliver(t, &(Reading){
                                  .sensor = line.sensor ? line.sensor : t->settings.name,
                                  .wall_usec = line.wall_usec,
                                  .wall_trusted = line.wall_usec != 0,
                                  .channels = line.channels,
                                  .n_channels = line.n_channels,
                          });
}

static int take_channels(Tail *t)
{
        Sample sample;
        int r = tail_channels_take(t->channels, t->line.data, t->line.size, &sample);

        if (r != 0) {
                refuse(t, r > 0 ? sample.refusal : REFUSAL_OVERLOAD, r > 0 ? sample.error : "out of memory");
                return 0;
        }
        return deliver(t, &(Reading){
                                  .sensor = t->settings.name,
                                  .channels = sample.channels,
                                  .n_channels = sample.n_channels,
                          });
}

static void pass_channels(Tail *t)
{
        if (t->channels)
                tail_channels_pass(t->channels);
}

static bool has_room(Tail *t)
{
        return t->tools.sink.ready(t->tools.sink.userdata);
}

static bool is_blank(const char *p, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r')
                        return false;
        return true;
}

/* The bytes up to `next`, of which n are the line. False: there is no room for it after all; it stays where it is. */
static bool take_line(Tail *t, size_t n, size_t next)
{
        const char *text = line_window_text(&t->window);
        size_t taken = t->window.taken;
        SourcePosition was = t->at;
        bool blank = is_blank(text, n);
        int r;

        /* Parsing spoils it, and its bytes are still needed. */
        buffer_clear(&t->line);
        buffer_append(&t->line, text, n);
        excerpt_take(&t->excerpt, text, n);
        if (buffer_error(&t->line) < 0)
                return false;
        line_window_take(&t->window, next, false);
        note_position(t);
        t->passed = true;
        r = blank ? 0 : t->channels ? take_channels(t) : take_whole(t);
        if (r > 0 && !has_room(t)) {
                line_window_put_back(&t->window, taken);
                t->at = was;
                return false;
        }
        pass_channels(t);
        return true;
}

/* Of a line that is too long nothing is kept. told: it was its beginning that was told. */
static void skip(Tail *t, size_t n, size_t next, bool told)
{
        char what[64];

        excerpt_take(&t->excerpt, line_window_text(&t->window), n);
        line_window_take(&t->window, next, true);
        note_position(t);
        t->passed = true;
        if (told)
                return;
        (void)snprintf(what, sizeof(what), "it is over max_line, %zu bytes", t->window.max);
        refuse(t, REFUSAL_TOO_LONG, what);
}

static void wait_for_room(Tail *t, usec_t now)
{
        t->wait = t->wait == 0 ? WAIT_FIRST : MIN(t->wait * 2, WAIT_MAX);
        t->work_at = usec_add(now, t->wait);
}

/* Has the next line been looked through? If not, work() goes on when it has. */
static bool knows_line(Tail *t, usec_t now)
{
        int r;

        if (!t->channels)
                return true;
        t->work_at = USEC_INFINITY;
        r = tail_channels_prepare(t->channels, &t->window);
        if (r < 0)
                wait_for_room(t, now);
        return r == TAIL_CHANNELS_READY;
}

/* Gives out the lines at hand. */
static void work(Tail *t, usec_t now)
{
        size_t n, next;
        int found;

        for (int i = 0; (found = line_window_next(&t->window, &n, &next)) != LINE_NONE; i++) {
                if (i == LINES_A_TURN) {
                        t->work_at = 0;
                        break;
                }
                if (found != LINE_WHOLE) {
                        skip(t, n, next, found == LINE_REST);
                        continue;
                }
                if (has_room(t) && !knows_line(t, now))
                        break;
                if (!has_room(t) || !rate_take(&t->rate, now) || !take_line(t, n, next)) {
                        wait_for_room(t, now);
                        tail_lookout_rest(t->lookout);
                        break;
                }
                t->wait = 0;
        }
        say_passed(t);
        if (found != LINE_NONE)
                return;
        t->work_at = USEC_INFINITY;
        if (t->window.ended)
                line_window_reset(&t->window);
        else
                line_window_trim(&t->window);
        tail_lookout_resume(t->lookout);
}

static void on_channels_ready(void *userdata)
{
        Tail *t = userdata;

        t->tools.sink.found(t->tools.sink.userdata);
        work(t, clock_boot(t->tools.clock));
}

static void on_channels_failed(void *userdata, const char *error)
{
        Tail *t = userdata;

        t->tools.sink.lost(t->tools.sink.userdata, error);
        t->work_at = usec_add(clock_boot(t->tools.clock), WAIT_MAX);
}

/* ---- looks ---- */

static void reset(Tail *t)
{
        line_window_reset(&t->window);
        if (t->channels)
                tail_channels_forget(t->channels);
}

/* Where it begins for the first time is a position too, or a kill and a rotation before the first line is stored would
 * move it. */
static void note_beginning(Tail *t)
{
        note_position(t);
        t->passed = true;
        say_passed(t);
}

static void take_bytes(Tail *t, const TailLook *look)
{
        line_window_add(&t->window, look);
        if (t->at.serial == 0)
                note_beginning(t);
}

static void tell_gap(const Tail *t)
{
        char sensor[64];

        (void)snprintf(sensor, sizeof(sensor), "HUBLINK_SENSOR=%s", t->settings.name);
        log_line(LOG_NOTICE, LOG_ID_TAIL_CUT, LOG_FIELDS(sensor),
                 "sensor %s: %s was cut or replaced, and no copy beside it holds more than was read; it goes on with "
                 "what is there now.",
                 t->settings.name, t->settings.path);
}

static void tell_doubt(const Tail *t)
{
        char sensor[64];

        (void)snprintf(sensor, sizeof(sensor), "HUBLINK_SENSOR=%s", t->settings.name);
        log_line(LOG_NOTICE, LOG_ID_TAIL_CUT, LOG_FIELDS(sensor),
                 "sensor %s: there is a copy of %s, and all lines are alike: whether it was cut cannot be told. It is "
                 "taken for cut; if it was only copied, lines come twice.",
                 t->settings.name, t->settings.path);
}

static void on_looked(void *userdata, const TailLook *look, int result)
{
        Tail *t = userdata;

        if (look->gap)
                tell_gap(t);
        if (look->perhaps_cut)
                tell_doubt(t);
        t->tools.sink.found(t->tools.sink.userdata);
        if (result == TAIL_TURNED)
                t->window.ended = true;
        else
                take_bytes(t, look);
        if (buffer_error(&t->window.held) < 0) {
                reset(t);
                tail_lookout_give_up(t->lookout);
        }
        work(t, clock_boot(t->tools.clock));
}

static void on_missed(void *userdata, const char *error)
{
        const Tail *t = userdata;

        t->tools.sink.lost(t->tools.sink.userdata, error);
}

static void on_reopened(void *userdata)
{
        reset(userdata);
}

/* ---- life ---- */

static void tail_close(void *device)
{
        Tail *t = device;

        if (!t)
                return;
        tail_lookout_free(t->lookout);
        tail_channels_free(t->channels);
        line_window_reset(&t->window);
        buffer_done(&t->line);
        sensor_settings_done(&t->settings);
        free(t);
}
DEFINE_CLEANUP(Tail *, tail_close);

static int tail_open(const SensorSettings *settings, const DriverTools *tools, void **ret_device,
                     char error[static SENSOR_ERROR_MAX])
{
        _cleanup_(tail_closep) Tail *t = calloc(1, sizeof(*t));
        int r;

        if (!t)
                return -ENOMEM;
        r = sensor_settings_copy(settings, &t->settings);
        if (r >= 0 && settings->n_channels > 0)
                r = tail_channels_new(&t->channels, &t->settings, tools->worker,
                                      &(TailChannelsPort){on_channels_ready, on_channels_failed, t});
        if (r >= 0)
                r = tail_lookout_new(&t->lookout, t->settings.path, settings->from_end, tools->watches,
                                     tools->worker, tools->clock,
                                     &(TailLookoutPort){on_looked, on_missed, on_reopened, t});
        if (r < 0)
                return r;
        t->tools = *tools;
        t->place = source_place(settings->path);
        t->parse = reading_line_parser(settings->format);
        t->window.max = settings->max_line != 0 ? settings->max_line : LINE_DEFAULT;
        t->rate.per_second = settings->max_rate;
        t->work_at = USEC_INFINITY;
        *ret_device = TAKE_PTR(t);
        return 0;
}

static usec_t tail_deadline(void *device)
{
        const Tail *t = device;

        return MIN(t->work_at, tail_lookout_deadline(t->lookout));
}

static void tail_tick(void *device, usec_t now)
{
        Tail *t = device;

        if (!t->begun && now >= tail_lookout_deadline(t->lookout) && !know_position(t)) {
                tail_lookout_wait(t->lookout, usec_add(now, WAIT_FIRST));
                return;
        }
        if (now >= t->work_at)
                work(t, now);
        tail_lookout_tick(t->lookout, now, &t->at);
}

static const char *tail_shares(const SensorSettings *settings)
{
        return settings->path;
}

const SensorDriver driver_tail = {
        .name = "tail",
        .names_others = true,
        .check = tail_check_settings,
        .open = tail_open,
        .close = tail_close,
        .shares = tail_shares,
        .deadline = tail_deadline,
        .tick = tail_tick,
};
