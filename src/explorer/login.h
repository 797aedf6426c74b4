/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Login - which hub, as which policy, and by which road
 *
 * From the first of: --login CS; --login-file FILE, which only its owner may read; --devhub DIR, the folder of a
 * running hublink-devhub; the environment's HUBLINK_LOGIN. What is said on this command line outranks what a shell
 * was once told. --devhub beside --login or --login-file still gives address, ports and authority.
 *
 * Owns:   a secret: wiped when done.
 */

#include "base/macro.h"

#define LOGIN_HTTPS_PORT 443
#define LOGIN_AMQPS_PORT 5671

typedef struct Login {
        char *host;      /* the hub's name: in TLS, in tokens, in the Host header */
        char *policy;    /* such as iothubowner */
        char *key;       /* base64 */
        char *ca_file;   /* trusted beside the system's authorities; or NULL */
        char *address;   /* a numeric one to connect to instead of looking the host up; or NULL */
        uint16_t https_port;
        uint16_t amqps_port;
} Login;

/* What the command line and the environment say; each may be NULL. */
typedef struct LoginSources {
        const char *login;
        const char *login_file;
        const char *devhub; /* a folder */
        const char *environment;
        const char *ca_file; /* outranks the devhub's own */
} LoginSources;

/* EXPLORER_OK, or having complained EXPLORER_USAGE (there is none, or it is not one) or EXPLORER_FAILED. */
int login_find(const LoginSources *sources, Login *ret);
void login_done(Login *login);
