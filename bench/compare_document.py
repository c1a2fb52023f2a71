# SPDX-License-Identifier: MIT
"""compare_document.py - the tables and charts of docs/benchmarks.md, made from the rounds in bench/results.

    bench/results/*.json   the rounds, by bench/compare
    bench/expected.json    what was expected, and the bar of each row: written before any timed run
    bench/reasons.json     why weir needs more than another server, row by row

tools/benchmarks_doc writes them, and checks that the document is equal.
"""
import json
import pathlib

import compare_peers
import compare_rows
import compare_statistics
import compare_table
import svg_chart

HERE = pathlib.Path(__file__).resolve().parent
RATIO_EDGE = 3.0  # charts end there
UNEXPLAINED = "Not explained yet."


def read(folder=HERE):
    """(rows, absent, expected, reasons). Of rows that several files have, the last file's count."""
    rows, absent = {}, {}
    for path in sorted((folder / "results").glob("*.json")):
        document = json.loads(path.read_text())
        rows.update(document["rows"])
        absent.update(document.get("absent", {}))
    rows = {name: rows[name] for name in compare_rows.ROWS if name in rows}
    return rows, absent, *(json.loads((folder / name).read_text()) for name in ("expected.json", "reasons.json"))


def number(value, digits=2):
    return f"{value:,.0f}" if value >= 100 or (float(value).is_integer() and value != 1) else f"{value:.{digits}f}"


def state(value, expected):
    """The cell of the bar: "at most 1.05: met". value: Paired, or a count."""
    bar = expected.get("bar")
    if bar is None or value is None:
        return ""
    result = (compare_statistics.against_bar(value, bar) if isinstance(value, compare_statistics.Paired)
              else "met" if value <= bar else "missed")
    return f"at most {number(bar)}: {result}"


def shown_expected(expected):
    return number(expected["expected"]) if "expected" in expected else ""


def bold(name):
    return f"**{name}**" if compare_table.is_own(name) else name


def timed_table(row_name, measured, expected):
    row = compare_rows.ROWS[row_name]
    unit = compare_rows.plural(row.unit)
    figure = f"ns of CPU per {row.unit}" if row.figure == "cpu" else "p50, ns"
    out = [f"| server | {figure} | ratio | result | expected | bar | {unit}/s | p50 us | p99 us | util |",
           "| --- | ---: | ---: | --- | ---: | --- | ---: | ---: | ---: | ---: |"]
    for line in compare_table.lines(row_name, measured):
        wanted = expected.get(line.name, {})
        base = "" if compare_peers.base_of(line.name) == compare_peers.BASE else f" to {compare_peers.base_of(line.name)}"
        out.append(f"| {bold(line.name)} | {line.figure:,.0f} | {compare_table.shown_ratio(line.ratio)}{base} | {line.result} | "
                   f"{shown_expected(wanted)} | {state(line.ratio, wanted)} | {line.rate:,.0f} | {line.p50_us:,.1f} | "
                   f"{line.p99_us:,.1f} | {line.util:.2f} |")
    return out


def count_table(row_name, measured, expected):
    out = [f"| server | {compare_rows.ROWS[row_name].unit} | expected | bar | |", "| --- | ---: | ---: | --- | --- |"]
    for name, result in measured["servers"].items():
        wanted = expected.get(name, {})
        count = result.get("count")
        calls = ", ".join(f"{call} {times:g}" for call, times in result.get("calls", {}).items() if times >= 0.01)
        note = calls or ("not counted: " + result["failed"] if "failed" in result else "")
        out.append(f"| {bold(name)} | {number(count) if count is not None else '-'} | {shown_expected(wanted)} | "
                   f"{state(count, wanted)} | {note} |")
    return out


def conclusion(row_name, measured, reasons):
    """The sentences below a table: which servers need less than weir, and why."""
    best, lost = compare_table.best_own(row_name, measured), compare_table.losses(row_name, measured)
    if best is None:
        return ["weir was not measured."]
    others = []
    if compare_rows.ROWS[row_name].figure != "count":
        ratios = ", ".join(f"{name} {ratio.median:.2f}" for name, ratio in compare_table.against_others(row_name, measured))
        others = [f"{best} to the others, paired: {ratios}."]
    if not lost:
        return [f"No server of this row needs less than {best}, as far as the run shows.", *others]
    if compare_rows.ROWS[row_name].figure == "count":
        names = ", ".join(f"{name} ({number(measured['servers'][name]['count'])})" for name, _ in lost)
        return [f"**weir loses this row.** Less than {best}: {names}.", f"Why: {reasons.get(row_name, UNEXPLAINED)}"]
    names = ", ".join(name for name, _ in lost)
    return [f"**weir loses this row.** Cheaper than {best}: {names}.", f"Why: {reasons.get(row_name, UNEXPLAINED)}", *others]


