"""The style of the HTML report: light and dark, wide and narrow, on paper."""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #f6f7f9; --card: #fff; --ink: #1b1f24; --soft: #57606a; --edge: #d8dee4;
  --good: #1a7f37; --bad: #c0272d; --warn: #8a5a00; --wait: #0a5fb4;
  --c0: #57606a; --c1: #0a66c2; --c2: #c2410c; --c3: #0f7b5f; --c4: #7c3aed; --c5: #b4236b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0d1117; --card: #161b22; --ink: #e6edf3; --soft: #9aa4af; --edge: #30363d;
    --good: #56d364; --bad: #ff8078; --warn: #e3b341; --wait: #79b8ff;
    --c0: #aab4be; --c1: #6cb2ff; --c2: #ffa066; --c3: #4fd1a5; --c4: #bd9cff; --c5: #ff8fc0;
  }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif }
main { max-width: 1060px; margin: 0 auto; padding: 28px 20px 60px }
h1 { font-size: 1.55rem; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere }
h2 { font-size: 1.1rem; margin: 32px 0 10px }
h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere }
p { margin: 4px 0; overflow-wrap: anywhere }
code { font: .88em ui-monospace, "SF Mono", Consolas, monospace; overflow-wrap: anywhere }
.soft, small { color: var(--soft) }
.card { background: var(--card); border: 1px solid var(--edge); border-radius: 8px;
  padding: 16px 18px; margin: 0 0 14px }
.verdict { border-left: 6px solid var(--wait) }
.verdict.good { border-left-color: var(--good) }
.verdict.bad { border-left-color: var(--bad) }
.verdict.warn { border-left-color: var(--warn) }
.verdict b { font-size: 1.2rem; overflow-wrap: anywhere }
ul { margin: 8px 0 0; padding-left: 20px }
li { overflow-wrap: anywhere }
.pair { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 8px 26px;
  margin-top: 10px; align-items: start }
.pair.many { grid-template-columns: minmax(0, 5fr) minmax(0, 7fr) }
td.wraps { white-space: normal }
.many th, .many td { padding-right: 7px }
.pair.most { grid-template-columns: minmax(0, 1fr) } .most figure { max-width: 560px }
.scroll { overflow-x: auto; min-width: 0 }
table { border-collapse: collapse; width: 100%; font-size: .9rem;
  font-variant-numeric: tabular-nums }
caption { text-align: left; color: var(--soft); padding-bottom: 4px }
th, td { padding: 4px 10px 4px 0; border-bottom: 1px solid var(--edge); vertical-align: top;
  text-align: right; white-space: nowrap }
th:first-child { text-align: left; padding-right: 14px; font-weight: 400; color: var(--soft) }
tr:last-child > * { border-bottom: 0 }
thead th { font-weight: 600; white-space: normal; overflow-wrap: anywhere; min-width: 92px }
dl { display: grid; grid-template-columns: minmax(120px, max-content) 1fr; gap: 4px 20px;
  margin: 8px 0 0 }
dt { color: var(--soft); overflow-wrap: anywhere }
dd { margin: 0; overflow-wrap: anywhere }
.badge { display: inline-block; border: 1px solid var(--edge); border-radius: 99px;
  padding: 0 9px; font-size: .8rem; color: var(--soft); margin-left: 6px; white-space: nowrap }
.good { color: var(--good) } .bad { color: var(--bad) } .warn { color: var(--warn) }
.wait { color: var(--wait) } .verdict { color: inherit }
.key { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 6px;
  background: currentColor }
.c0 { color: var(--c0) } .c1 { color: var(--c1) } .c2 { color: var(--c2) }
.c3 { color: var(--c3) } .c4 { color: var(--c4) } .c5 { color: var(--c5) }
figure { margin: 0; min-width: 0 }
figcaption { overflow-wrap: anywhere; color: var(--soft); font-size: .85rem; margin-bottom: 2px }
figure + figure { margin-top: 14px }
svg { display: block; width: 100%; height: auto; font: 11.5px system-ui, sans-serif }
svg text { fill: var(--soft) }
svg .area { fill: currentColor; fill-opacity: .16 }
svg .line { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round }
svg .c0 .line { stroke-dasharray: 6 3 }
svg .whisker { stroke: currentColor; stroke-width: 2.5; stroke-linecap: round }
svg circle { fill: currentColor }
svg .axis { stroke: var(--soft) }
svg .rule { stroke: var(--edge) }
svg .mark { stroke: var(--good); stroke-dasharray: 3 3 }
details { margin-top: 10px } summary { cursor: pointer }
:focus-visible { outline: 2px solid var(--c1); outline-offset: 2px }
@media (max-width: 880px) { .pair, .pair.many { grid-template-columns: minmax(0, 1fr) } }
@media (max-width: 720px) {
  main { padding: 18px 12px 40px }
  .card { padding: 14px 12px } dl { grid-template-columns: 1fr; gap: 0 }
  dd { margin-bottom: 6px }
  table { font-size: .8rem } th, td { padding-right: 7px } thead th { min-width: 70px }
  th:first-child { white-space: normal; min-width: 78px }
}
@media print { body { background: #fff } .card { break-inside: avoid } }
"""
