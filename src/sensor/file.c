/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Driver "file" - numbers and texts out of any file
 *
 * The file is opened, read and closed at each turn: files under /proc and /sys make their content at that
 * moment, and one's own file may have been replaced. All channels come from one reading of it.
 *
 * A channel is the whole text (blanks around it do not count), the n-th of its blank-separated fields, or what a
 * regular expression finds in it. As a number it is scaled, then offset.
 *
 * Reading may block for long (a driver that waits for its hardware), so it happens on a worker; each path has
 * its own, so that one that hangs holds up nobody else.
 */

#include "sensor/driver.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/number.h"
#include "base/utf8.h"

#define FILE_SIZE_MAX (64 * 1024)
#define QUOTE_MAX     32 /* characters of a file's content that an error shows */

typedef struct File {
        SensorSettings settings;
        regex_t *patterns; /* beside settings.channels */
        bool *compiled;
        Buffer content;
        Buffer texts[READING_CHANNELS_MAX]; /* of channels that are texts */
} File;

/* A stretch of the content. */
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

static int file_check(const SensorSettings *s, char **ret_error)
{
        if (!s->path)
                return settings_bad(ret_error, "path: is missing; such as \"/proc/loadavg\"");
        if (s->path[0] != '/')
                return settings_bad(ret_error, "path: \"%s\" must begin with /", s->path);
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

/* ---- the device ---- */

static void file_close(void *device)
{
        File *f = device;

        if (!f)
                return;
        for (size_t i = 0; i < f->settings.n_channels; i++) {
                if (f->compiled && f->compiled[i])
                        regfree(&f->patterns[i]);
                buffer_done(&f->texts[i]);
        }
        free(f->patterns);
        free(f->compiled);
        buffer_done(&f->content);
        sensor_settings_done(&f->settings);
        free(f);
}
DEFINE_CLEANUP(File *, file_close);

static int file_open(const SensorSettings *settings, const DriverTools *tools, void **ret_device,
                     char error[static SENSOR_ERROR_MAX])
{
        _cleanup_(file_closep) File *f = calloc(1, sizeof(*f));
        int r;

        if (!f)
                return -ENOMEM;
        r = sensor_settings_copy(settings, &f->settings);
        if (r < 0)
                return r;
        f->patterns = calloc(settings->n_channels, sizeof(*f->patterns));
        f->compiled = calloc(settings->n_channels, sizeof(*f->compiled));
        if (!f->patterns || !f->compiled)
                return -ENOMEM;
        for (size_t i = 0; i < settings->n_channels; i++) {
                char why[128];

                if (!settings->channels[i].pattern)
                        continue;
                r = compile(&settings->channels[i], &f->patterns[i], why);
                if (r < 0)
                        return r;
                f->compiled[i] = r == 0;
        }
        *ret_device = TAKE_PTR(f);
        return 0;
}

/* ---- reading ---- */

static int fail_errno(const File *f, Sample *sample, int error)
{
        const char *path = f->settings.path;

        switch (error) {
        case ENOENT:
                return sample_fail(sample, REFUSAL_UNREADABLE, "%s does not exist: check `path`, or whether the device "
                                   "is plugged in and its kernel module loaded", path);
        case EACCES:
        case EPERM:
                return sample_fail(sample, REFUSAL_UNREADABLE,
                                   "%s may not be read by this service: check the rights of "
                                   "the file and of the folders above it", path);
        case EISDIR:
                return sample_fail(sample, REFUSAL_UNREADABLE, "%s is a folder: name the file in it", path);
        case EAGAIN:
                return sample_fail(sample, REFUSAL_UNREADABLE, "%s has nothing to read at the moment", path);
        case EIO:
        case ENXIO:
        case ENODEV:
        case ENODATA:
        case EREMOTEIO:
        case ETIMEDOUT:
                return sample_fail(sample, REFUSAL_UNREADABLE, "the device behind %s does not answer (%s)", path,
                                   strerrordesc_np(error));
        default:
                return sample_fail(sample, REFUSAL_UNREADABLE, "cannot read %s: %s", path, strerrordesc_np(error));
        }
}

/* O_NONBLOCK, so that a pipe without a writer is an error and not a hang. */
static int load(File *f, Sample *sample)
{
        _cleanup_close_ int fd = open(f->settings.path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat st;

        if (fd < 0)
                return fail_errno(f, sample, errno);
        if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
                return fail_errno(f, sample, EISDIR);
        buffer_clear(&f->content);
        for (;;) {
                size_t before = f->content.size;
                char *room = buffer_extend(&f->content, MIN(MAX(before, (size_t)4096), FILE_SIZE_MAX + 1 - before));
                ssize_t n;

                if (!room)
                        return -ENOMEM;
                n = read(fd, room, f->content.size - before);
                if (n < 0) {
                        if (errno != EINTR)
                                return fail_errno(f, sample, errno);
                        n = 0;
                        buffer_truncate(&f->content, before);
                        continue;
                }
                buffer_truncate(&f->content, before + (size_t)n);
                if (n == 0)
                        return 0;
                if (f->content.size > FILE_SIZE_MAX)
                        return sample_fail(sample, REFUSAL_TOO_LONG, "%s is longer than %d KiB", f->settings.path,
                                           FILE_SIZE_MAX / 1024);
        }
}

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

static bool take_match(const regex_t *regex, Part whole, Part *ret)
{
        regmatch_t match[2] = {{.rm_so = 0, .rm_eo = (regoff_t)whole.n}};
        const regmatch_t *m;

        if (regexec(regex, whole.p, 2, match, REG_STARTEND) != 0)
                return false;
        m = match[1].rm_so >= 0 ? &match[1] : &match[0];
        *ret = (Part){whole.p + m->rm_so, (size_t)(m->rm_eo - m->rm_so)};
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

static int take_number(const File *f, const ChannelSettings *c, Part part, Value *ret, Sample *sample)
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
                                           f->settings.path, text);
        }
        if (r == -EINVAL)
                return sample_fail(sample, REFUSAL_MALFORMED, "channel %s: \"%s\" in %s is not a number%s", c->name,
                                   quote(part, quoted), f->settings.path,
                                   c->field || c->pattern ? "" : "; `field` or `pattern` picks a part");
        if (r == 0) {
                x = x * c->scale + c->offset;
                if (!isfinite(x))
                        r = -ERANGE;
        }
        if (r < 0)
                return sample_fail(sample, REFUSAL_RANGE, "channel %s: \"%s\" in %s is beyond what a number can hold",
                                   c->name, quote(part, quoted), f->settings.path);
        *ret = (Value){.kind = VALUE_NUMBER, .number = x};
        return 0;
}

