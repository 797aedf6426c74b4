/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Credential id - by what the unit calls the credential that it hands over
 *
 * Another one for each that hublinkctl setup stores, of hex digits, and no part of the secret. hublinkd finds it in its
 * environment, and keeps that of the last one which had a link in a file of its state directory.
 */

#define CREDENTIAL_ID_VARIABLE "HUBLINK_CREDENTIAL_ID"
#define CREDENTIAL_ID_LENGTH   32
#define CREDENTIAL_ID_FILE     "connected"
