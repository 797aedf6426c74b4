/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The record of a reading, of any bytes. What is taken for one is in bounds, and written again reads again.
 */

#include <string.h>

#include "fuzz.h"
#include "model/reading.h"

static ReadingSpace space, other_space;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        Buffer first = BUFFER_NULL, second = BUFFER_NULL;
        Reading reading, again;

        if (reading_decode(data, size, &space, &reading) != 0)
                return 0;
        promise(name_is_valid(reading.sensor));
        promise(reading.n_channels >= 1 && reading.n_channels <= READING_CHANNELS_MAX);
        for (size_t i = 0; i < reading.n_channels; i++)
                promise(name_is_valid(reading.channels[i].name) && reading.channels[i].value.kind < _VALUE_KIND_MAX);
        reading_encode(&reading, &first);
        promise(first.error == 0 && first.size == size);
        promise(reading_decode(first.data, first.size, &other_space, &again) == 0);
        reading_encode(&again, &second);
        promise(second.size == first.size && memcmp(second.data, first.data, first.size) == 0);
        buffer_done(&first);
        buffer_done(&second);
        return 0;
}
