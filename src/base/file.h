/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * File - the whole of one, read if it is not too large, or written
 */

#include "base/buffer.h"

/* Appends what is left to read at fd. -EFBIG: more than most. */
int file_read_bytes(Buffer *b, int fd, size_t most);
/* The same of a text. -EBADMSG: it holds a NUL. A small secret leaves no copies behind: the room is made first. */
int file_read(Buffer *b, int fd, size_t most);
/* All of it from where fd stands, as often as it takes. errno stays what it was told by the system. */
int file_write(int fd, const void *data, size_t size);
