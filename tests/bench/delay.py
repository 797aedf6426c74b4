# SPDX-License-Identifier: Apache-2.0
"""A link that takes its time: a TCP proxy that passes every byte on so much later, in order, each way.

    with Delay(port, seconds=0.025) as delay:   # 50 ms there and back
        ... connect to delay.port ...
"""

import asyncio
import threading


class Delay:
    def __init__(self, port, seconds):
        self.target, self.seconds = port, seconds
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)

    def __enter__(self):
        self.server = self.loop.run_until_complete(asyncio.start_server(self.serve, '127.0.0.1', 0))
        self.port = self.server.sockets[0].getsockname()[1]
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.server.close()
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.close()

    async def serve(self, reader, writer):
        far_reader, far_writer = await asyncio.open_connection('127.0.0.1', self.target)
        await asyncio.gather(self.carry(reader, far_writer), self.carry(far_reader, writer), return_exceptions=True)

    async def carry(self, reader, writer):
        """What comes goes on later; what comes meanwhile is not held up by it."""
        while data := await reader.read(65536):
            self.loop.call_later(self.seconds, writer.write, data)
        self.loop.call_later(self.seconds, writer.close)
