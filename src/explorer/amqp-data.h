/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * AMQP data - finding and reading values in what a peer sent
 *
 * Proton's pn_data_t is a cursor; these move it.
 */

#include <proton/codec.h>

#include "base/buffer.h"

/* Looks a key - string, symbol or binary - up in the map that data begins with, and stops at its value. */
bool amqp_data_find(pn_data_t *data, const char *key);

/* The value at which it stands as text: a timestamp is ISO time, what is no scalar is AMQP's notation. NULL: it is
 * null, or there is no memory. Allocated. */
char *amqp_data_text(pn_data_t *data);
bool amqp_data_integer(pn_data_t *data, int64_t *ret); /* any whole number, or a timestamp */

/* Walks a map from its beginning: false after the last. Keys that are no text are skipped. Between two calls the
 * cursor stands at the value. */
bool amqp_data_begin(pn_data_t *data);
bool amqp_data_next(pn_data_t *data, Buffer *key); /* key: cleared and filled */
