/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Endpoints - where a hublink-devhub is: what it wrote into DIR/endpoints.json
 */

#include "base/macro.h"

typedef struct Endpoints {
        char *host;
        char *address;
        char *ca_file;
        char *login; /* its owner's connection string: a secret */
        uint16_t https_port;
        uint16_t amqps_port;
} Endpoints;

/* EXPLORER_OK, or having complained EXPLORER_FAILED. */
int endpoints_read(const char *directory, Endpoints *ret);
void endpoints_done(Endpoints *e);
