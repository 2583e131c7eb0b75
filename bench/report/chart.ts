import { escapeHtml } from 'grantor'
import { FLOOR } from '../contenders/contenders.ts'
import type { Result, Results } from './results.ts'

const [WIDTH, LEFT, RIGHT, ROW, GAP, TOP] = [860, 250, 70, 17, 34, 64]

/** Flows a second as part of the floor's, in bars; in the colours of whoever looks at it. */
export function chart({ results, machine }: Results): string {
  const shown = results.filter(({ contender }) => contender !== FLOOR.name)
  const workloads = [...new Set(shown.map(({ workload }) => workload))]
  let y = TOP
  const groups = workloads.map((workload) => {
    const rows = shown.filter((one) => one.workload === workload).toSorted((a, b) => b.ratio - a.ratio)
    const group = `<text class="title" x="0" y="${y + 4}">${escapeHtml(workload)}</text>${rows.map((row, index) => bar(row, y + 12 + index * ROW)).join('')}`
    y += rows.length * ROW + GAP
    return group
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-16 0 ${WIDTH + 32} ${y}" width="${WIDTH + 32}" height="${y}" role="img" aria-label="Flows a second of each server, as part of what a hand-written floor does">
<style>
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 13px }
  .note { fill: #59636e }
  .own { fill: #0969da }
  .other { fill: #9198a1 }
  .floor { stroke: #59636e; stroke-dasharray: 3 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .note { fill: #9198a1 }
    .own { fill: #4493f8 }
    .other { fill: #656c76 }
    .floor { stroke: #9198a1 }
  }
</style>
<text class="title" x="0" y="18">Flows a second, as part of what a hand-written floor does in the same round</text>
<text class="note" x="0" y="36">${escapeHtml(machine)}; in-memory stores unless named; longer is faster</text>
<line class="floor" x1="${position(1)}" x2="${position(1)}" y1="${TOP - 16}" y2="${y - GAP / 2}"/>
${groups.join('\n')}
</svg>
`
}

function bar({ contender, ratio }: Result, y: number): string {
  const isOwn = contender.startsWith('Grantor')
  return (
    `<text class="${isOwn ? '' : 'note'}" x="${LEFT - 8}" y="${y + 10}" text-anchor="end">${escapeHtml(contender)}</text>` +
    `<rect class="${isOwn ? 'own' : 'other'}" x="${LEFT}" y="${y}" width="${Math.max(1, position(ratio) - LEFT).toFixed(1)}" height="${ROW - 4}" rx="2"/>` +
    `<text x="${(position(ratio) + 6).toFixed(1)}" y="${y + 10}">${ratio.toFixed(ratio < 0.1 ? 3 : 2)}</text>`
  )
}

/** The floor's end is where its line stands. */
function position(ratio: number): number {
  return LEFT + Math.min(ratio, 1.15) * ((WIDTH - LEFT - RIGHT) / 1.15)
}
