# SPDX-License-Identifier: MIT
"""compare_statistics.py - what bench/compare concludes from its rounds.

Every round measures all servers, so two of them are compared round by round: the ratio of a round is not changed by what
slows the machine during that round. The median of the ratios is the result. Its interval comes from the ordered ratios: with
8 rounds, the second smallest to the second largest contains the true median with 93 percent. No distribution is assumed.

A second instance of the first server, measured like another one, shows the noise (A/A). A server is cheaper or dearer only if
the interval does not contain 1 and the median is farther from 1 than the noise. Otherwise there is no winner.
"""
import collections
import math
import statistics

CONFIDENCE = 0.90

Paired = collections.namedtuple("Paired", "median low high")


def paired_ratios(values, base):
    """The ratios of the rounds. Rounds without a value (None) on one side are left out."""
    return [value / other for value, other in zip(values, base) if value is not None and other]


def coverage(count, skipped):
    """How probably the true median is between the ordered values, `skipped` at either end left out."""
    return 1 - 2 * sum(math.comb(count, index) for index in range(skipped + 1)) / 2 ** count


def paired(values, base):
    """The Paired ratio of values to base; None without any round."""
    ratios = sorted(paired_ratios(values, base))
    if not ratios:
        return None
    skipped = 0
    while 2 * (skipped + 1) < len(ratios) and coverage(len(ratios), skipped + 1) >= CONFIDENCE:
        skipped += 1
    return Paired(statistics.median(ratios), ratios[skipped], ratios[-1 - skipped])


def noise(again):
    """How far from 1 the ratio of a server to itself is: the Paired ratio of the second instance."""
    return max(abs(again.low - 1), abs(again.high - 1), abs(again.median - 1))


def winner(ratio, noise_of_run):
    """-1: cheaper, 1: dearer, 0: no difference that the run shows."""
    if ratio.low <= 1 <= ratio.high or abs(ratio.median - 1) <= noise_of_run:
        return 0
    return -1 if ratio.median < 1 else 1


def against_bar(ratio, bar):
    """Whether a ratio that should be at most `bar` is: "met", "missed", or "open" if the interval contains the bar."""
    if ratio.high <= bar:
        return "met"
    return "missed" if ratio.low > bar else "open"


def order_of(names, round_index):
    """The order of a round: reversed in every other one, so that what grows during a round hits both ends alike."""
    return list(names) if round_index % 2 == 0 else list(reversed(names))
