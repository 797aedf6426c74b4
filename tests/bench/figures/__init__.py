# SPDX-License-Identifier: Apache-2.0
"""The parts of the benchmark. Each has a name, its GOALS, and a class that is made once and played once a round:

    class Part:
        ROUNDS_OF_WARMTH = 1                    # rounds that do not count: they make files that later ones write to
        def __init__(self, bed): ...
        def play(self): return {contender: {column: figure}}
"""
