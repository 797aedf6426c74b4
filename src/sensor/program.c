/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Driver "program" - what a program prints, at an interval
 *
 * It is run as sensor/child.h says, and its output is read as the content of a file is (sensor/text-channels.h). It has
 * the time that the sensor has for a read. While it runs it is not started again: its next turn comes at the next
 * multiple of the interval.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "sensor/child.h"
#include "sensor/driver.h"
#include "sensor/text-channels.h"

#define WORDS_MAX 64

typedef struct Program {
        SensorSettings settings;
        TextChannels *channels;
        char *words;               /* of the command, each ended by NUL */
        char *argv[WORDS_MAX + 1]; /* within words */
        Buffer output;
        ChildRein rein;
} Program;

static int program_check(const SensorSettings *s, char **ret_error)
{
        size_t n_words = 1;

        if (!s->command || s->command[0] != '/')
                return settings_bad(ret_error, "command: a program, from / on, and its arguments, such as "
                                               "[ \"/usr/bin/sensors-of-mine\", \"--all\" ]");
        for (const char *p = s->command; *p; p++)
                n_words += *p == '\n';
        if (n_words > WORDS_MAX)
                return settings_bad(ret_error, "command: at most %d words", WORDS_MAX);
        return text_channels_check(s, ret_error);
}

static void program_close(void *device)
{
        Program *p = device;

        if (!p)
                return;
        child_rein_done(&p->rein);
        text_channels_free(p->channels);
        free(p->words);
        buffer_done(&p->output);
        sensor_settings_done(&p->settings);
        free(p);
}
DEFINE_CLEANUP(Program *, program_close);

static int program_open(const SensorSettings *settings, const DriverTools *tools, void **ret_device,
                        char error[static SENSOR_ERROR_MAX])
{
        _cleanup_(program_closep) Program *p = calloc(1, sizeof(*p));
        char *rest;
        int r;

        if (!p)
                return -ENOMEM;
        child_rein_init(&p->rein);
        r = sensor_settings_copy(settings, &p->settings);
        if (r >= 0)
                r = text_channels_new(&p->channels, &p->settings);
        if (r < 0)
                return r;
        p->words = strdup(settings->command);
        if (!p->words)
                return -ENOMEM;
        rest = p->words;
        for (size_t i = 0; i < WORDS_MAX && rest; i++)
                p->argv[i] = strsep(&rest, "\n");
        *ret_device = TAKE_PTR(p);
        return 0;
}

/* How it ended, if not well. */
static int fail(const Program *p, const ChildResult *result, Sample *sample)
{
        const char *name = p->argv[0], *colon = result->errors[0] ? ": " : "";

        switch (result->end) {
        case CHILD_NOT_RUN:
                return sample_fail(sample, REFUSAL_UNREADABLE, "%s cannot be run: %s; check `command`", name,
                                   strerrordesc_np(result->value));
        case CHILD_TIMED_OUT:
                return sample_fail(sample, REFUSAL_UNREADABLE,
                                   "%s was killed, for it did not end within %g s (`timeout`)%s%s", name,
                                   (double)p->settings.timeout_usec / USEC_PER_SEC, colon, result->errors);
        case CHILD_TOO_MUCH:
                return sample_fail(sample, REFUSAL_TOO_LONG, "%s was killed, for it printed more than %d KiB", name,
                                   CHILD_OUTPUT_MAX / 1024);
        case CHILD_SIGNALED:
                return sample_fail(sample, REFUSAL_UNREADABLE, "%s was ended by signal %d (%s)%s%s", name,
                                   result->value, sigdescr_np(result->value) ?: "unknown", colon, result->errors);
        case CHILD_EXITED:
                break;
        }
        if (result->value == 0)
                return 0;
        return sample_fail(sample, REFUSAL_UNREADABLE, "%s ended with status %d%s%s", name, result->value, colon,
                           result->errors);
}

static int program_read(void *device, Sample *sample)
{
        Program *p = device;
        ChildResult result;
        char where[128];
        int r = child_run(p->argv, p->settings.timeout_usec > 0 ? p->settings.timeout_usec : SENSOR_TIMEOUT_USEC,
                          &p->rein, &p->output, &result);

        if (r == 0)
                r = fail(p, &result, sample);
        if (r != 0)
                return r;
        (void)snprintf(where, sizeof(where), "the output of %s", p->argv[0]);
        return text_channels_take(p->channels, p->output.data, p->output.size, where, sample);
}

static void program_interrupt(void *device)
{
        Program *p = device;

        child_rein_pull(&p->rein);
}

static const char *program_shares(const SensorSettings *settings)
{
        return settings->name;
}

const SensorDriver driver_program = {
        .name = "program",
        .blocks = true,
        .slack_usec = 5 * USEC_PER_SEC,
        .check = program_check,
        .open = program_open,
        .read = program_read,
        .interrupt = program_interrupt,
        .close = program_close,
        .shares = program_shares,
};
