/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/formats.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static int compile(Queue *queue, const StreamSettings *streams, size_t n_streams, Format **formats)
{
        for (size_t i = 0; i < n_streams; i++) {
                unsigned stream;
                int r = queue_stream(queue, streams[i].name,
                                     streams[i].urgent ? QUEUE_LANE_URGENT : QUEUE_LANE_NORMAL, &stream);

                if (r < 0)
                        return r;
                assert(stream < QUEUE_STREAMS_MAX);
                formats[stream] = format_free(formats[stream]);
                r = format_new(&formats[stream], &streams[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static void free_all(Format **formats)
{
        for (size_t stream = 0; stream < QUEUE_STREAMS_MAX; stream++)
                formats[stream] = format_free(formats[stream]);
}

int formats_configure(Formats *f, const UplinkSettings *settings, const StreamSettings *streams, size_t n_streams)
{
        _cleanup_free_ char *device_id = strdup(settings->device_id ? settings->device_id : "");
        Format *formats[QUEUE_STREAMS_MAX] = {};
        int r = device_id ? compile(f->queue, streams, n_streams, formats) : -ENOMEM;

        if (r < 0) {
                free_all(formats);
                return r;
        }
        free_all(f->by_stream);
        memcpy(f->by_stream, formats, sizeof(formats));
        f->may_expire = false;
        for (size_t stream = 0; stream < QUEUE_STREAMS_MAX; stream++)
                if (formats[stream] && formats[stream]->expire_after_usec != USEC_INFINITY)
                        f->may_expire = true;
        free(f->device_id);
        f->device_id = TAKE_PTR(device_id);
        f->unit = settings->unit;
        f->unit_userdata = settings->unit_userdata;
        return 0;
}

void formats_done(Formats *f)
{
        free_all(f->by_stream);
        free(f->device_id);
        *f = (Formats){};
}

const Format *formats_get(Formats *f, unsigned stream)
{
        assert(stream < QUEUE_STREAMS_MAX);
        if (!f->by_stream[stream])
                (void)format_new_usual(&f->by_stream[stream], queue_stream_name(f->queue, stream));
        return f->by_stream[stream];
}

const char *formats_unit(const Formats *f, const Reading *reading)
{
        return f->unit ? f->unit(f->unit_userdata, reading->sensor, reading->channels[0].name) : NULL;
}
