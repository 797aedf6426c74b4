/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is said when the bus does not let a call through: who asked, who may, and how one comes to be one of them
 *
 * The call is not named: a command may need several, and people know the command that they wrote.
 */

void print_denied(void); /* on standard error */
