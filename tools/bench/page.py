# SPDX-License-Identifier: MIT
"""The comparison as one page: verdicts, pictures, a table of every row."""

import html


COLUMNS = (
    ("workload", lambda row: row.work),
    ("strategy", lambda row: row.strategy),
    ("quota", lambda row: row.quota_text or ""),
    ("policy", lambda row: "" if row.policy == "none" else row.policy),
    ("flush", lambda row: "" if row.flush == "none" else row.flush),
    ("calls", lambda row: "" if row.calls == "none" else row.calls),
    ("guest", lambda row: row.guest),
    ("irq", lambda row: row.irq),
    ("Mbit/s", lambda row: f"{row.mbit:.0f}" if row.bytes else ""),
    ("CPU %", lambda row: f"{row.cpu:.0f}"),
    ("packets", lambda row: f"{row.packets:,}"),
    ("hits %", lambda row: f"{row.hit_percent:.2f}" if row.maps else ""),
    ("hypercalls / packet", lambda row: f"{row.a_packet('hypercalls'):.4f}"),
    ("exits / packet", lambda row: f"{row.a_packet('exits'):.4f}"),
    ("invalidations / packet", lambda row: f"{row.a_packet('inv_descriptors'):.4f}"),
    ("waits / packet", lambda row: f"{row.a_packet('inv_waits'):.4f}"),
    ("resident", lambda row: f"{row.resident_peak:,}"),
    ("touched", lambda row: f"{row.pages_touched:,}"),
)
STYLE = """body{font:15px/1.5 sans-serif;max-width:1300px;margin:2em auto;padding:0 1em;color:#222}img{max-width:100%}
table{border-collapse:collapse;font-size:12px}td,th{padding:2px 8px;border-bottom:1px solid #ddd;text-align:right}
td:nth-child(-n+8),th:nth-child(-n+8){text-align:left}figure{margin:2em 0}figcaption{color:#555}.no{color:#b00}"""


def cell(tag, text):
    return f"<{tag}>{html.escape(str(text))}</{tag}>"


def table(rows):
    lines = ["<table><tr>" + "".join(cell("th", title) for title, _ in COLUMNS) + "</tr>"]
    lines += ["<tr>" + "".join(cell("td", value(row)) for _, value in COLUMNS) + "</tr>" for row in rows]
    return lines + ["</table>"]


def verdict(claim):
    word = {True: "shown", False: "NOT shown", None: "not looked at"}[claim.shown]
    return f"<li>{html.escape(claim.text)} <b{'' if claim.shown else ' class=no'}>{word}</b>: {html.escape(claim.numbers)}</li>"


def page(name, machine, traffic, exact, claims, drawn):
    lines = ["<!doctype html><html lang=en><meta charset=utf-8>", f"<title>Sluice: {html.escape(name)}</title><style>{STYLE}</style>"]
    lines += [f"<h1>Sluice: the comparison ({html.escape(name)})</h1>"]
    lines += ["<p>" + html.escape(", ".join(f"{key} {value}" for key, value in machine.items())) + "</p>"]
    lines += ["<p>Rows with a peer on the host vary from round to round: medians, with the lowest and the highest. Rows of loopback and map_ repeat exactly, "
              "and their times are instructions. Under an emulator, times tell nothing about hardware; counts do.</p>"]
    lines += ["<h2>What the papers claim</h2><ul>", *map(verdict, claims), "</ul>"]
    for file, title, caption in drawn:
        lines += [f"<figure><a href={file}.svg><img src={file}.png alt={html.escape(repr(title))}></a>",
                  f"<figcaption>{html.escape(caption)}</figcaption></figure>"]
    lines += ["<h2>Traffic</h2>", *table(traffic), "<h2>Rows that repeat exactly</h2>", *table(exact), "</html>"]
    return "\n".join(lines) + "\n"
