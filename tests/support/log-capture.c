/* SPDX-License-Identifier: Apache-2.0 */
#include "log-capture.h"

#include <string.h>

static void on_line(void *userdata, int priority, const char *id, const char *text, const char *const *fields)
{
        LogCapture *capture = userdata;

        if (capture->n_lines < ARRAY_SIZE(capture->lines)) {
                capture->lines[capture->n_lines] = strdup(text);
                capture->ids[capture->n_lines] = id;
        }
        capture->n_lines++;
}

void log_capture_begin(LogCapture *capture)
{
        *capture = (LogCapture){};
        log_configure(&(LogSettings){.level = LOG_INFO});
        log_tap(on_line, capture);
}

void log_capture_end(LogCapture *capture)
{
        log_tap(NULL, NULL);
        for (size_t i = 0; i < MIN(capture->n_lines, ARRAY_SIZE(capture->lines)); i++)
                free(capture->lines[i]);
}

size_t log_capture_count(const LogCapture *capture, const char *part)
{
        size_t n = 0;

        for (size_t i = 0; i < MIN(capture->n_lines, ARRAY_SIZE(capture->lines)); i++)
                n += strstr(capture->lines[i], part) != NULL;
        return n;
}

bool log_capture_has(const LogCapture *capture, const char *part)
{
        return log_capture_count(capture, part) > 0;
}
