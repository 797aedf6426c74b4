/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Twin facts - what the gateway tells the cloud of itself, as a section of its twin
 *
 * What changes seldom, and apart from it what is counted, which nobody wants to pay for each time that it changes.
 * Pure.
 */

#include "model/document.h"
#include "model/status.h"

/* boot_usec: wall clock, when this machine was started; 0: it is not known. -ENOMEM. */
int twin_facts(const Status *status, usec_t boot_usec, bool with_statistics, Document **ret);
