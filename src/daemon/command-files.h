/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Command files - where a command's unit finds its argument, and leaves its answer
 *
 *   RUN/command/NAME/request     written here, readable by our group
 *   RUN-command/NAME/response    written by the unit, in a folder of its own that systemd makes (RuntimeDirectory=)
 *
 * RUN is /run/hublink, which is ours: whoever has got hold of this daemon could put a link there, and a unit that runs
 * as root would write through it. So nothing that a unit writes lies in there. Nor is a link of the unit's followed
 * here.
 *
 * The unit's folder is not ours either, and an answer of before cannot be removed: it is known by its mark.
 */

#include "flow/command-units.h"

#define COMMAND_RUN_DIR "/run/hublink"

/* As CommandFiles; run: without a slash at its end. */
int command_files_put(const char *run, const char *name, const char *json, size_t size, CommandMark *ret);
int command_files_get(const char *run, const char *name, const CommandMark *mark, Buffer *b);