def origin(row_name, measured):
    row = compare_rows.ROWS[row_name]
    rounds = "" if row.figure == "count" else (f"{measured['rounds']} rounds of {measured['seconds']:g} s; noise "
                                               f"{100 * compare_table.noise_of(row_name, measured):.1f} %. ")
    return (f"{rounds}{measured['date']}, {measured['weir']}, commit {measured['commit']}; {measured['processor']}, "
            f"Linux {measured['kernel']}, {measured['system']}.")


def chart(row_name, measured):
    """The SVG of a row."""
    row = compare_rows.ROWS[row_name]
    color = lambda name: (svg_chart.OWN if compare_table.is_own(name) else  # noqa: E731
                          svg_chart.BASE if name.startswith(compare_peers.BASE) else svg_chart.OTHER)
    if row.figure == "count":
        counts = {name: result["count"] for name, result in measured["servers"].items() if "count" in result}
        own = max((count for name, count in counts.items() if compare_table.is_own(name)), default=1)
        bars = [svg_chart.Bar(name, count, None, None, number(count), color(name)) for name, count in counts.items()]
        return svg_chart.bars(row.title, bars, max(1.6 * own, 1))
    entries = [svg_chart.Bar(line.name, line.ratio.median, line.ratio.low, line.ratio.high, compare_table.shown_ratio(line.ratio),
                             color(line.name)) for line in compare_table.lines(row_name, measured) if line.ratio]
    what = "CPU" if row.figure == "cpu" else "p50"
    return svg_chart.bars(f"{row.title}: {what}, ratio to the bare loop", entries,
                          min(RATIO_EDGE, max(1.25, *(1.1 * entry.high for entry in entries))), 1.0,
                          compare_table.noise_of(row_name, measured))


def overview(rows, expected):
    """One line for each row with a bar: what weir has, and what it should have."""
    out = ["| row | server | measured | expected | bar |", "| --- | --- | ---: | ---: | --- |"]
    for row_name, measured in rows.items():
        wanted = expected.get(row_name, {})
        if compare_rows.ROWS[row_name].figure == "count":
            values = {name: result.get("count") for name, result in measured["servers"].items()}
        else:
            values = {line.name: line.ratio for line in compare_table.lines(row_name, measured)}
        for name, value in values.items():
            if not compare_table.is_own(name):
                continue
            shown = (compare_table.shown_ratio(value) if isinstance(value, compare_statistics.Paired) else
                     number(value) if value is not None else "-")
            out.append(f"| {compare_rows.ROWS[row_name].title} | {name} | {shown} | {shown_expected(wanted.get(name, {}))} | "
                       f"{state(value, wanted.get(name, {}))} |")
    return out


def servers_table():
    out = ["| server | what it is |", "| --- | --- |"]
    return out + [f"| {bold(name)} | {note} |" for name, note in compare_peers.NOTES.items()]


def generate(rows, absent, expected, reasons):
    """(the text between the marks of docs/benchmarks.md, {name of a file in docs/benchmarks: its text})."""
    out, files = ["", *servers_table(), "", "### All rows", "", *overview(rows, expected["rows"])], {}
    missing = [row.title for name, row in compare_rows.ROWS.items() if name not in rows]
    if missing:
        out += ["", f"Not measured yet: {'; '.join(missing)}."]
    if absent:
        out += ["", f"Left out: {'; '.join(f'{name}: {why}' for name, why in absent.items())}."]
    for row_name, measured in rows.items():
        row = compare_rows.ROWS[row_name]
        table = count_table if row.figure == "count" else timed_table
        files[f"{row_name}.svg"] = chart(row_name, measured)
        out += ["", f"### {row.title}", "", f"![{row.title}](benchmarks/{row_name}.svg)", "",
                *table(row_name, measured, expected["rows"].get(row_name, {})), "", *conclusion(row_name, measured, reasons), "",
                origin(row_name, measured)]
    return "\n".join(out) + "\n\n", files
