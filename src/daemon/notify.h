/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Notify - what the service manager is told; nothing where there is none
 */

void notify_ready(void);
void notify_reloading(void); /* notify_ready() ends it */
void notify_stopping(void);
void notify_status(const char *line);
