/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Drop-in - methods.d/NAME.conf: a service says by a file of its own that it answers to a method
 *
 *   responder = "org.example.Printer";
 *
 * in methods.d/print.conf is  methods: { services: { print = "org.example.Printer"; }; };  said by a package that need
 * not know what else is in the settings.
 */

#include "daemon/settings-node.h"

/* path: of the file; takes the tree of what it says. 0; SETTINGS_E_BAD with what is wrong; -ENOMEM. */
int settings_dropin_method(const char *path, Node *file, Node **ret, Problems *problems);
