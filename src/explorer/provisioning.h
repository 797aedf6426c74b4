/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Provisioning - questions to a provisioning service
 *
 * It has a host and policies of its own; hublink-devhub is hub and provisioning service under one name.
 */

#include "explorer/service.h"

/* What is asked about. */
typedef struct Kind {
        const char *member;    /* of the id */
        const char *path;
        const char *mechanism; /* the same path, as the service spells it where the keys are */
        const char *noun;
        const char *rights;    /* Read and Write come behind it */
} Kind;

/* A hub of Azure is none: EXPLORER_OK, or having complained EXPLORER_USAGE. */
int provisioning_check_host(const Explorer *e);

/* request.path is made here; tail: "/attestationmechanism", or "". The answer is an object, or nothing. */
int provisioning_ask(const Explorer *e, const Kind *k, const char *id, HttpsRequest request, const char *tail,
                     Answer *ret);
