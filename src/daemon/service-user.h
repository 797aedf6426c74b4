/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Service user - whom the unit runs hublinkd as
 *
 * Root may do all, so what root finds well tells nothing of what the service finds. Here root asks in its place.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SERVICE_USER "hublink"

typedef struct ServiceUser {
        bool known;
        uid_t uid;
        gid_t groups[32]; /* his own first */
        size_t n_groups;
} ServiceUser;

/* Of this system. */
bool service_user_find(ServiceUser *ret);

/* May he do what is asked? 0 or the negative errno of question(); -ENOTSUP: neither root nor he asks. */
int service_user_ask(const ServiceUser *user, int (*question)(const char *path), const char *path);

/* questions */
int may_read(const char *path);
int may_enter(const char *path); /* a folder, and see what is in it */
int may_pass(const char *path);  /* a folder, on the way to what is in it */
