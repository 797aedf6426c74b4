/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Built-in methods - what the daemon itself answers to
 *
 *   ping          nothing                             {"version":"1.0","time":"2026-01-31T12:00:00.000Z"}
 *   getStatus nothing link, queue, ledger and sensors, as hublinkctl status --json has them
 *   flush         nothing                             {"flushed":true} when the hub has all that waited
 *   setInterval {"sensor":"room","interval":"10s"} {"sensor":"room","interval":"10s"}, when it is on the disk; null
 *   takes
 *                                                     it back
 *
 * What comes where nothing is expected is passed over. An error is {"error":"..."} with a status of
 * model/method-desk.h.
 *
 * Owns:   nothing but the memory of who asked, where the answer comes later.
 * Knows:  the parts that do it only as rows of functions.
 */

#include "flow/methods.h"

#define BUILTIN_FLUSHES_MAX 16 /* that wait at a time: a backlog may take hours */

typedef struct BuiltinPeers {
        StatusSource status;
        Control control;
        /* Infinity: what the settings say counts again. Gives what is in effect then. -ENOENT: there is no such sensor;
         * -EOPNOTSUPP: it is not read at intervals; -ERANGE; -EINVAL: it does not go with other settings, and why
         * says with which; -ENOMEM. */
        int (*set_interval)(void *userdata, const char *sensor, usec_t interval_usec, usec_t *ret_usec, Buffer *why);
        /* done when what was set is on the disk, within the call or later; -ENOMEM: never. */
        int (*await_disk)(void *userdata, DoneFn done, void *done_userdata);
        void *userdata;
} BuiltinPeers;

typedef struct BuiltinMethods BuiltinMethods;

/* Does the daemon itself answer to this name? Nobody else can have it then. */
bool builtin_method_is(const char *name);

/* methods is borrowed, and ends first. */
int builtin_methods_new(BuiltinMethods **ret, Methods *methods, const BuiltinPeers *peers, const Clock *clock);
BuiltinMethods *builtin_methods_free(BuiltinMethods *b);
DEFINE_CLEANUP(BuiltinMethods *, builtin_methods_free);
