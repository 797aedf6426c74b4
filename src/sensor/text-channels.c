/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/text-channels.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/number.h"
#include "base/utf8.h"

#define QUOTE_MAX 32 /* characters of a text that an error shows */

struct TextChannels {
        SensorSettings settings;
        regex_t *patterns; /* beside settings.channels */
        bool *compiled;
        Buffer texts[READING_CHANNELS_MAX]; /* of channels that are texts */
};

/* A stretch of the text. */
typedef struct Part {
        const char *p;
        size_t n;
} Part;

/* ---- settings ---- */

static int compile(const ChannelSettings *c, regex_t *ret, char error[static 128])
{
        int r = regcomp(ret, c->pattern, REG_EXTENDED | REG_NEWLINE);

        if (r != 0)
                (void)regerror(r, ret, error, 128);
        return r == 0 ? 0 : r == REG_ESPACE ? -ENOMEM : SENSOR_E_BAD;
}

static int check_pattern(const ChannelSettings *c, char **ret_error)
{
        char error[128];
        regex_t regex;
        int r = compile(c, &regex, error);

        if (r > 0)
                return settings_bad(ret_error, "channels.%s.pattern: %s", c->name, error);
        if (r == 0)
                regfree(&regex);
        return r;
}

int text_channels_check(const SensorSettings *s, char **ret_error)
{
        if (s->n_channels == 0)
                return settings_bad(ret_error, "channels: at least one, such as channels: { temperature: {}; }");
        for (size_t i = 0; i < s->n_channels; i++) {
                const ChannelSettings *c = &s->channels[i];
                int r = 0;

                if (c->field > 0 && c->pattern)
                        return settings_bad(ret_error, "channels.%s.pattern: field or pattern, not both", c->name);
                if (c->text && (c->scale != 1 || c->offset != 0))
                        return settings_bad(ret_error, "channels.%s.scale: a text has neither scale nor offset",
                                            c->name);
                if (c->pattern)
                        r = check_pattern(c, ret_error);
                if (r != 0)
                        return r;
        }
        return 0;
}

bool text_channels_have_patterns(const SensorSettings *s)
{
        for (size_t i = 0; i < s->n_channels; i++)
                if (s->channels[i].pattern)
                        return true;
        return false;
}

/* ---- life ---- */

int text_channels_new(TextChannels **ret, const SensorSettings *settings)
{
        _cleanup_(text_channels_freep) TextChannels *t = calloc(1, sizeof(*t));
        int r;

        if (!t)
                return -ENOMEM;
        r = sensor_settings_copy(settings, &t->settings);
        if (r < 0)
                return r;
        t->patterns = calloc(settings->n_channels + 1, sizeof(*t->patterns));
        t->compiled = calloc(settings->n_channels + 1, sizeof(*t->compiled));
        if (!t->patterns || !t->compiled)
                return -ENOMEM;
        for (size_t i = 0; i < settings->n_channels; i++) {
                char why[128];

                if (!settings->channels[i].pattern)
                        continue;
                r = compile(&settings->channels[i], &t->patterns[i], why);
                if (r < 0)
                        return r;
                t->compiled[i] = r == 0;
        }
        *ret = TAKE_PTR(t);
        return 0;
}

TextChannels *text_channels_free(TextChannels *t)
{
        if (!t)
                return NULL;
        for (size_t i = 0; i < READING_CHANNELS_MAX; i++) {
                if (t->compiled && i < t->settings.n_channels && t->compiled[i])
                        regfree(&t->patterns[i]);
                buffer_done(&t->texts[i]);
        }
        free(t->patterns);
        free(t->compiled);
        sensor_settings_done(&t->settings);
        free(t);
        return NULL;
}

/* ---- reading ---- */

static Part trimmed(Part part)
{
        /* Files of the device tree end in NUL. */
        while (part.n > 0 && (isspace((unsigned char)part.p[part.n - 1]) || part.p[part.n - 1] == 0))
                part.n--;
        while (part.n > 0 && isspace((unsigned char)*part.p)) {
                part.p++;
                part.n--;
        }
        return part;
}

static bool take_field(Part rest, unsigned number, Part *ret)
{
        const char *end = rest.p + rest.n;

        for (const char *p = rest.p;;) {
                const char *from;

                while (p < end && isspace((unsigned char)*p))
                        p++;
                if (p == end)
                        return false;
                from = p;
                while (p < end && !isspace((unsigned char)*p))
                        p++;
                if (--number == 0) {
                        *ret = (Part){from, (size_t)(p - from)};
                        return true;
                }
        }
}

static const TextMatch NOTHING = {1, 0};

static TextMatch match_one(const regex_t *regex, Part whole)
{
        regmatch_t match[2] = {{.rm_so = 0, .rm_eo = (regoff_t)whole.n}};
        const regmatch_t *m;

        if (regexec(regex, whole.p, 2, match, REG_STARTEND) != 0)
                return NOTHING;
        m = match[1].rm_so >= 0 ? &match[1] : &match[0];
        return (TextMatch){(uint32_t)m->rm_so, (uint32_t)m->rm_eo};
}

static bool take_match(TextMatch match, Part whole, Part *ret)
{
        if (match.to < match.from)
                return false;
        *ret = (Part){whole.p + match.from, match.to - match.from};
        return true;
}

