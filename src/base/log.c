/* SPDX-License-Identifier: Apache-2.0 */

/* The file and line of the caller would be those of this file. */
#define SD_JOURNAL_SUPPRESS_LOCATION

#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#include "base/log-id.h"
#include "base/visible.h"

#define FIELDS_MAX 24

/* Of one clock hour. */
typedef struct Allowance {
        unsigned lines;
        uint64_t held_back;
} Allowance;

/* One log per process: the only module-wide state of the house. */
static struct {
        const Clock *clock;
        LogSettings settings;
        bool journal;
        LogTap tap;
        void *tap_userdata;
        uint64_t hour; /* the hour of boot time that the allowances count */
        Allowance others, errors;
} the_log = {
        .clock = &clock_system,
        .settings = {.level = LOG_INFO},
};

/* systemd names the journal's stream by device and inode in JOURNAL_STREAM: only if stderr is that very stream
 * does the journal read us. */
static bool stderr_is_journal(void)
{
        const char *e = getenv("JOURNAL_STREAM");
        unsigned long long dev, ino;
        struct stat st;

        if (!e || sscanf(e, "%llu:%llu", &dev, &ino) != 2 || fstat(STDERR_FILENO, &st) < 0)
                return false;
        return st.st_dev == dev && st.st_ino == ino;
}

void log_open(LogTarget target, const Clock *clock)
{
        the_log.clock = clock;
        the_log.journal = target == LOG_TARGET_JOURNAL || (target == LOG_TARGET_AUTO && stderr_is_journal());
        the_log.hour = 0;
        the_log.others = the_log.errors = (Allowance){};
}

void log_configure(const LogSettings *settings)
{
        the_log.settings = *settings;
}

void log_tap(LogTap tap, void *userdata)
{
        the_log.tap = tap;
        the_log.tap_userdata = userdata;
}

bool log_wants(int priority)
{
        return priority <= the_log.settings.level;
}

static void write_journal(int priority, const char *id, const char *text, const char *const *fields)
{
        struct iovec iov[FIELDS_MAX + 3];
        char prio[16], *message = NULL, *message_id = NULL;
        int n = 0;

        (void)snprintf(prio, sizeof(prio), "PRIORITY=%d", priority);
        iov[n++] = (struct iovec){prio, strlen(prio)};
        if (asprintf(&message, "MESSAGE=%s", text) < 0)
                return;
        iov[n++] = (struct iovec){message, strlen(message)};
        if (id && asprintf(&message_id, "MESSAGE_ID=%s", id) >= 0)
                iov[n++] = (struct iovec){message_id, strlen(message_id)};
        for (; fields && *fields && n < FIELDS_MAX + 3; fields++)
                iov[n++] = (struct iovec){(void *)(uintptr_t)*fields, strlen(*fields)};
        (void)sd_journal_sendv(iov, n);
        free(message);
        free(message_id);
}

/* Without memory it goes as it is. */
static void write_line(int priority, const char *id, const char *words, const char *const *fields)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        const char *text;

        visible_text(&b, words, strlen(words));
        text = buffer_error(&b) < 0 ? words : b.data ?: "";
        if (the_log.tap)
                the_log.tap(the_log.tap_userdata, priority, id, text, fields);
        else if (the_log.journal)
                write_journal(priority, id, text, fields);
        else
                (void)fprintf(stderr, "%s\n", text);
}

static void begin_hour(uint64_t hour)
{
        uint64_t held_back = the_log.others.held_back + the_log.errors.held_back;
        char text[128];

        the_log.hour = hour;
        the_log.others = the_log.errors = (Allowance){};
        if (held_back == 0)
                return;
        (void)snprintf(text, sizeof(text), "Lines held back in an earlier hour: %llu.", (unsigned long long)held_back);
        the_log.others.lines++;
        write_line(LOG_NOTICE, LOG_ID_LINES_HELD_BACK, text, NULL);
}

/* Counts the line against its hour. The last line that an hour may have says that there will be no more. */
static bool admit(int priority)
{
        unsigned limit = the_log.settings.max_lines_per_hour;
        uint64_t hour = clock_boot(the_log.clock) / USEC_PER_HOUR;
        Allowance *a = priority <= LOG_ERR ? &the_log.errors : &the_log.others;
        char text[128];

        if (limit == 0)
                return true;
        if (hour != the_log.hour)
                begin_hour(hour);
        if (a->lines + 1 < limit) {
                a->lines++;
                return true;
        }
        if (a->held_back++ == 0) {
                a->lines++;
                (void)snprintf(text, sizeof(text), "%u %s in this hour: holding further ones back "
                                                   "(log.max_lines_per_hour).",
                               limit, a == &the_log.errors ? "errors" : "lines");
                write_line(LOG_WARNING, LOG_ID_LINES_HELD_BACK, text, NULL);
        }
        return false;
}

void log_linev(int priority, const char *id, const char *const *fields, const char *fmt, va_list ap)
{
        char text[2048];

        if (!log_wants(priority))
                return;
        if (priority < LOG_DEBUG && !admit(priority))
                return;
        (void)vsnprintf(text, sizeof(text), fmt, ap);
        write_line(priority, id, text, fields);
}

void log_line(int priority, const char *id, const char *const *fields, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        log_linev(priority, id, fields, fmt, ap);
        va_end(ap);
}

void log_record(const char *id, const char *const *fields, const char *fmt, ...)
{
        char text[2048];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        write_line(LOG_NOTICE, id, text, fields);
}
