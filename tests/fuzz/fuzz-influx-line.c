/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A line of InfluxDB's protocol, of any bytes. What is taken for one is a reading that can be stored, and read again;
 * what is refused says where, within the line.
 */

#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "fuzz.h"
#include "sensor/influx-line.h"

static void promise_channel(const Channel *c)
{
        promise(channel_name_is_valid(c->name) && c->value.kind < _VALUE_KIND_MAX);
        if (c->value.kind == VALUE_NUMBER)
                promise(isfinite(c->value.number));
        if (c->value.kind == VALUE_TEXT)
                promise(strlen(c->value.text) <= READING_TEXT_MAX && utf8_is_valid(c->value.text, strlen(c->value.text)));
}

static void promise_reading(const ReadingLine *line)
{
        static ReadingSpace space;
        Buffer record = BUFFER_NULL;
        Reading reading = {
                .sensor = line->sensor,
                .wall_usec = line->wall_usec,
                .channels = line->channels,
                .n_channels = line->n_channels,
        };

        promise(name_is_valid(line->sensor));
        promise(line->n_channels >= 1 && line->n_channels <= READING_CHANNELS_MAX);
        for (size_t i = 0; i < line->n_channels; i++)
                promise_channel(&line->channels[i]);
        reading_encode(&reading, &record);
        promise(record.error == 0 && reading_decode(record.data, record.size, &space, &reading) == 0);
        buffer_done(&record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static ReadingLine line;
        char *text = malloc(size > 0 ? size : 1); /* of its size, so that a step beyond it is seen */

        promise(text);
        if (size > 0)
                memcpy(text, data, size);
        switch (influx_line_parse(text, size, &line)) {
        case 0:
                promise_reading(&line);
                break;
        case READING_LINE_E_REFUSED:
                promise(line.error && line.refusal < _REFUSAL_MAX && line.column >= 1 && line.column <= size + 1);
                break;
        default:
                promise(size > 0 && memchr(data, '#', size));
        }
        free(text);
        return 0;
}
