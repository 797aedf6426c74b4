/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Submit and SubmitMessage: from the wire to the intake. Both answer later, once the record is on disk.
 *
 * Every refusal names what is wrong with what, for whoever sees it is a program's author with no debugger on
 * the gateway.
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "bus/bus-private.h"
#include "bus/submission.h"

#define NAME_RULE "a letter, then letters, digits and _, at most 32 characters"

#define PROPERTIES_MAX     255 /* what a message's record has room for */
#define CORRELATION_ID_MAX 128 /* IoT Hub's limit */

int bus_call_begin(Bus *bus, sd_bus_message *m, sd_bus_error *error, PendingCall **ret)
{
        int r = pending_call_new(ret, &bus->pending, m);

        switch (r) {
        case CALL_QUOTA_E_SENDER:
                return bus_error(error, REQUEST_BUSY,
                                 "%d calls of yours wait for their answers already; wait for one of them.",
                                 CALL_QUOTA_SENDER);
        case CALL_QUOTA_E_ALL:
                return bus_error(error, REQUEST_BUSY,
                                 "%d calls wait for their answers; try again a little later.",
                                 CALL_QUOTA_ALL);
        default:
                return r;
        }
}

/* ---- options ---- */

typedef struct Option {
        const char *key;
        const char **value; /* all are texts */
} Option;

