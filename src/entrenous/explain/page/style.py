"""The page's style sheet: light and dark by the reader's system, narrow and wide, screen and paper."""

STYLE = """
:root { color-scheme: light dark;
  --paper: #fdfcf9; --ink: #1f2328; --dim: #57606a; --rule: #d8d4cb; --panel: #f4f1ea; --accent: #0b5394;
  --good: #1a6b34; --bad: #a02020; --clear: #cfe3f5; --hidden: #f0c9a0; --path: #ffd98a; --sealed: #c7e5c4;
  --c: #7a3ea8; --s: #9a5b00; --p: #8a2f5c; --m: #1a6b34; --n: #0b5394; --on: #ffffff; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #16181d; --ink: #e6e3dc; --dim: #a8adb5; --rule: #3a3f47; --panel: #1f232a; --accent: #8ec5ff;
  --good: #7ed99a; --bad: #ff9b93; --clear: #27445f; --hidden: #6b4520; --path: #6e5410; --sealed: #2a5230;
  --c: #d2a6f5; --s: #f0bd6b; --p: #f2a3c9; --m: #7ed99a; --n: #8ec5ff; --on: #16181d; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.05rem/1.6 Georgia, "Times New Roman", serif; }
main, header, footer { max-width: 47rem; margin: 0 auto; padding: 0 1.1rem; }
header { padding-top: 2.5rem; }
h1, h2, h3, nav, th, .number, .kind { font-family: system-ui, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 2.1rem; line-height: 1.2; margin: 0 0 .6rem; }
h2 { font-size: 1.6rem; margin: 3.5rem 0 .5rem; padding-top: 1rem; border-top: 3px solid var(--accent); }
h3 { font-size: 1.2rem; margin: 2.6rem 0 .4rem; line-height: 1.3; }
.number { color: var(--accent); margin-right: .45em; font-variant-numeric: tabular-nums; }
p { margin: .6rem 0; }
a { color: var(--accent); }
.warning { border-left: 4px solid var(--bad); background: var(--panel); padding: .6rem 1rem; }
nav ol { list-style: none; padding: 0; columns: 2; column-gap: 2rem; }
nav > ol > li { break-inside: avoid; margin-bottom: .9rem; font-size: .92rem; }
nav ol ol { columns: 1; padding-left: 0; }
nav ol ol li { margin: .15rem 0; font-size: .86rem; }
.reason { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; margin: 1rem 0; }
.reason > div { background: var(--panel); padding: .6rem .9rem; border-top: 3px solid var(--good); font-size: .97rem; }
.reason > div + div { border-top-color: var(--bad); }
.kind { display: block; font-size: .78rem; font-weight: 600; color: var(--dim); }
figure { margin: 1.3rem 0; overflow-x: auto; }
figure svg { display: block; width: 100%; min-width: 36rem; height: auto; }
figcaption { font-size: .9rem; color: var(--dim); }
table { border-collapse: collapse; width: 100%; font-size: .88rem; margin: 1rem 0; }
caption { text-align: left; font-size: .9rem; color: var(--dim); padding-bottom: .3rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid var(--rule); }
thead th { font-size: .78rem; color: var(--dim); font-weight: 600; }
tbody th { font-weight: 600; font-size: .84rem; width: 31%; overflow-wrap: anywhere; }
.note { display: block; font: .86rem/1.35 Georgia, serif; color: var(--dim); }
code, .hex { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .84em; }
.hex { overflow-wrap: anywhere; }
details > .hex { display: block; max-height: 14rem; overflow: auto; background: var(--panel); padding: .5rem; }
summary { cursor: pointer; }
.size { white-space: nowrap; }
td.knows { white-space: nowrap; }
.badge { width: 1.45em; height: 1.45em; vertical-align: -.35em; margin-right: .15em; }
ul.checks, ul.attempts { list-style: none; padding: 0; }
ul.checks li { padding-left: 1.6em; text-indent: -1.6em; margin: .25rem 0; }
ul.checks li::before { content: "= "; display: inline-block; width: 1.6em; text-indent: 0;
  color: var(--good); font-weight: 700; }
ul.attempts li { background: var(--panel); border-left: 4px solid var(--bad); padding: .5rem .9rem; margin: .5rem 0; }
ul.attempts li > code:last-child { display: block; color: var(--bad); overflow-wrap: anywhere; }
.sources { font-size: .86rem; color: var(--dim); }
dl.legend { display: grid; grid-template-columns: auto 1fr; gap: .3rem .7rem; }
dl.legend dd { margin: 0; }
footer { padding-bottom: 4rem; margin-top: 4rem; border-top: 1px solid var(--rule); color: var(--dim);
  font-size: .9rem; }
svg .t { font: 13px system-ui, sans-serif; fill: var(--ink); }
svg .strong { font-weight: 600; }
svg .small { font-size: 12px; }
svg .dim { fill: var(--dim); }
svg .mono { font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 12px; }
svg .edge { stroke: var(--dim); stroke-width: 1.3; }
svg .way { stroke: var(--accent); stroke-width: 3.5; }
svg .arrow { stroke: var(--ink); stroke-width: 1.8; }
svg .tip { fill: var(--ink); }
svg .thin { stroke: var(--dim); stroke-width: .8; }
svg .clear { fill: var(--clear); stroke: var(--dim); stroke-width: .8; }
svg .hidden { fill: var(--hidden); stroke: var(--dim); stroke-width: .8; }
svg .opened { stroke: var(--accent); stroke-width: 2; }
svg .zoom { fill: var(--panel); stroke: none; }
svg .secret { fill: var(--panel); stroke: var(--dim); }
svg .node { stroke: var(--ink); stroke-width: 1.3; fill: var(--panel); }
svg .node-path { fill: var(--path); stroke: var(--accent); stroke-width: 3; }
svg .node-sealed-to { fill: var(--sealed); }
svg .node-blank, svg .node-later { fill: none; stroke-dasharray: 5 4; stroke: var(--dim); }
svg .node-gone { fill: none; stroke: var(--bad); stroke-width: 2; }
svg .node-kept { fill: var(--sealed); }
svg .who { stroke: none; }
svg .who-letter { font: 700 11px system-ui, sans-serif; fill: var(--on); text-anchor: middle; }
svg .who-C { fill: var(--c); } svg .who-S { fill: var(--s); } svg .who-P { fill: var(--p); }
svg .who-M { fill: var(--m); } svg .who-N { fill: var(--n); }
@media (max-width: 40rem) {
  body { font-size: 1rem; } h1 { font-size: 1.7rem; }
  nav ol, .reason { columns: 1; grid-template-columns: 1fr; }
  table, caption, tbody, tr, td, tbody th { display: block; width: auto; border: 0; }
  thead { display: none; }
  tr { border-bottom: 1px solid var(--rule); padding: .4rem 0; }
  td, tbody th { padding: .08rem 0; }
  td.size, td.knows { display: inline-block; margin-right: 1em; } }
@media print {
  body { font-size: 10.5pt; } h2 { break-before: page; } h3, figure, tr, li { break-inside: avoid; }
  h3 { break-after: avoid; } details:not([open]) > :not(summary) { display: none; } figure svg { min-width: 0; } }
"""
