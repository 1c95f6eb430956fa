"""Statistics as SVG pictures, drawn by pygal; the page shows them as images and has a table beside each."""

from xml.etree.ElementTree import Element

import pygal
from litestar import Response
from pygal.style import Style

from appliance.statistics.services import Series

FONT = '"Noto Sans CJK SC", "Noto Sans SC", "PingFang SC", "Microsoft YaHei", "WenQuanYi Micro Hei", sans-serif'
COLOURS = ("#0f6b5c", "#d98a00", "#3465a4", "#a33b3b", "#6b7a76")
# The picture's own policy: no script, whoever opens it by itself. pygal writes its colours as a style sheet inside.
HEADERS = {
    "Content-Security-Policy": "script-src 'none'; object-src 'none'; frame-ancestors 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_SHOWN_LABELS = 6
_LEAST = 5  # an axis of counts that ends lower would have halves of people on it
_STYLE = Style(
    background="#ffffff",
    plot_background="#ffffff",
    foreground="#52605c",
    foreground_strong="#17211f",
    foreground_subtle="#d8e0dd",
    colors=COLOURS,
    font_family=FONT,
    label_font_family=FONT,
    major_label_font_family=FONT,
    legend_font_family=FONT,
    no_data_font_family=FONT,
    label_font_size=14,
    major_label_font_size=14,
    legend_font_size=15,
    no_data_font_size=20,
    opacity="1",
    opacity_hover="1",
    transition="0s",
    guide_stroke_color="#d8e0dd",
    major_guide_stroke_color="#b9c8c4",
)


def bars(steps: list[str], series: list[Series], names: dict[str, str]) -> Response[bytes]:
    """Stacked bars, a colour for each series."""
    highest = max(
        (sum(value or 0 for value in step) for step in zip(*(s.values for s in series), strict=True)), default=0
    )
    chart = pygal.StackedBar(**_options(steps, series), range=(0, max(_LEAST, highest)), value_formatter=_whole)
    return _picture(chart, steps, series, names)


def curves(steps: list[str], series: list[Series], names: dict[str, str]) -> Response[bytes]:
    """A line for each series, broken where there is nothing."""
    chart = pygal.Line(**_options(steps, series), stroke_style={"width": 3}, dots_size=2.5)
    return _picture(chart, steps, series, names)


def _picture(chart: pygal.Graph, steps: list[str], series: list[Series], names: dict[str, str]) -> Response[bytes]:
    chart.x_labels = [step[5:] for step in steps]
    for each in series:
        chart.add(names.get(each.key, each.key), each.values)
    chart.add_xml_filter(_without_scripts)
    return Response(chart.render(), media_type="image/svg+xml", headers=HEADERS)


def _without_scripts(root: Element) -> Element:
    """pygal writes its settings as a script even when it has none to run."""
    for parent in list(root.iter()):
        for child in [child for child in parent if str(child.tag).endswith("script")]:
            parent.remove(child)
    return root


def _whole(value: float) -> str:
    return f"{value:g}"


def _options(steps: list[str], series: list[Series]) -> dict:
    return {
        "style": _STYLE,
        "js": (),
        "width": 560,  # as wide as a card on a desktop: its words are read there at their own size
        "height": 270,
        "margin": 8,
        "show_legend": len(series) > 1,
        "legend_at_bottom": True,
        "legend_at_bottom_columns": max(1, len(series)),
        "legend_box_size": 14,
        "x_labels_major_every": max(1, len(steps) // _SHOWN_LABELS),
        "show_minor_x_labels": False,
        "truncate_label": -1,
        "truncate_legend": -1,
        "min_scale": 3,
        "max_scale": 6,
        "include_x_axis": True,
        "no_data_text": "这段时间没有数据",
        "disable_xml_declaration": False,
        "explicit_size": False,
    }
