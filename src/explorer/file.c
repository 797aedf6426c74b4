/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/secret.h"
#include "explorer/output.h"

static int read_operand(Buffer *b, const char *what, const char *name, size_t most,
                        int (*reader)(Buffer *b, int fd, size_t most))
{
        bool standard = strcmp(name, "-") == 0;
        _cleanup_close_ int fd = standard ? -1 : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        int r = !standard && fd < 0 ? -errno : reader(b, standard ? STDIN_FILENO : fd, most);

        if (r == 0)
                return EXPLORER_OK;
        if (r == -ENOMEM)
                return out_of_memory();
        complain("%s: cannot read %s: %s", what, standard ? "standard input" : name,
                 r == -EFBIG     ? "it is larger than the hub takes"
                 : r == -EBADMSG ? "it is no text"
                                 : strerror(-r));
        return EXPLORER_FAILED;
}

int file_read_operand(Buffer *b, const char *what, const char *name, size_t most)
{
        return read_operand(b, what, name, most, file_read);
}

int file_read_operand_bytes(Buffer *b, const char *what, const char *name, size_t most)
{
        return read_operand(b, what, name, most, file_read_bytes);
}

/* What somebody probably meant who gave something else. */
static const char *advice(const char *operand)
{
        if (access(operand, R_OK) == 0)
                return " (a file is named with an @ before it)";
        return strchr(operand, '"') ? "" : " (text wants quotes: '\"text\"')";
}

int json_of_operand(const char *operand, const char *what, size_t most, json_object **ret)
{
        _cleanup_(secret_buffer_done) Buffer text = BUFFER_NULL;
        bool elsewhere = operand[0] == '@' || strcmp(operand, "-") == 0;
        size_t at = 0;
        int r = EXPLORER_OK;

        if (elsewhere)
                r = file_read_operand(&text, what, operand[0] == '@' ? operand + 1 : operand, most);
        else if (strlen(operand) > most)
                r = bad_usage("%s is larger than the hub takes", what);
        else
                buffer_append_string(&text, operand);
        if (r != EXPLORER_OK)
                return r;
        r = buffer_error(&text) ? -ENOMEM : json_text_parse(text.data ?: "", text.size, ret, &at);
        if (r == -ENOMEM)
                return out_of_memory();
        if (r == 0)
                return EXPLORER_OK;
        return bad_usage("%s is not JSON, from byte %zu on: %.*s%s", what, at + 1, (int)MIN(text.size - at, (size_t)20),
                         text.data ? text.data + at : "", elsewhere ? "" : advice(operand));
}