static int take_text(File *f, size_t i, Part part, Value *ret, Sample *sample)
{
        const char *name = f->settings.channels[i].name;

        if (part.n > READING_TEXT_MAX)
                return sample_fail(sample, REFUSAL_TOO_LONG, "channel %s: the text in %s is longer than %d bytes", name,
                                   f->settings.path, READING_TEXT_MAX);
        if (!utf8_is_valid(part.p, part.n) || memchr(part.p, 0, part.n))
                return sample_fail(sample, REFUSAL_MALFORMED, "channel %s: the text in %s is not UTF-8", name,
                                   f->settings.path);
        buffer_clear(&f->texts[i]);
        buffer_append(&f->texts[i], part.p, part.n);
        if (buffer_error(&f->texts[i]) < 0)
                return -ENOMEM;
        *ret = (Value){.kind = VALUE_TEXT, .text = f->texts[i].data};
        return 0;
}

static int take_channel(File *f, size_t i, Part whole, Value *ret, Sample *sample)
{
        const ChannelSettings *c = &f->settings.channels[i];
        Part part = whole;

        if (c->field > 0 && !take_field(whole, c->field, &part))
                return sample_fail(sample, REFUSAL_MALFORMED, "channel %s: %s has no field %u", c->name,
                                   f->settings.path, c->field);
        if (c->pattern && !take_match(&f->patterns[i], whole, &part))
                return sample_fail(sample, REFUSAL_MALFORMED, "channel %s: `pattern` finds nothing in %s", c->name,
                                   f->settings.path);
        part = trimmed(part);
        if (c->text)
                return take_text(f, i, part, ret, sample);
        if (part.n == 0)
                return sample_fail(sample, REFUSAL_MALFORMED, "channel %s: %s is empty", c->name, f->settings.path);
        return take_number(f, c, part, ret, sample);
}

static int file_read(void *device, Sample *sample)
{
        File *f = device;
        Part whole;
        int r = load(f, sample);

        if (r != 0)
                return r;
        whole = trimmed((Part){f->content.data, f->content.size});
        for (size_t i = 0; i < f->settings.n_channels; i++) {
                sample->channels[i].name = f->settings.channels[i].name;
                r = take_channel(f, i, whole, &sample->channels[i].value, sample);
                if (r != 0)
                        return r;
        }
        sample->n_channels = f->settings.n_channels;
        return 0;
}

static const char *file_shares(const SensorSettings *settings)
{
        return settings->path;
}

const SensorDriver driver_file = {
        .name = "file",
        .blocks = true,
        .check = file_check,
        .open = file_open,
        .read = file_read,
        .close = file_close,
        .shares = file_shares,
};
