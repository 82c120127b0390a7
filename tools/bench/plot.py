# SPDX-License-Identifier: MIT
"""Pictures by gnuplot: bars in groups, with their spread, and curves; several panels a picture, as PNG and SVG."""

import dataclasses
import subprocess

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999", "#000000", "#882255")


@dataclasses.dataclass
class Bars:
    title: str
    axis: str
    groups: list  # labels along x
    series: dict  # name: a (middle, low, high) or None for each group
    log: bool = False
    floor: float = 0.001  # with log: what is below is drawn there


@dataclasses.dataclass
class Curves:
    title: str
    x_axis: str
    axis: str
    series: dict  # name: [(x, y)]
    log: bool = False
    log_x: bool = False
    floor: float = 0.01
    x_labels: dict = dataclasses.field(default_factory=dict)  # at x: text


def quoted(text):
    return "'" + str(text).replace("'", "''") + "'"


def tick(label, at):
    """gnuplot takes a tick's label for a format, and breaks lines in double quotes only."""
    return '"' + str(label).replace("%", "%%").replace('"', "'") + f'" {at}'


def block(name, lines):
    return [f"{name} << EOD", *lines, "EOD"]


def y_axis(panel, values):
    top = max([value for value in values if value is not None], default=1) or 1
    if panel.log:
        return ["set logscale y", f"set yrange [{panel.floor}:{max(top, 2 * panel.floor) * 1.5}]"]
    return ["unset logscale y", f"set yrange [0:{top * 1.05}]"]


def bars(panel, index):
    width = 0.8 / max(1, len(panel.series))
    lines, plots, values = [], [], []
    for i, (name, points) in enumerate(panel.series.items()):
        rows, spreads = [], []
        for group, point in enumerate(points):
            if point is None:
                continue
            middle, low, high = (max(value, panel.floor) if panel.log else value for value in point)
            values.append(high)
            at = group + (i - (len(panel.series) - 1) / 2) * width
            rows.append(f"{at} {middle}")
            if low != high:
                spreads.append(f"{at} {low} 0 {high - low}")
        lines += block(f"$p{index}_{i}", rows or ["NaN NaN"]) + block(f"$s{index}_{i}", spreads or ["NaN NaN NaN NaN"])
        colour = COLOURS[i % len(COLOURS)]
        plots.append(f"$p{index}_{i} using 1:2:({width * 0.92}) with boxes fs solid 0.85 noborder lc rgb '{colour}' title {quoted(name)}")
        plots.append(f"$s{index}_{i} with vectors heads size graph 0.006,90 fixed lc rgb '#333333' notitle")
    lines += y_axis(panel, values)
    ticks = ", ".join(tick(label, group) for group, label in enumerate(panel.groups))
    lines += ["unset logscale x", f"set xtics ({ticks}) font ',8' scale 0", f"set xrange [-0.6:{len(panel.groups) - 0.4}]"]
    lines += ["unset xlabel", f"set ylabel {quoted(panel.axis)}", f"set title {quoted(panel.title)}"]
    return lines + ["plot " + ", ".join(plots)]


def curves(panel, index):
    lines, plots, values = [], [], []
    for i, (name, points) in enumerate(panel.series.items()):
        points = [(x, max(y, panel.floor) if panel.log else y) for x, y in points]
        values += [y for _, y in points]
        lines += block(f"$p{index}_{i}", [f"{x} {y}" for x, y in points] or ["NaN NaN"])
        plots.append(f"$p{index}_{i} with linespoints lw 2 pt {i + 4} lc rgb '{COLOURS[i % len(COLOURS)]}' title {quoted(name)}")
    lines += y_axis(panel, values)
    lines += ["set logscale x 2" if panel.log_x else "unset logscale x", "set autoscale x", "set xtics autofreq font ',9' scale 1"]
    if panel.x_labels:
        lines += ["set xtics (" + ", ".join(tick(text, x) for x, text in panel.x_labels.items()) + ")"]
    lines += [f"set xlabel {quoted(panel.x_axis)}", f"set ylabel {quoted(panel.axis)}", f"set title {quoted(panel.title)}"]
    return lines + ["plot " + ", ".join(plots)]


def script(title, panels, columns, terminal, output):
    rows = -(-len(panels) // columns)
    size = f"{760 * columns if columns > 1 else 1300},{400 * rows + 40}"
    lines = [f"set terminal {terminal} noenhanced size {size} font 'sans,10'", f"set output {quoted(output)}"]
    lines += [f"set multiplot layout {rows},{columns} title {quoted(title)} font ',13'", "set grid ytics lc rgb '#dddddd'"]
    lines += ["set key outside right top vertical Left reverse font ',9' samplen 1.5", "set bmargin 4"]
    for index, panel in enumerate(panels):
        lines += (bars if isinstance(panel, Bars) else curves)(panel, index)
    return "\n".join(lines + ["unset multiplot", ""])


def draw(out, name, title, panels, columns=2):
    """Writes out/name.png and out/name.svg, of the panels that have something to show. False: none has."""
    panels = [panel for panel in panels if any(any(points) for points in panel.series.values())]
    if not panels:
        return False
    for terminal in ("png", "svg"):
        output = out / f"{name}.{terminal}"
        text = script(title, panels, min(columns, len(panels)), {"png": "pngcairo", "svg": "svg"}[terminal], output)
        subprocess.run(["gnuplot"], input=text, text=True, check=True)
    return True
