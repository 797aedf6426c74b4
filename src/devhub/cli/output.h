/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Output - standard output, and that it is not lost unseen
 *
 * Commands write; whether all of it could be written is asked when they are done. A reader who has had enough, as
 * `head -1` has, is no fault.
 */

/* It could not be written, for this errno: says so, unless nobody reads any more. The program's exit status; what is
 * left of it is forgotten. */
int output_lost(int error);

/* At the end: the exit status that there was, or that of a failure. */
int output_end(int status);
