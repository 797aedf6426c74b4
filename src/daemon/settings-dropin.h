/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Drop-in - a file of its own that says one thing of its name, and need not know what else is in the settings
 *
 *   responder = "org.example.Printer";
 *
 * in methods.d/print.conf is  methods: { services: { print = "org.example.Printer"; }; };  and
 *
 *   method = "reboot";
 *
 * in commands.d/reboot.conf is  command_units: { reboot: { method = "reboot"; }; };
 */

#include "daemon/settings-node.h"

/* path: of the file; takes the tree of what it says. 0; SETTINGS_E_BAD with what is wrong; -ENOMEM. */
int settings_dropin_method(const char *path, Node *file, Node **ret, Problems *problems);
int settings_dropin_command(const char *path, Node *file, Node **ret, Problems *problems);
