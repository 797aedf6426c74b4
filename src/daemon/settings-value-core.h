/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What kinds of settings share that keep a text
 *
 * settings-value.c       the kinds that stand for themselves
 * settings-value-bus.c   names of methods, and of services on the message bus
 * settings-value-rules.c  numbers and times that may be left out
 * settings-value-pnp.c   ranges, and plain values of any kind
 * settings-value-command.c  a program and its arguments
 */

#include "daemon/settings-value.h"

int value_keep_text(const char *text, void *member); /* a copy; -ENOMEM */
void value_text_print(const SettingsRow *row, const void *member, Buffer *b);
bool value_text_is_unset(const SettingsRow *row, const void *member);
void value_expect_example(const SettingsRow *row, Buffer *b, const char *comma); /* ", such as \"1s\"" */
