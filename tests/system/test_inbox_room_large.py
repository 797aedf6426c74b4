# SPDX-License-Identifier: Apache-2.0
"""The inbox without room for more, of messages of nearly the largest size."""

from room import devhub, gateway, telemetry_goes_on  # noqa: F401 (two fixtures)


def test_telemetry_goes_on(gateway, devhub):  # noqa: F811
    telemetry_goes_on(gateway, devhub, 60000)
