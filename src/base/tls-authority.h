/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * TLS authority - a certificate authority in a folder, for hubs on one's own machine
 *
 *   ca.pem        its certificate: what clients are told to trust
 *   ca.key        its key, mode 0600
 *   server.pem    the server's certificate, signed by it
 *   server.key    the server's key, mode 0600
 *
 * The same authority issues further certificates for hubs that are to misbehave: with another name, or as of another
 * day. EC P-256. Files are written beside and renamed, so that each is whole or absent; a file that is there and
 * still good is left alone.
 */

#include "base/clock.h"

/* Makes what is missing in the folder, and a new server certificate when the one there names another host or
 * is about to end. The certificate is for host, localhost, 127.0.0.1 and ::1. 0 or negative errno; -EBADMSG: a
 * file there is not what its name says, *ret_error (static) tells which. */
int tls_authority_ensure(int dir_fd, const char *host, usec_t wall_now, const char **ret_error);

/* Writes server.pem and server.key into another folder: signed by the authority of dir_fd, for that name alone, good
 * for 397 days from an hour before `from`. Errors as above; -ENOENT: there is no authority. */
int tls_authority_issue(int dir_fd, int target_fd, const char *name, usec_t from, const char **ret_error);
