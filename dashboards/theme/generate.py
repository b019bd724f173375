"""Writes ``dashboards/.streamlit/config.toml`` from the tokens: ``python -m dashboards.theme.generate``.

What the file cannot say (widths, the contrast of captions and axes) is the style sheet below.
"""

from __future__ import annotations

from pathlib import Path

from dashboards.theme import tokens

TARGET = Path(__file__).resolve().parent.parent / ".streamlit" / "config.toml"

HEAD = """# Generated from dashboards/theme/tokens.py by `python -m dashboards.theme.generate`: do not edit.

[server]
address = "127.0.0.1"
headless = true
fileWatcherType = "none"

[browser]
gatherUsageStats = false

[client]
toolbarMode = "viewer"
showErrorDetails = "none"
showErrorLinks = false

[theme]
baseRadius = "6px"
showSidebarBorder = true
baseFontSize = 15
paddingTop = "2.5rem"
headingFontSizes = ["24px", "20px", "17px", "16px", "16px", "15px"]
metricValueFontSize = "28px"
metricValueFontWeight = 600
"""

_MUTED = f"light-dark({tokens.LIGHT.muted}, {tokens.DARK.muted})"
_TEXT = f"light-dark({tokens.LIGHT.text}, {tokens.DARK.text})"
STYLE = f"""<style>
[class*="st-key-address_"] {{ display: none; }}
[data-testid="stMainBlockContainer"] {{ max-width: 1440px; padding: 3.25rem 2.5rem 3rem; }}
[data-testid="stSidebar"][aria-expanded="true"] {{ width: 236px !important; min-width: 236px !important; }}
.st-key-page_title h1 {{ padding: 0; }}
.st-key-headline p {{ font-size: 17px; line-height: 1.5; font-weight: 600; }}
.st-key-cards [data-testid="stPageLink"] a, .st-key-decisions [data-testid="stPageLink"] a,
.st-key-delayed [data-testid="stPageLink"] a, .st-key-headline_place [data-testid="stPageLink"] a {{
  padding-left: 0; margin-left: 0; }}
[class*="st-key-rows_blocked"] button {{ justify-content: flex-start; text-align: left; }}
[class*="st-key-trust_"] a, [class*="st-key-trust_"] p {{ font-size: 13px; }}
.st-key-status_strip [data-testid="stPageLink"] a {{ padding: 0 .25rem; margin: 0; }}
@media (max-width: 640px) {{
  [data-testid="stMainBlockContainer"] {{ padding: 3.25rem 1rem 2rem; }}
  .st-key-headline p {{ font-size: 16px; }}
}}
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] * {{ color: inherit; opacity: 1; }}
[data-testid="stCaptionContainer"] > * {{ opacity: .78; }}
[data-testid="stMetricDeltaDescription"] {{ color: inherit; opacity: .78; }}
[data-testid="stPlotlyChart"] .cartesianlayer text {{ fill: {_MUTED} !important; }}
button[data-variant="pills"][data-selected="true"] p {{ color: {_TEXT}; }}
</style>"""


# a mark that reads on both appearances: one line through two systems
_MARK = (
    f'<g fill="none" stroke="{tokens.FAVOURABLE}" stroke-width="3" stroke-linecap="round">'
    '<circle cx="8" cy="16" r="5.5"/><circle cx="26" cy="16" r="5.5"/><path d="M13.5 16h7"/></g>'
)
# drawn here and not taken from an icon font: the browser would ask a host outside for that one
ICON = f'<svg xmlns="http://www.w3.org/2000/svg" width="34" height="34" viewBox="0 -1 34 34">{_MARK}</svg>'
LOGO = (
    f'<svg xmlns="http://www.w3.org/2000/svg" width="160" height="32" viewBox="0 0 160 32">{_MARK}'
    '<text x="42" y="22" font-family="sans-serif" font-size="18" font-weight="600" textLength="114" '
    f'lengthAdjust="spacingAndGlyphs" fill="{tokens.FAVOURABLE}">Throughline</text></svg>'
)


def render() -> str:
    """The whole file as text."""
    parts = [HEAD]
    for name, palette in (("light", tokens.LIGHT), ("dark", tokens.DARK)):
        parts.append(_section(f"theme.{name}", palette, charts=True))
        parts.append(_section(f"theme.{name}.sidebar", palette, charts=False))
    return "\n".join(parts)


def _section(name: str, palette: tokens.Palette, charts: bool) -> str:
    is_sidebar = name.endswith("sidebar")
    lines = [
        f"[{name}]",
        _text("backgroundColor", palette.card if is_sidebar else palette.background),
        _text("secondaryBackgroundColor", palette.background if is_sidebar else palette.card),
        _text("textColor", palette.text),
        _text("borderColor", palette.border),
        _text("primaryColor", palette.primary),
        _text("linkColor", palette.link),
    ]
    if charts:
        lines += [
            _text("orangeTextColor", palette.watch_text),
            _text("orangeBackgroundColor", palette.watch_fill),
            _text("greenColor", tokens.FAVOURABLE),
            _text("redColor", tokens.ADVERSE),
            _text("dataframeBorderColor", palette.border),
            _text("dataframeHeaderBackgroundColor", palette.card),
            _list("chartCategoricalColors", tokens.chart_colours(palette)),
            _list("chartSequentialColors", tokens.SEQUENTIAL),
            _list("chartDivergingColors", tokens.DIVERGING),
        ]
    return "\n".join(lines) + "\n"


def _text(key: str, value: str) -> str:
    return f'{key} = "{value}"'


def _list(key: str, values: tuple[str, ...]) -> str:
    return f"{key} = [" + ", ".join(f'"{value}"' for value in values) + "]"


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(render(), encoding="utf-8")
