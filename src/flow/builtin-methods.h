/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Built-in methods - what the daemon itself answers to
 *
 *   ping          nothing                             {"version":"1.0","time":"2026-01-31T12:00:00.000Z"}
 *   getStatus     nothing                             link, queue, ledger and sensors, as hublinkctl status --json has them
 *   flush         nothing                             {"flushed":true} when the hub has all that waited
 *   setInterval   {"sensor":"room","interval":"10s"}  {"sensor":"room","interval":"10s"}; until settings are read again
 *
 * What comes where nothing is expected is passed over. An error is {"error":"..."} with a status of model/method-desk.h.
 *
 * Owns:   nothing but a flush's memory of who asked.
 * Knows:  the parts that do it only as rows of functions.
 */

#include "flow/methods.h"

typedef struct BuiltinPeers {
        StatusSource status;
        Control control;
        /* 0; -ENOENT: there is no such sensor; -EOPNOTSUPP: it is not read at intervals; -ERANGE; -ENOMEM. */
        int (*set_interval)(void *userdata, const char *sensor, usec_t interval_usec);
        void *userdata;
} BuiltinPeers;

typedef struct BuiltinMethods BuiltinMethods;

/* methods is borrowed, and ends first. */
int builtin_methods_new(BuiltinMethods **ret, Methods *methods, const BuiltinPeers *peers, const Clock *clock);
BuiltinMethods *builtin_methods_free(BuiltinMethods *b);
DEFINE_CLEANUP(BuiltinMethods *, builtin_methods_free);
