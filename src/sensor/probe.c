/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/probe.h"

#include <errno.h>

typedef struct Ask {
        const I2cPort *port;
        int fd;
        const NamedChip *chips;
        size_t n_chips;
} Ask;

/* ---- is anybody there ---- */

static bool may_be_memory(unsigned address)
{
        return (address >= 0x30 && address <= 0x37) || (address >= 0x50 && address <= 0x5f);
}

bool probe_question(unsigned address, int functions, I2cQuestion *ret)
{
        bool writes = functions & I2C_CAN_QUICK, reads = functions & I2C_CAN_RECEIVE;

        *ret = reads && (may_be_memory(address) || !writes) ? I2C_RECEIVE : I2C_QUICK;
        return reads || (writes && !may_be_memory(address));
}

/* ---- which chip is it ---- */

typedef enum Verdict {
        VERDICT_NO,
        VERDICT_MAYBE, /* nothing tells */
        VERDICT_YES,
} Verdict;

static Verdict judge(const Ask *a, unsigned address, const ChipDescription *chip)
{
        const ChipIdentity *id = &chip->identity;
        uint8_t bytes[DECODE_BYTES_MAX];
        int r;

        if (!chip_has_address(chip, address))
                return VERDICT_NO;
        if (id->reg.n == 0)
                return VERDICT_MAYBE;
        r = a->port->transfer(a->port, a->fd, address, id->reg.bytes, id->reg.n, bytes, id->bytes);
        if (r == -EOPNOTSUPP)
                return VERDICT_MAYBE; /* this adapter cannot ask that */
        return r == 0 && decode_bits(&(Decode){.bytes = id->bytes, .mask = id->mask}, bytes) == id->value ? VERDICT_YES
                                                                                                         : VERDICT_NO;
}

static void take(Finding *f, const NamedChip *chip, Verdict verdict)
{
        if (verdict == VERDICT_YES && !f->is_identified) {
                /* what knows no such register is another chip */
                f->is_identified = true;
                f->n_chips = 0;
                f->mux = NULL;
        }
        if (verdict == VERDICT_NO || (verdict == VERDICT_MAYBE && f->is_identified))
                return;
        if (chip_is_multiplexer(chip->chip))
                f->mux = f->mux ?: chip;
        else if (f->n_chips < FINDING_CHIPS_MAX)
                f->chips[f->n_chips++] = chip;
}

static void identify(const Ask *a, Finding *f)
{
        for (size_t i = 0; i < a->n_chips; i++)
                take(f, &a->chips[i], judge(a, f->address, a->chips[i].chip));
}

/* ---- the bus ---- */

static void ask_address(const Ask *a, unsigned address, I2cQuestion question, Probe *p)
{
        switch (a->port->ask(a->port, a->fd, address, question)) {
        case 0:
                p->findings[p->n_findings].address = address;
                identify(a, &p->findings[p->n_findings++]);
                break;
        case -EBUSY:
                p->held[address] = 1;
                break;
        case -EAGAIN:
        case -ETIMEDOUT:
                p->n_stuck++;
                break;
        default:
                p->n_silent++;
        }
}

static int ask_all(const Ask *a, Probe *p)
{
        int functions = a->port->functions(a->port, a->fd);

        if (functions < 0)
                return functions;
        if (!(functions & (I2C_CAN_QUICK | I2C_CAN_RECEIVE)))
                return -EOPNOTSUPP;
        for (unsigned address = PROBE_FIRST; address <= PROBE_LAST; address++) {
                I2cQuestion question;

                if (probe_question(address, functions, &question))
                        ask_address(a, address, question, p);
                else
                        p->n_left_out++;
        }
        return 0;
}

int probe_bus(const I2cPort *port, const char *bus, const NamedChip *chips, size_t n_chips, Probe *ret)
{
        Ask a = {.port = port, .fd = port->open(port, bus), .chips = chips, .n_chips = n_chips};
        int r;

        *ret = (Probe){};
        if (a.fd < 0)
                return a.fd;
        r = ask_all(&a, ret);
        port->close(port, a.fd);
        return r;
}
