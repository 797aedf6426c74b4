/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Lane bytes - the pages of a lane's directory as one input for the fuzzer
 *
 *     slot u8 | page u8 | what u8 | size u16 | the page's first bytes behind its checksum ...   and the next one
 *
 * what:  LANE_BYTES_IDENTITY  the page belongs to the lane, whatever its bytes say
 *        LANE_BYTES_SEALED    its checksum is right
 */

#include <stdint.h>

#define LANE_BYTES_SLOTS     6
#define LANE_BYTES_PAGES     96 /* of a slot */
#define LANE_BYTES_IDENTITY  1
#define LANE_BYTES_SEALED    2
#define LANE_BYTES_HEADER    5
#define LANE_BYTES_LANE      0x1a2e1a2e1a2e1a2e /* the identity */
