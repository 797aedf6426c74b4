/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Desks - what the hub does for devices beside telemetry: mail, twins, methods, provisioning
 *
 * Each is given the hub, and a place at the server; what services need of it stands in the hub then.
 *
 * Owns:   the desks, and the nouns that live in memory.
 * Knows:  the server, which is freed before them.
 */

#include "devhub/server.h"

typedef struct Desks {
        struct Mailbox *mailbox;
        struct Feedback *feedback;
        struct C2d *c2d;
        struct TwinDesk *twins;
        struct MethodDesk *methods;
        struct PollMeter *polls;
        struct DpsDesk *dps;
        struct Errands *errands;
} Desks;

/* What failed is in the log. desks_close() follows in any case. */
int desks_open(Desks *desks, Server *server, const MailRules *mail);
void desks_close(Desks *desks);