static int read_options(sd_bus_message *m, const Option *options, size_t n_options, sd_bus_error *error)
{
        const char *key, *contents;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                const Option *o = NULL;

                if ((r = sd_bus_message_read(m, "s", &key)) < 0 ||
                    (r = sd_bus_message_peek_type(m, NULL, &contents)) < 0)
                        return r;
                for (size_t i = 0; i < n_options; i++)
                        if (strcmp(options[i].key, key) == 0)
                                o = &options[i];
                if (!o)
                        return bus_error(error, REQUEST_BAD_VALUE, "Option '%s' is not known.", key);
                if (strcmp(contents, "s") != 0)
                        return bus_error(error, REQUEST_BAD_VALUE,
                                         "Option '%s' must be a string (s), not '%s'.", key, contents);
                if ((r = sd_bus_message_read(m, "v", "s", o->value)) < 0)
                        return r;
                r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int check_stream(const char *stream, sd_bus_error *error)
{
        if (stream && !name_is_valid(stream))
                return bus_error(error, REQUEST_BAD_VALUE,
                                 "Option 'stream': '%s' is not a name (" NAME_RULE ").", stream);
        return 0;
}

/* ---- Submit ---- */

/* The contents of a variant; which types there are is written down in the XML. */
static int read_value(sd_bus_message *m, const char *channel, Value *ret, sd_bus_error *error)
{
        const char *contents;
        union {
                uint8_t y;
                int16_t n;
                uint16_t q;
                int32_t i;
                uint32_t u;
                int64_t x;
                uint64_t t;
                double d;
                int b;
                const char *s;
        } v;
        int r;

        r = sd_bus_message_peek_type(m, NULL, &contents);
        if (r < 0)
                return r;
        if (strlen(contents) != 1 || !strchr("bynqiuxtds", contents[0]))
                return bus_error(error, REQUEST_BAD_VALUE,
                                 "Channel '%s': a value of type '%s' cannot be sent; use b, y, n, q, i, u, "
                                 "x, t, d or s.",
                                 channel, contents);
        r = sd_bus_message_read(m, "v", contents, &v);
        if (r < 0)
                return r;
        *ret = (Value){.kind = VALUE_INTEGER};
        switch (contents[0]) {
        case 'y':
                ret->integer = v.y;
                break;
        case 'n':
                ret->integer = v.n;
                break;
        case 'q':
                ret->integer = v.q;
                break;
        case 'i':
                ret->integer = v.i;
                break;
        case 'u':
                ret->integer = v.u;
                break;
        case 'x':
                ret->integer = v.x;
                break;
        case 't':
                if (v.t > INT64_MAX)
                        return bus_error(error, REQUEST_BAD_VALUE,
                                         "Channel '%s': %" PRIu64 " is over %" PRId64
                                         ", the largest integer.",
                                         channel, v.t, INT64_MAX);
                ret->integer = (int64_t)v.t;
                break;
        case 'd':
                *ret = (Value){.kind = VALUE_NUMBER, .number = v.d};
                break;
        case 'b':
                *ret = (Value){.kind = VALUE_BOOLEAN, .boolean = v.b};
                break;
        case 's':
                *ret = (Value){.kind = VALUE_TEXT, .text = v.s};
                break;
        }
        return 1;
}

static int explain(int e, const char *channel, usec_t time_usec, sd_bus_error *error)
{
        switch (e) {
        case SUBMISSION_E_NAME:
                return bus_error(error, REQUEST_BAD_VALUE,
                                 "Channel '%s': not a name (" NAME_RULE ").", channel);
        case SUBMISSION_E_NUMBER:
                return bus_error(error, REQUEST_BAD_VALUE, "Channel '%s': NaN and infinity cannot be sent.",
                                 channel);
        case SUBMISSION_E_TEXT:
                return bus_error(error, REQUEST_BAD_VALUE, "Channel '%s': a text has at most %d bytes.",
                                 channel, READING_TEXT_MAX);
        case SUBMISSION_E_TIME:
                return bus_error(error, REQUEST_BAD_VALUE,
                                 "Channel '%s': time %" PRIu64
                                 " is absurd; it is 0, which means now, or in microseconds since 1970 UTC, from the "
                                 "year 2000 to a day from now.",
                                 channel, time_usec);
        case SUBMISSION_E_TWICE:
                return bus_error(error, REQUEST_BAD_VALUE, "Channel '%s': two values at the same time.",
                                 channel);
        case SUBMISSION_E_CHANNELS:
                return bus_error(error, REQUEST_BAD_VALUE,
                                 "Channel '%s': a reading has at most %d channels.", channel,
                                 READING_CHANNELS_MAX);
        case SUBMISSION_E_TOO_LARGE:
                return bus_error(error, REQUEST_TOO_LARGE,
                                 "One call takes at most %d values at %d different times.",
                                 SUBMISSION_VALUES_MAX, SUBMISSION_READINGS_MAX);
        default:
                return e;
        }
}

static int read_values(Bus *bus, sd_bus_message *m, Submission *s, sd_bus_error *error)
{
        int r;

        r = sd_bus_message_enter_container(m, 'a', "(svt)");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'r', "svt")) > 0) {
                const char *channel;
                Value value;
                usec_t time_usec;

                if ((r = sd_bus_message_read(m, "s", &channel)) < 0 ||
                    (r = read_value(m, channel, &value, error)) < 0 ||
                    (r = sd_bus_message_read(m, "t", &time_usec)) < 0)
                        return r;
                r = submission_add(s, bus->clock, channel, &value, time_usec);
                if (r != 0)
                        return explain(r, channel, time_usec, error);
                r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

int bus_submit(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        _cleanup_(submission_done) Submission s = {};
        const char *stream = NULL;
        const Option options[] = {{"stream", &stream}};
        PendingCall *call;
        int r;

        r = sd_bus_message_read(m, "s", &s.sensor);
        if (r < 0)
                return r;
        if (!name_is_valid(s.sensor))
                return bus_error(error, REQUEST_BAD_VALUE,
                                 "Sensor '%s': not a name (" NAME_RULE ").", s.sensor);
        if ((r = read_values(bus, m, &s, error)) < 0 ||
            (r = read_options(m, options, ARRAY_SIZE(options), error)) < 0 ||
            (r = check_stream(stream, error)) < 0)
                return r;
        if (s.n_readings == 0)
                return bus_error(error, REQUEST_BAD_VALUE, "There are no values.");
        r = bus_call_begin(bus, m, error, &call);
        if (r < 0)
                return r;
        bus->peers.intake.submit(bus->peers.intake.userdata, s.readings, s.n_readings, stream,
                                 pending_call_submitted, call);
        return 1;
}

/* ---- SubmitMessage ---- */

static int read_body(sd_bus_message *m, Message *message, sd_bus_error *error)
{
        const void *data;
        size_t size;
        int r;

        r = sd_bus_message_read_array(m, 'y', &data, &size);
        if (r < 0)
                return r;
        if (size > MESSAGE_SIZE_MAX)
                return bus_error(error, REQUEST_TOO_LARGE,
                                 "The body has %zu bytes; the hub takes at most %d.", size,
                                 MESSAGE_SIZE_MAX);
        buffer_append(&message->body, data, size);
        return buffer_error(&message->body);
}

/* "$." begins the hub's system properties; by the three names a consumer knows our messages. */
static bool is_reserved(const char *name)
{
        return strncmp(name, "$.", 2) == 0 || strcmp(name, "hl") == 0 || strcmp(name, "hl-backfill") == 0 ||
               strcmp(name, "hl-notice") == 0;
}

/* Before it is copied. */
static int check_size(size_t size, sd_bus_error *error)
{
        if (size > MESSAGE_SIZE_MAX)
                return bus_error(error, REQUEST_TOO_LARGE,
                                 "Body and properties have %zu bytes; the hub takes at most %d.", size,
                                 MESSAGE_SIZE_MAX);
        return 0;
}

static int check_property(const Message *message, const char *name, sd_bus_error *error)
{
        if (*name == 0)
                return bus_error(error, REQUEST_BAD_VALUE, "A property has no name.");
        if (is_reserved(name))
                return bus_error(error, REQUEST_BAD_VALUE, "Property '%s': this name is reserved.", name);
        if (message->n_properties >= PROPERTIES_MAX)
                return bus_error(error, REQUEST_TOO_LARGE, "A message has at most %d properties.",
                                 PROPERTIES_MAX);
        for (size_t i = 0; i < message->n_properties; i++)
                if (strcmp(message->properties[i].name, name) == 0)
                        return bus_error(error, REQUEST_BAD_VALUE, "Property '%s' stands twice.", name);
        return 0;
}

static int read_properties(sd_bus_message *m, Message *message, sd_bus_error *error)
{
        const char *name, *value;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{ss}");
        while (r >= 0 && (r = sd_bus_message_read(m, "{ss}", &name, &value)) > 0) {
                r = check_property(message, name, error);
                if (r >= 0)
                        r = check_size(message_size(message) + strlen(name) + strlen(value), error);
                if (r >= 0)
                        r = message_add_property(message, name, value);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* An absent or empty text is no system property. */
static int set_text(char **member, const char *text)
{
        if (!text || !*text)
                return 0;
        *member = strdup(text);
        return *member ? 0 : -ENOMEM;
}

int bus_submit_message(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        _cleanup_(message_freep) Message *message = calloc(1, sizeof(*message));
        const char *content_type, *stream = NULL, *encoding = NULL, *correlation_id = NULL;
        const Option options[] = {
                        {"stream", &stream}, {"encoding", &encoding}, {"correlation-id", &correlation_id}};
        PendingCall *call;
        int r;

        if (!message)
                return -ENOMEM;
        if ((r = read_body(m, message, error)) < 0 || (r = sd_bus_message_read(m, "s", &content_type)) < 0 ||
            (r = read_properties(m, message, error)) < 0 ||
            (r = read_options(m, options, ARRAY_SIZE(options), error)) < 0 ||
            (r = check_stream(stream, error)) < 0)
                return r;
        if (correlation_id && strlen(correlation_id) > CORRELATION_ID_MAX)
                return bus_error(error, REQUEST_BAD_VALUE,
                                 "Option 'correlation-id' has at most %d characters.", CORRELATION_ID_MAX);
        r = check_size(message_size(message) + strlen(content_type) + strlen(encoding ?: "") +
                                       strlen(correlation_id ?: ""),
                       error);
        if (r < 0 || (r = set_text(&message->content_type, content_type)) < 0 ||
            (r = set_text(&message->content_encoding, encoding)) < 0 ||
            (r = set_text(&message->correlation_id, correlation_id)) < 0)
                return r;
        r = bus_call_begin(bus, m, error, &call);
        if (r < 0)
                return r;
        bus->peers.intake.submit_message(bus->peers.intake.userdata, message, stream,
                                         pending_call_message_submitted, call);
        return 1;
}