/* What was found, short and printable, for an error. */
static const char *quote(Part part, char text[static QUOTE_MAX + 4])
{
        size_t n = MIN(part.n, (size_t)QUOTE_MAX);

        for (size_t i = 0; i < n; i++)
                text[i] = isprint((unsigned char)part.p[i]) ? part.p[i] : '?';
        strcpy(text + n, part.n > n ? "..." : "");
        return text;
}

static bool is_not_finite_word(const char *text)
{
        static const char *const words[] = {"nan", "inf", "infinity"};

        text += *text == '-' || *text == '+';
        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (strcasecmp(text, words[i]) == 0)
                        return true;
        return false;
}

static int take_number(const char *where, const ChannelSettings *c, Part part, Value *ret, Sample *sample)
{
        char text[128], quoted[QUOTE_MAX + 4];
        double x;
        int r = -EINVAL;

        if (part.n < sizeof(text)) {
                memcpy(text, part.p, part.n);
                text[part.n] = 0;
                r = strlen(text) == part.n ? number_parse(text, &x) : -EINVAL;
                if (r == -EINVAL && is_not_finite_word(text))
                        return sample_fail(sample, REFUSAL_NAN, "channel %s: %s says \"%s\"", c->name,
                                           where, text);
        }
        if (r == -EINVAL)
                return sample_fail(sample, REFUSAL_MALFORMED, "channel %s: \"%s\" in %s is not a number%s", c->name,
                                   quote(part, quoted), where,
                                   c->field || c->pattern ? "" : "; `field` or `pattern` picks a part");
        if (r == 0) {
                x = x * c->scale + c->offset;
                if (!isfinite(x))
                        r = -ERANGE;
        }
        if (r < 0)
                return sample_fail(sample, REFUSAL_RANGE, "channel %s: \"%s\" in %s is beyond what a number can hold",
                                   c->name, quote(part, quoted), where);
        *ret = (Value){.kind = VALUE_NUMBER, .number = x};
        return 0;
}

static int take_text(TextChannels *t, size_t i, Part part, const char *where, Value *ret, Sample *sample)
{
        const char *name = t->settings.channels[i].name;

        if (part.n > READING_TEXT_MAX)
                return sample_fail(sample, REFUSAL_TOO_LONG, "channel %s: the text in %s is longer than %d bytes", name,
                                   where, READING_TEXT_MAX);
        if (!utf8_is_valid(part.p, part.n) || memchr(part.p, 0, part.n))
                return sample_fail(sample, REFUSAL_MALFORMED, "channel %s: the text in %s is not UTF-8", name,
                                   where);
        buffer_clear(&t->texts[i]);
        buffer_append(&t->texts[i], part.p, part.n);
        if (buffer_error(&t->texts[i]) < 0)
                return -ENOMEM;
        *ret = (Value){.kind = VALUE_TEXT, .text = t->texts[i].data};
        return 0;
}

/* match: NULL: it is not known yet. */
static int take_channel(TextChannels *t, size_t i, Part whole, const TextMatch *match, const char *where,
                        Sample *sample)
{
        Channel *ret = &sample->channels[i];
        const ChannelSettings *c = &t->settings.channels[i];
        Part part = whole;

        ret->name = c->name;
        if (c->field > 0 && !take_field(whole, c->field, &part))
                return sample_fail(sample, REFUSAL_MALFORMED, "channel %s: %s has no field %u", c->name,
                                   where, c->field);
        if (c->pattern && !take_match(match ? *match : match_one(&t->patterns[i], whole), whole, &part))
                return sample_fail(sample, REFUSAL_MALFORMED, "channel %s: `pattern` finds nothing in %s", c->name,
                                   where);
        part = trimmed(part);
        if (c->text)
                return take_text(t, i, part, where, &ret->value, sample);
        if (part.n == 0)
                return sample_fail(sample, REFUSAL_MALFORMED, "channel %s: %s is empty", c->name, where);
        return take_number(where, c, part, &ret->value, sample);
}

int text_channels_take_one(TextChannels *t, size_t i, const char *text, size_t n, const char *where, Sample *sample)
{
        return take_channel(t, i, trimmed((Part){text, n}), NULL, where, sample);
}

int text_channels_take_matched(TextChannels *t, const char *text, size_t n, const TextMatch *matches,
                               const char *where, Sample *sample)
{
        Part whole = trimmed((Part){text, n});

        for (size_t i = 0; i < t->settings.n_channels; i++) {
                int r = take_channel(t, i, whole, matches ? &matches[i] : NULL, where, sample);

                if (r != 0)
                        return r;
        }
        sample->n_channels = t->settings.n_channels;
        return 0;
}

int text_channels_take(TextChannels *t, const char *text, size_t n, const char *where, Sample *sample)
{
        return text_channels_take_matched(t, text, n, NULL, where, sample);
}

void text_channels_match(const TextChannels *t, const char *text, size_t n, TextMatch *ret)
{
        Part whole = trimmed((Part){text, n});

        bool lacks = false; /* then the others do not count any more */

        for (size_t i = 0; i < t->settings.n_channels; i++) {
                ret[i] = t->compiled[i] && !lacks ? match_one(&t->patterns[i], whole) : NOTHING;
                lacks = lacks || (t->compiled[i] && ret[i].to < ret[i].from);
        }
}
