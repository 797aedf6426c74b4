/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/line-intake.h"

#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"

#define PACKET_SIZE (64 * 1024)

void line_intake_init(LineIntake *i, const SensorSettings *settings, const DriverTools *tools, size_t max_line)
{
        *i = (LineIntake){
                .tools = *tools,
                .parse = reading_line_parser(settings->format),
                .peer = settings->peer,
                .max_line = max_line,
                .rates.per_second = settings->max_rate,
        };
        memcpy(i->name, settings->name, sizeof(i->name));
}

bool line_intake_has_room(const LineIntake *i)
{
        return i->tools.sink.ready(i->tools.sink.userdata);
}

size_t line_intake_packet_size(const LineIntake *i)
{
        return MAX(i->max_line + 1, (size_t)PACKET_SIZE);
}

/* excerpt: of the line; NULL: it is not the line that is at fault. */
static void complain(LineIntake *i, const Sender *sender, unsigned reason, const char *what, const Excerpt *excerpt)
{
        char words[SENDER_WORDS_MAX], line[EXCERPT_WORDS_MAX], sensor[64], more[64] = "";
        uint64_t held_back;
        SenderFields fields;

        if (!complaints_admit(&i->complaints, reason, sender_key(sender), clock_boot(i->tools.clock), &held_back))
                return;
        (void)snprintf(sensor, sizeof(sensor), "HUBLINK_SENSOR=%s", i->name);
        fields = sender_fields(sender);
        if (held_back > 0)
                (void)snprintf(more, sizeof(more), " (and %llu untold before)", (unsigned long long)held_back);
        log_line(LOG_WARNING, LOG_ID_LINE_REFUSED, LOG_FIELDS(sensor, fields.first, fields.second),
                 "sensor %s: %s, from %s. Further ones of this kind from there are only counted.%s%s", i->name, what,
                 sender_words(sender, words), more, excerpt_words(excerpt, line));
}

static void refuse(LineIntake *i, const Sender *sender, Refusal why, const char *what, const Excerpt *excerpt)
{
        i->tools.sink.refused(i->tools.sink.userdata, why, what);
        complain(i, sender, why, what, excerpt);
}

void line_intake_refuse(LineIntake *i, const Sender *sender, Refusal why, const char *what)
{
        refuse(i, sender, why, what, NULL);
}

void line_intake_note(LineIntake *i, const Sender *sender, unsigned reason, const char *what)
{
        i->tools.sink.noted(i->tools.sink.userdata, what);
        complain(i, sender, reason, what, NULL);
}

void line_intake_refuse_too_long(LineIntake *i, const Sender *sender, const char *text, size_t size)
{
        Excerpt excerpt;
        char what[80];

        (void)snprintf(what, sizeof(what), "a line was refused (too-long): over max_line, %zu bytes", i->max_line);
        excerpt_take(&excerpt, text, size);
        refuse(i, sender, REFUSAL_TOO_LONG, what, &excerpt);
}

void line_intake_refuse_overload(LineIntake *i)
{
        i->tools.sink.refused(i->tools.sink.userdata, REFUSAL_OVERLOAD,
                              "a line was refused (overload): the queue has no room");
}

static void tell_no_user(LineIntake *i, const Sender *sender)
{
        complain(i, sender, COMPLAINT_NO_USER,
                 sender->pid > 0 ? "a reading has no uid: with PrivateUsers= in hublinkd's unit it sees no other users "
                                   "(hublinkctl setup --enable users)"
                                 : "a reading has neither uid nor pid: it came before hublinkd listened "
                                   "(PassCredentials=yes in the socket's unit)",
                 NULL);
}

static void deliver(LineIntake *i, const ReadingLine *line)
{
        (void)i->tools.sink.reading(i->tools.sink.userdata, &(Reading){
                                                                    .sensor = line->sensor ? line->sensor : i->name,
                                                                    .wall_usec = line->wall_usec,
                                                                    .wall_trusted = line->wall_usec != 0,
                                                                    .channels = line->channels,
                                                                    .n_channels = line->n_channels,
                                                            });
}

static const char *const peer_channels[] = {"uid", "pid"};

/* NULL, or what is wrong with the line. */
static const char *add_peer(ReadingLine *line, const Sender *sender)
{
        for (size_t i = 0; i < line->n_channels; i++)
                for (size_t k = 0; k < ARRAY_SIZE(peer_channels); k++)
                        if (strcmp(line->channels[i].name, peer_channels[k]) == 0)
                                return "uid and pid are those of the sender here (peer), a line must not have them";
        if (line->n_channels + ARRAY_SIZE(peer_channels) > READING_CHANNELS_MAX)
                return "too many channels: those of the sender, uid and pid (peer), need two";
        if (sender->uid != SENDER_UNKNOWN)
                line->channels[line->n_channels++] = (Channel){"uid", {VALUE_INTEGER, .integer = sender->uid}};
        if (sender->pid > 0)
                line->channels[line->n_channels++] = (Channel){"pid", {VALUE_INTEGER, .integer = sender->pid}};
        return NULL;
}

/* NULL, or what is wrong with the line. */
static const char *name_sensor(const LineIntake *i, const ReadingLine *line, char what[static 128])
{
        const char *driver = NULL;

        if (line->sensor && strcmp(line->sensor, i->name) != 0 && i->tools.measured_by)
                driver = i->tools.measured_by(i->tools.sensors, line->sensor);
        if (!driver)
                return NULL;
        (void)snprintf(what, 128, "it names sensor %s, which is read by driver %s and by nobody else", line->sensor,
                       driver);
        return what;
}

bool line_intake_take(LineIntake *i, const Sender *sender, char *text, size_t size)
{
        const char *wrong;
        char what[256], measured[128];
        ReadingLine line;
        Excerpt excerpt;
        int r;

        excerpt_take(&excerpt, text, size);
        r = i->parse(text, size, &line);
        if (r == READING_LINE_E_COMMENT)
                return true;
        if (r != 0) {
                (void)snprintf(what, sizeof(what), "a line was refused (%s): column %zu: %s",
                               refusal_to_string(line.refusal), line.column, line.error);
                refuse(i, sender, line.refusal, what, &excerpt);
                return false;
        }
        if (line.wall_usec != 0 && !reading_time_is_sane(i->tools.clock, line.wall_usec)) {
                (void)snprintf(what, sizeof(what), "a line was refused (range): %s", reading_line_bad_time(i->parse));
                refuse(i, sender, REFUSAL_RANGE, what, &excerpt);
                return false;
        }
        wrong = name_sensor(i, &line, measured);
        if (!wrong && i->peer)
                wrong = add_peer(&line, sender);
        if (wrong) {
                (void)snprintf(what, sizeof(what), "a line was refused (malformed): %s", wrong);
                refuse(i, sender, REFUSAL_MALFORMED, what, &excerpt);
                return false;
        }
        if (!rates_take(&i->rates, sender_peer(sender), clock_boot(i->tools.clock)))
                line_intake_refuse(i, sender, REFUSAL_RATE, "a line was refused (rate): over max_rate");
        else
                deliver(i, &line);
        if (i->peer && sender->uid == SENDER_UNKNOWN)
                tell_no_user(i, sender);
        return true;
}
