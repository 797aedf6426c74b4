/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Path - where an identity stands in the interface of the hub
 *
 * An id is a device's, or DEVICE/MODULE. Pure, but for the complaint of check_id().
 */

#include "explorer/explorer.h"

#define SERVICE_VERSION "2021-04-12" /* of the hub's interface: what the official SDKs ask for */
#define DPS_VERSION     "2021-10-01"

/* A place in the hub: the id's parts percent-encoded. "d" or "d/m" stand as devices/d or devices/d/modules/m below
 * root ("devices", "twins"); behind comes tail ("/methods") or "". */
void put_path(Buffer *b, const char *root, const char *id, const char *tail);
/* Pieces of a path that are ids, encoded. */
void put_encoded(Buffer *b, const char *id);

/* "device 'd'" or "module 'd/m'" */
void put_identity_name(Buffer *b, const char *id);
bool is_module(const char *id);

/* An id as the hub could know it: EXPLORER_OK, or having complained EXPLORER_USAGE. */
int check_id(const char *id);

/* Bytes of the device's part of an id. */
size_t path_device_size(const char *id);
