/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Judge's desk - where the judge of a hub looks things up: registry, policies and authorities in the store
 */

#include "devhub/hub/store.h"
#include "devhub/mqtt/judge.h"

JudgeDesk judge_desk(Store *store);
