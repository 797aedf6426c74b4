/* SPDX-License-Identifier: Apache-2.0 */

/* submit: one reading, as a person types it. */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/number.h"
#include "ctl/ctl.h"

/* Whole numbers, numbers, true and false; everything else is text. */
static Value value_of(const char *text)
{
        Value v;
        char *end;

        errno = 0;
        v = (Value){.kind = VALUE_INTEGER, .integer = strtoll(text, &end, 10)};
        if (end != text && *end == 0 && errno == 0)
                return v;
        v = (Value){.kind = VALUE_NUMBER};
        if (number_parse(text, &v.number) == 0)
                return v;
        if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
                return (Value){.kind = VALUE_BOOLEAN, .boolean = strcmp(text, "true") == 0};
        return (Value){.kind = VALUE_TEXT, .text = text};
}

/* Cuts "channel=value" at the sign. */
static int parse_channel(char *text, Channel *ret)
{
        char *sign = strchr(text, '=');

        if (!sign || sign == text)
                return usage("submit", "submit: '%s' is not CHANNEL=VALUE.", text);
        *sign = 0;
        *ret = (Channel){text, value_of(sign + 1)};
        return name_is_valid(text) ? CTL_OK
                                   : usage("submit",
                                           "submit: '%s' is not a channel's name (a letter, then letters, "
                                           "digits and _).",
                                           text);
}

/* Seconds since 1970, or 2026-01-31T12:00:00[.123]Z. */
static int parse_time(const char *text, usec_t *ret)
{
        struct tm t = {};
        double seconds, fraction = 0;
        const char *end;

        if (number_parse(text, &seconds) == 0 && seconds > 0 && seconds < 1e11) {
                *ret = (usec_t)llround(seconds * 1e6);
                return CTL_OK;
        }
        end = strptime(text, "%Y-%m-%dT%H:%M:%S", &t);
        if (end && *end == '.') {
                char digits[16] = "0";
                size_t n = strspn(end + 1, "0123456789");

                (void)snprintf(digits, sizeof(digits), "0.%.*s", (int)n, end + 1);
                if (n == 0 || n > 12 || number_parse(digits, &fraction) < 0)
                        end = NULL;
                else
                        end += n + 1;
        }
        if (!end || strcmp(end, "Z") != 0)
                return usage("submit",
                             "submit: '%s' is not a time (2026-01-31T12:00:00Z, or seconds since 1970).",
                             text);
        *ret = (usec_t)timegm(&t) * USEC_PER_SEC + (usec_t)llround(fraction * 1e6);
        return CTL_OK;
}

typedef struct Submit {
        Reading reading;
        Channel channels[READING_CHANNELS_MAX];
        const char *stream;
        bool wait;
        usec_t timeout;
} Submit;

static int parse_options(int argc, char **argv, Submit *s)
{
        static const struct option longs[] = {{"time", required_argument, NULL, 't'},
                                              {"stream", required_argument, NULL, 's'},
                                              {"wait", no_argument, NULL, 'w'},
                                              {"timeout", required_argument, NULL, 'o'},
                                              {}};
        int o, r;

        while ((o = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
                r = CTL_OK;
                if (o == 't')
                        r = parse_time(optarg, &s->reading.wall_usec);
                else if (o == 's')
                        s->stream = optarg;
                else if (o == 'w')
                        s->wait = true;
                else if (o == 'o')
                        r = parse_span("submit", optarg, &s->timeout);
                else
                        r = usage("submit", "submit: this is not understood.");
                if (r != CTL_OK)
                        return r;
        }
        return CTL_OK;
}

static int parse(int argc, char **argv, Submit *s)
{
        int r = parse_options(argc, argv, s);

        if (r != CTL_OK)
                return r;
        if (argc - optind < 2)
                return usage("submit", "submit: a sensor and at least one CHANNEL=VALUE are needed.");
        if (argc - optind - 1 > READING_CHANNELS_MAX)
                return usage("submit", "submit: a reading has at most %d channels.", READING_CHANNELS_MAX);
        s->reading.sensor = argv[optind++];
        s->reading.channels = s->channels;
        for (; optind < argc; optind++) {
                r = parse_channel(argv[optind], &s->channels[s->reading.n_channels++]);
                if (r != CTL_OK)
                        return r;
        }
        return CTL_OK;
}

int command_submit(const Options *options, int argc, char **argv)
{
        _cleanup_(client_closep) Client *client = NULL;
        Submit s = {.timeout = TIMEOUT_DEFAULT};
        Settling settling;
        Receipt receipt;
        int r;

        if ((r = parse(argc, argv, &s)) != CTL_OK || (r = client_open(&client, options->bus)) != CTL_OK ||
            (s.wait && (r = settling_begin(&settling, client)) != CTL_OK) ||
            (r = client_submit(client, &s.reading, s.stream, s.timeout, &receipt)) != CTL_OK)
                return r;
        if (s.wait && (r = settling_wait(&settling, &receipt, s.timeout)) != CTL_OK) {
                (void)print_receipt(options, &receipt, NULL);
                return r;
        }
        return print_receipt(options, &receipt, s.wait ? &settling : NULL);
}
