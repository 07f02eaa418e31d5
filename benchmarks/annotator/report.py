"""What simulated annotators found, as a table and as a figure.

    python -m benchmarks.annotator.report build/annotator/annotator.jsonl --figure docs/images/annotator.png

"Full" in the table is the mean over seeds of the models that learned from everything.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Final

import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from benchmarks.annotator.runner import FULL
from benchmarks.painting_site import chromium
from core.figures.style import MUTED, SERIES, styled, translucent

SIZE_PX: Final = (900, 480)

PLOT: Final = "text => { const it = JSON.parse(text); return Plotly.newPlot('figure', it.data, it.layout); }"

DASHES: Final = ("solid", "dot", "dash", "dashdot", "longdash")


def read(path: Path) -> pd.DataFrame:
    """A row per line of the result: world, plan, seed, round, minutes, regions, anew, confirmed_px, dice (mean).

    The mean is over the classes that the test set shows: those that have a figure in every line of their world.
    """
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    table = pd.DataFrame(lines)
    undefined = {
        (line["world"], name)
        for line in lines
        for name, value in line["dice"].items()
        if value is None or math.isnan(value)
    }
    table["per_class"] = [
        {name: value for name, value in line["dice"].items() if (line["world"], name) not in undefined}
        for line in lines
    ]
    table["dice"] = [sum(each.values()) / len(each) for each in table["per_class"]]
    return table


def rounds_of(table: pd.DataFrame, plan: str) -> pd.DataFrame:
    """Means over seeds for each round of a plan, with the lowest and highest Dice; first round first."""
    chosen = table[table["plan"] == plan]
    grouped = chosen.groupby("round").agg(
        minutes=("minutes", "mean"), dice=("dice", "mean"), low=("dice", "min"), high=("dice", "max"),
        seeds=("seed", "nunique"), regions=("regions", "mean"), anew=("anew", "mean"),
    )  # fmt: skip
    return grouped.reset_index()


def plans_in(table: pd.DataFrame) -> list[str]:
    """Plans in the order of their first lines, without full annotation."""
    return [plan for plan in table["plan"].unique() if plan != FULL]


def draw(table: pd.DataFrame, title: str) -> go.Figure:
    """Dice against minutes of annotation: a line per plan through the means, an open mark for every seed."""
    figure = go.Figure()
    for number, plan in enumerate(plans_in(table)):
        rows, color = rounds_of(table, plan), SERIES[number % len(SERIES)]
        seeds = table[table["plan"] == plan]
        figure.add_scatter(
            x=seeds["minutes"], y=seeds["dice"], mode="markers", showlegend=False,
            marker={"size": 7, "symbol": "circle-open", "color": translucent(color, 0.6)},
        )  # fmt: skip
        figure.add_scatter(
            x=rows["minutes"], y=rows["dice"], name=plan, mode="lines+markers",
            line={"color": color, "width": 2.4, "dash": DASHES[number % len(DASHES)]}, marker={"size": 9},
        )  # fmt: skip
    full = table[table["plan"] == FULL]
    if len(full):
        level, minutes = float(full["dice"].mean()), float(full["minutes"].mean())
        for share, text in ((1.0, f"everything by hand, {minutes:.0f} min"), (0.95, "95 % of that")):
            figure.add_hline(
                y=share * level, line={"color": MUTED, "dash": "dot", "width": 1.4}, annotation_text=text,
                annotation_position="top left", annotation_font_color=MUTED,
            )  # fmt: skip
    styled(figure, showlegend=True, width=SIZE_PX[0], height=SIZE_PX[1], paper_bgcolor="white", plot_bgcolor="white")
    figure.update_xaxes(title=f"simulated minutes of annotation ({title})", rangemode="tozero")
    figure.update_yaxes(title="mean Dice on the test set", dtick=0.1)
    return figure


def markdown(table: pd.DataFrame) -> str:
    """The table of the documentation: a row per plan and round."""
    full = table[table["plan"] == FULL]
    level = float(full["dice"].mean()) if len(full) else float("nan")
    hand = float(full["minutes"].mean()) if len(full) else float("nan")
    lines = [
        "| places | round | minutes | of all by hand | mean Dice (lowest to highest seed) | of full |",
        "|---|---|---|---|---|---|",
    ]
    for plan in plans_in(table):
        for _, row in rounds_of(table, plan).iterrows():
            lines.append(
                f"| {plan} | {row['round']:.0f} | {row['minutes']:.1f} | {100 * row['minutes'] / hand:.1f} % | "
                f"{row['dice']:.3f} ({row['low']:.3f} to {row['high']:.3f}) | {100 * row['dice'] / level:.1f} % |"
            )
    if len(full):
        spread = f"{full['dice'].min():.3f} to {full['dice'].max():.3f}"
        lines.append(f"| all images by hand | | {hand:.1f} | 100 % | {level:.3f} ({spread}) | 100 % |")
    return "\n".join(lines)


def classes(table: pd.DataFrame) -> str:
    """Dice of each class in the last round of each plan, mean over seeds, as a table."""
    names = list(table["per_class"].iloc[0])
    lines = [f"| places | {' | '.join(names)} |", f"|---{'|---' * len(names)}|"]
    for plan in [*plans_in(table), FULL]:
        rows = table[table["plan"] == plan]
        last = rows[rows["round"] == rows["round"].max()]
        figures = [sum(each[name] for each in last["per_class"]) / max(len(last), 1) for name in names]
        if len(last):
            lines.append(f"| {plan} | {' | '.join(f'{value:.3f}' for value in figures)} |")
    return "\n".join(lines)


def save(figure: go.Figure, out: Path) -> None:
    """As PNG, two pixels for one, drawn by Chromium."""
    page_html = "<body style='margin:0'><div id=figure></div></body>"
    with chromium() as browser:
        page = browser.new_page(viewport={"width": SIZE_PX[0], "height": SIZE_PX[1]}, device_scale_factor=2)
        page.set_content(page_html)
        page.add_script_tag(content=get_plotlyjs())
        page.evaluate(PLOT, figure.to_json())
        page.screenshot(path=out)


def main() -> None:
    """Print the tables, draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, nargs="+", help="annotator.jsonl, of one world; several are joined")
    parser.add_argument("--world", default="vnc", choices=["vnc", "phantoms"])
    parser.add_argument("--figure", type=Path, help="PNG to write")
    options = parser.parse_args()
    table = pd.concat([read(path) for path in options.results])
    table = table[table["world"] == options.world]
    print(f"{markdown(table)}\n\n{classes(table)}")
    if options.figure:
        title = {"vnc": "12 sections of a fly's nerve cord", "phantoms": "8 phantoms, synthetic"}
        save(draw(table, title[options.world]), options.figure)


if __name__ == "__main__":
    main()
