/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Desk row - all desks of the hub, told as one
 *
 * Each call goes to the desks that have a use for it, in the order in which they were added.
 */

#include "devhub/device/desk.h"

#define DESKS_MAX 8

typedef struct DeskRow {
        Desk desks[DESKS_MAX];
        size_t n;
} DeskRow;

int desk_row_add(DeskRow *row, const Desk *desk); /* -ENOBUFS: there are too many */

/* True: the client is the guest of one of them, which has judged it. */
bool desk_row_connect(const DeskRow *row, Link *link, const MqttConnect *connect, SessionGrant *ret);
/* NULL, or why the connection is closed (static text). */
const char *desk_row_request(const DeskRow *row, Link *link, const SessionRequest *request);
void desk_row_connected(const DeskRow *row, Link *link);
void desk_row_subscribed(const DeskRow *row, Link *link);
void desk_row_acknowledged(const DeskRow *row, Link *link, uint64_t tag);
void desk_row_ended(const DeskRow *row, Link *link);
void desk_row_forgotten(const DeskRow *row, const char *device_id, const char *module_id);
