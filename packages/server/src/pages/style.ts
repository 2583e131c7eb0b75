/** The one style sheet of all pages. */
export const STYLE = `:root {
  color-scheme: light dark;
  --ink: light-dark(#1a1d24, #eceef2);
  --quiet: light-dark(#565d6b, #a6adba);
  --ground: light-dark(#f3f4f7, #111318);
  --card: light-dark(#ffffff, #1b1e25);
  --line: light-dark(#8a91a0, #5c6474);
  --accent: light-dark(#2350c5, #86a8ff);
  --on-accent: light-dark(#ffffff, #0d1428);
  --alarm: light-dark(#a3141b, #ff9d9d);
}
* { box-sizing: border-box; }
body { margin: 0; min-block-size: 100vh; display: grid; place-items: center; background: var(--card); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { inline-size: min(26rem, 100%); padding: 2rem 1.5rem; background: var(--card); }
@media (min-width: 30rem) { body { background: var(--ground); } main { margin-block: 2rem; border-radius: .75rem; padding: 2.5rem; box-shadow: 0 1px 12px rgb(0 0 0 / .12); } }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.125rem; line-height: 1.35; margin: 1rem 0 .25rem; overflow-wrap: anywhere; }
p { margin: .5rem 0; overflow-wrap: anywhere; }
form { margin-block-end: 1.5rem; }
ul { padding-inline-start: 1.25rem; }
li { overflow-wrap: anywhere; }
label { display: block; margin-block-start: 1rem; font-weight: 600; }
input { inline-size: 100%; margin-block-start: .25rem; padding: .625rem .75rem; font: inherit; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: .5rem; }
button { inline-size: 100%; margin-block-start: 1rem; padding: .75rem; font: inherit; font-weight: 600; color: var(--on-accent); background: var(--accent); border: 1px solid var(--accent); border-radius: .5rem; cursor: pointer; }
button.plain { color: var(--ink); background: transparent; border-color: var(--line); }
button.link { inline-size: auto; margin: 0; padding: 0; color: var(--accent); background: none; border: 0; text-decoration: underline; font-weight: inherit; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
a { color: var(--accent); }
img { display: block; margin-block-end: 1rem; max-inline-size: 8rem; max-block-size: 4rem; }
.links { display: flex; flex-wrap: wrap; gap: 0 1rem; }
table { inline-size: 100%; margin-block: 1rem; border-collapse: collapse; font-size: .9rem; table-layout: fixed; }
caption { text-align: start; font-weight: 600; margin-block-end: .25rem; }
th, td { text-align: start; vertical-align: top; padding: .25rem .5rem .25rem 0; border-block-start: 1px solid var(--line); overflow-wrap: anywhere; }
th { inline-size: 40%; font-weight: 400; color: var(--quiet); }
p.code { font-size: 2rem; text-align: center; }
.code { font-family: ui-monospace, monospace; font-weight: 700; letter-spacing: .1em; }
.qr { display: block; padding: .75rem; background: #fff; }
.qr svg { display: block; inline-size: 100%; max-inline-size: 14rem; margin-inline: auto; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; }
.request { margin-block: 1.5rem; padding-block-start: 1.5rem; border-block-start: 1px solid var(--line); }
.message { font-size: 1.25rem; font-weight: 700; }
.quiet { color: var(--quiet); font-size: .9rem; }
.alarm { color: var(--alarm); font-weight: 600; }
code { overflow-wrap: anywhere; }
`
