/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Log - one event, one line, one place
 *
 * Under systemd (JOURNAL_STREAM is ours) a line goes to the journal with its fields; elsewhere it is plain
 * text on stderr. Tests take the lines instead. What an operator might search has a message id (log-id.h,
 * told in systemd/hublink.catalog).
 *
 * Levels by what the reader should do: ERR act; WARNING watch, we retry; NOTICE the relation to the hub, the
 * disk or a sensor changed; INFO life cycle; DEBUG per message. A function either logs or returns the error.
 *
 * Bounded: at most max_lines_per_hour lines in any clock hour (debug lines, which somebody asked for, are
 * free, and so are records of the audit), and as many again for those of ERR and worse: what somebody has to act on is
 * not to be lost behind what many retries said. What is held back is counted, and the count is told in the next hour.
 *
 * Whatever stands in a line, it is one: control characters come out visibly (base/visible.h), so that no name or reason
 * from elsewhere can write lines of its own or move an operator's terminal.
 *
 * Never a token, key or connection string; bodies only at debug.
 */

#include <stdarg.h>
#include <syslog.h> /* LOG_ERR ... */

#include "base/clock.h"

typedef struct LogSettings {
        int level;                    /* LOG_ERR .. LOG_DEBUG */
        unsigned max_lines_per_hour;  /* 0: no limit */
} LogSettings;

typedef enum LogTarget {
        LOG_TARGET_AUTO,    /* journal under systemd, else stderr */
        LOG_TARGET_STDERR,
        LOG_TARGET_JOURNAL,
} LogTarget;

/* fields: "KEY=value" texts ended by NULL, or NULL */
typedef void (*LogTap)(void *userdata, int priority, const char *id, const char *text, const char *const *fields);

void log_open(LogTarget target, const Clock *clock);
void log_configure(const LogSettings *settings);
void log_tap(LogTap tap, void *userdata); /* tests: take every line that passes the level and the limit; NULL: undo */
bool log_wants(int priority);

void log_line(int priority, const char *id, const char *const *fields, const char *fmt, ...) _printf_(4, 5);
void log_linev(int priority, const char *id, const char *const *fields, const char *fmt, va_list ap) _printf_(4, 0);

/* What an auditor must find: it passes whatever the level and the hour, and does not count. */
void log_record(const char *id, const char *const *fields, const char *fmt, ...) _printf_(3, 4);

#define log_error(...)   log_line(LOG_ERR, NULL, NULL, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, NULL, NULL, __VA_ARGS__)
#define log_notice(...)  log_line(LOG_NOTICE, NULL, NULL, __VA_ARGS__)
#define log_info(...)    log_line(LOG_INFO, NULL, NULL, __VA_ARGS__)
#define log_debug(...)                                                                                               \
        do {                                                                                                         \
                if (log_wants(LOG_DEBUG))                                                                            \
                        log_line(LOG_DEBUG, NULL, NULL, __VA_ARGS__);                                                \
        } while (0)

/* A NULL-ended list of "KEY=value" texts for log_line(). */
#define LOG_FIELDS(...) ((const char *const[]){__VA_ARGS__, NULL})
