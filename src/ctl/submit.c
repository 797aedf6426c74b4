/* SPDX-License-Identifier: Apache-2.0 */

/* submit: one reading, as a person types it. */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/number.h"
#include "ctl/ctl.h"

/* A text in quotes, in place: with the escapes of JSON that are one letter. */
static bool unquote(char *text)
{
        static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
        const char *in = text + 1, *letter;
        char *out = text;

        for (; *in && *in != '"'; in++) {
                if (*in == '\\') {
                        in++;
                        letter = *in ? strchr(letters, *in) : NULL;
                        if (!letter)
                                return false;
                        *out++ = meanings[letter - letters];
                } else {
                        *out++ = *in;
                }
        }
        if (in[0] != '"' || in[1])
                return false;
        *out = 0;
        return true;
}

/* Would a person mean a number with it? As a text it would spoil a channel of numbers for whoever reads it. */
static bool looks_like_number(const char *text)
{
        static const char *const words[] = {"nan", "inf", "infinity"};

        text += strspn(text, " \t");
        if (*text == '+' || *text == '-')
                text++;
        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (strcasecmp(text, words[i]) == 0)
                        return true;
        if (*text == '.')
                text++;
        return *text >= '0' && *text <= '9';
}

/* Whole numbers, numbers, true and false; what cannot be meant as one of them is text, and what is in quotes. */
static int parse_value(const char *channel, char *text, Value *ret)
{
        char *end;
        int r;

        errno = 0;
        *ret = (Value){.kind = VALUE_INTEGER, .integer = strtoll(text, &end, 10)};
        if (end != text && *end == 0 && errno == 0)
                return CTL_OK;
        *ret = (Value){.kind = VALUE_NUMBER};
        r = number_parse(text, &ret->number);
        if (r == 0)
                return CTL_OK;
        if (r == -ERANGE)
                return usage("submit", "submit: %s=%s: beyond what a number can hold.", channel, text);
        if (!*text)
                return usage("submit", "submit: %s= has no value; an empty text is %s='\"\"'.", channel, channel);
        if (looks_like_number(text))
                return usage("submit",
                             "submit: %s=%s looks like a number and is none that can be sent (decimal, finite); "
                             "if it is meant as text: %s='\"%s\"'.",
                             channel, text, channel, text);
        if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
                *ret = (Value){.kind = VALUE_BOOLEAN, .boolean = *text == 't'};
                return CTL_OK;
        }
        if (*text == '"' && !unquote(text))
                return usage("submit",
                             "submit: %s: the text in quotes is cut off, goes on behind them, or has an unknown "
                             "escape (there are \\\" \\\\ \\/ \\b \\f \\n \\r \\t).",
                             channel);
        *ret = (Value){.kind = VALUE_TEXT, .text = text};
        return CTL_OK;
}

/* Cuts "channel=value" at the sign. */
static int parse_channel(char *text, Channel *ret)
{
        char *sign = strchr(text, '=');

        if (!sign || sign == text)
                return usage("submit", "submit: '%s' is not CHANNEL=VALUE.", text);
        *sign = 0;
        if (!name_is_valid(text))
                return usage("submit",
                             "submit: '%s' is not a channel's name (a letter, then letters, digits and _).", text);
        ret->name = text;
        return parse_value(text, sign + 1, &ret->value);
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
