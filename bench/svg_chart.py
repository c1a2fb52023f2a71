# SPDX-License-Identifier: MIT
"""svg_chart.py - draws horizontal bars as an SVG file, with intervals, and with a band around a reference line.

    name |=========|--+--|   0.97          bars longer than the chart end at its edge, and their label gives the value
                   ^ reference
"""
import collections
import html

# value: the length. low, high: the interval, or None. label: at its right. color: of the bar.
Bar = collections.namedtuple("Bar", "name value low high label color")

OWN, BASE, OTHER = "#1f6fb2", "#8a8f98", "#b8c2cc"
WIDTH, LEFT, RIGHT, LINE, TOP = 760, 150, 170, 22, 34


def text(x, y, words, anchor="start", size=12, weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" fill="#24292f">'
            f"{html.escape(words)}</text>")


def rectangle(x, y, width, height, color):
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{height:.1f}" fill="{color}"/>'


def vertical(x, top, bottom, color, dash=""):
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="M{x:.1f} {top:.1f}V{bottom:.1f}" stroke="{color}" fill="none"{dashed}/>'


def interval(low, high, y):
    return f'<path d="M{low:.1f} {y:.1f}H{high:.1f}M{low:.1f} {y - 4:.1f}v8M{high:.1f} {y - 4:.1f}v8" stroke="#24292f" fill="none"/>'


def bars(title, entries, limit, reference=None, band=0.0):
    """The chart. limit: the value at the right edge. reference, band: a line, and how far the grey around it reaches."""
    height, scale = TOP + LINE * len(entries) + 10, (WIDTH - LEFT - RIGHT) / limit
    at = lambda value: LEFT + min(value, limit) * scale  # noqa: E731
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
           'font-family="sans-serif" role="img">', f"<title>{html.escape(title)}</title>",
           rectangle(0, 0, WIDTH, height, "#ffffff"), text(8, 20, title, size=13, weight="bold")]
    if reference is not None:
        out.append(rectangle(at(reference - band), TOP, at(reference + band) - at(reference - band), LINE * len(entries), "#e6e8eb"))
    for index, bar in enumerate(entries):
        y = TOP + LINE * index
        out += [text(LEFT - 8, y + 15, bar.name, "end"), rectangle(LEFT, y + 4, at(bar.value) - LEFT, LINE - 8, bar.color)]
        if bar.low is not None and bar.low < limit:
            out.append(interval(at(bar.low), at(bar.high), y + LINE / 2))
        out.append(text(max(at(bar.value), at(bar.high or 0)) + 6, y + 15, bar.label))
    if reference is not None:
        out.append(vertical(at(reference), TOP, TOP + LINE * len(entries), "#24292f", "3 3"))
    return "\n".join([*out, "</svg>"]) + "\n"
