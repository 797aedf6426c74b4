/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Registration id - the name under which a device comes to be provisioned
 *
 * 1 to 128 of a-z 0-9 - . _ : with a letter, a digit or a dash at the end. It has no case: upper case is taken, and
 * stands for the lower. The ids of groups follow the same rule. Pure.
 */

#include "base/macro.h"

#define REGISTRATION_ID_MAX 128

bool registration_id_is_valid(const char *text); /* in either case */

/* Its lower-case form, which is what keys are derived from. -EINVAL: it is none. */
int registration_id_fold(const char *text, char **ret);
