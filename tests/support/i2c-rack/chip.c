/* SPDX-License-Identifier: Apache-2.0 */
#include "chip.h"

#include <errno.h>
#include <string.h>

const char *chip_kind_name(ChipKind kind)
{
        static const char *const names[] = {"bytes", "words", "commands", "mux"};

        return names[kind];
}

bool chip_is_there(const Chip *c)
{
        return !c->absent && (!c->mux || (chip_is_there(c->mux) && (c->mux->pointer >> c->channel & 1)));
}

static void take_command(Chip *c, const uint8_t *bytes, size_t n, uint64_t now_usec)
{
        c->asked = NULL;
        for (size_t i = 0; i < c->n_answers; i++)
                if (c->answers[i].n_command == n && memcmp(c->answers[i].command, bytes, n) == 0)
                        c->asked = &c->answers[i];
        c->asked_usec = now_usec;
}

int chip_write(Chip *c, const uint8_t *bytes, size_t n, uint64_t now_usec)
{
        if (c->error != 0)
                return c->error;
        if (n == 0)
                return 0;
        c->pointer = c->kind == CHIP_MUX ? bytes[n - 1] : bytes[0];
        switch (c->kind) {
        case CHIP_BYTES:
                for (size_t i = 1; i < n; i++)
                        c->registers[c->pointer++] = bytes[i];
                break;
        case CHIP_WORDS:
                if (n == 3)
                        memcpy(c->registers + 2 * c->pointer, bytes + 1, 2);
                break;
        case CHIP_COMMANDS:
                take_command(c, bytes, n, now_usec);
                break;
        case CHIP_MUX:
        case _CHIP_KIND_MAX:
                break;
        }
        return 0;
}

static uint8_t byte_of(Chip *c, size_t i)
{
        switch (c->kind) {
        case CHIP_BYTES:
                return c->registers[c->pointer++];
        case CHIP_WORDS:
                return c->registers[2 * c->pointer + i % 2];
        case CHIP_COMMANDS:
                return i < c->asked->n ? c->asked->bytes[i] : 0xff;
        case CHIP_MUX:
                return c->pointer;
        case _CHIP_KIND_MAX:
                break;
        }
        return 0xff;
}

int chip_read(Chip *c, uint8_t *bytes, size_t n, uint64_t now_usec)
{
        if (c->error != 0)
                return c->error;
        if (c->kind == CHIP_COMMANDS && (!c->asked || now_usec - c->asked_usec < c->asked->takes_usec))
                return ENXIO;
        for (size_t i = 0; i < n; i++)
                bytes[i] &= (uint8_t)(byte_of(c, i) ^ (c->spoiled && i + 1 == n));
        c->asked = NULL;
        return 0;
}
