/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Owner - whose folders the daemon is about to write in
 *
 * Started by hand as root in the service's folders it would leave files there that the service cannot read, in the
 * middle of the queue.
 */

/* 1: root is here, and the folder, which is there, is another user's; words say so, with the way out. 0: it is not.
 * -ENOMEM */
int owner_is_another(const char *folder, char **ret_words);
