/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Log capture - the log line is part of the promise
 */

#include "base/log.h"

typedef struct LogCapture {
        char *lines[256]; /* the first ones */
        const char *ids[256];
        size_t n_lines; /* all, also those beyond */
} LogCapture;

void log_capture_begin(LogCapture *capture); /* everything from LOG_INFO up, no limit by the hour */
void log_capture_end(LogCapture *capture);
bool log_capture_has(const LogCapture *capture, const char *part);
size_t log_capture_count(const LogCapture *capture, const char *part); /* among the kept lines */
