# SPDX-License-Identifier: MIT
"""compare_table.py - what the rounds of one row say: a line for each server, and the sentences about them."""
import collections
import statistics

import compare_measure
import compare_peers
import compare_rows
import compare_statistics

WEIR = ("weir ",)
WORDS = {-1: "cheaper", 0: "no difference", 1: "dearer"}
UTIL_MIN = 0.9 # of a server that was never idle; below it, the machine or the load limited the rate

# figure: median. ratio: Paired, to the base of the server. result: one of WORDS, or "" for the base.
Line = collections.namedtuple("Line", "name figure ratio result rate p50_us p99_us util")


def figures(row_name, results):
    row = compare_rows.ROWS[row_name]
    return [compare_measure.figure_of(row, result) if result else None for result in results]


def median_of(results, member):
    values = [member(result) for result in results if result]
    return statistics.median(values)


def noise_of(row_name, measured):
    """The noise of a timed row: how far the ratio of the bare loop to itself is from 1."""
    servers = measured["servers"]
    again = compare_statistics.paired(figures(row_name, servers.get(compare_peers.AGAIN, [])),
                                      figures(row_name, servers.get(compare_peers.BASE, [])))
    return compare_statistics.noise(again) if again else 0.0


def lines(row_name, measured):
    """The Lines of a timed row."""
    servers, noise, found = measured["servers"], noise_of(row_name, measured), []
    for name, results in servers.items():
        base = compare_peers.base_of(name)
        ratio = compare_statistics.paired(figures(row_name, results), figures(row_name, servers.get(base, [])))
        result = ""
        if ratio and name not in (compare_peers.BASE, compare_peers.AGAIN):
            result = WORDS[compare_statistics.winner(ratio, noise)]
        found.append(Line(name, statistics.median(value for value in figures(row_name, results) if value is not None), ratio,
                          result, median_of(results, lambda one: one["messages"] / one["seconds"]),
                          median_of(results, lambda one: one["p50_ns"] / 1000),
                          median_of(results, lambda one: one["p99_ns"] / 1000), median_of(results, lambda one: one["util"])))
    return found


def is_own(name):
    return name.startswith(WEIR)


def best_own(row_name, measured):
    """The weir with the lowest figure, with its default settings: variants are compared apart."""
    servers = measured["servers"]
    own = [name for name in servers if is_own(name) and not name.endswith((" sessions", " spin"))]
    if compare_rows.ROWS[row_name].figure == "count":
        own = [name for name in own if "count" in servers[name]]
        return min(own, key=lambda name: servers[name]["count"], default=None)
    return min(own, key=lambda name: statistics.median(
        value for value in figures(row_name, servers[name]) if value is not None), default=None)


def against_others(row_name, measured):
    """[(server, Paired ratio of the best weir to it)]: below 1, weir needs less."""
    servers, best = measured["servers"], best_own(row_name, measured)
    ratios = [(name, compare_statistics.paired(figures(row_name, servers[best]), figures(row_name, results)))
              for name, results in servers.items() if best and not is_own(name) and name != compare_peers.AGAIN]
    return [(name, ratio) for name, ratio in ratios if ratio]


def losses(row_name, measured):
    """[(server, how weir compares with it)]: the servers that are cheaper than the best weir of the row."""
    if compare_rows.ROWS[row_name].figure == "count":
        servers, best = measured["servers"], best_own(row_name, measured)
        own = servers[best]["count"] if best else 0
        return [(name, own / max(result["count"], 1e-9)) for name, result in servers.items()
                if not is_own(name) and result.get("count", own) < own]
    noise = noise_of(row_name, measured)
    return [(name, ratio.median) for name, ratio in against_others(row_name, measured)
            if compare_statistics.winner(ratio, noise) > 0]


def shown_ratio(ratio):
    return f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})" if ratio else "-"


def text(row_name, measured):
    """The table for the terminal."""
    row = compare_rows.ROWS[row_name]
    if row.figure == "count":
        return count_text(row_name, measured)
    noise = noise_of(row_name, measured)
    unit = "ns" if row.figure == "cpu" else "p50 ns"
    out = [f"\n{row_name}: {row.title}; {measured['rounds']} rounds of {measured['seconds']} s; "
           f"noise {100 * noise:.1f} %",
           f"  {'server':20} {unit:>8} {'ratio (paired)':>24} {'':14} {compare_rows.plural(row.unit) + '/s':>14} {'p50 us':>8} {'p99 us':>8} {'util':>5}"]
    for line in lines(row_name, measured):
        out.append(f"  {line.name:20} {line.figure:8.0f} {shown_ratio(line.ratio):>24} {line.result:14} {line.rate:14.0f} "
                   f"{line.p50_us:8.1f} {line.p99_us:8.1f} {line.util:5.2f}")
    return "\n".join(out)


def count_text(row_name, measured):
    out = [f"\n{row_name}: {compare_rows.ROWS[row_name].title}"]
    for name, result in measured["servers"].items():
        calls = ", ".join(f"{call} {count:g}" for call, count in result.get("calls", {}).items())
        out.append(f"  {name:20} {result.get('count', '-'):>10}  {calls}{result.get('failed', '')}")
    return "\n".join(out)
