import { FLOOR } from '../contenders/contenders.ts'
import { judge } from './bars.ts'
import type { Results } from './results.ts'

/** All results in Markdown, for a terminal as well. */
export function tables(results: Results): string {
  return [requests(results), bars(results), footprints(results), storeCosts(results)].join('\n\n')
}

function requests({ results }: Results): string {
  return table(
    ['workload', 'contender', 'of the floor', 'lowest … highest', 'by CPU time', 'flows/s', 'p50 ms', 'p99 ms', 'CPU µs', 'busy'],
    results.map((one) => [
      one.workload,
      one.contender,
      one.contender === FLOOR.name ? '1' : one.ratio.toFixed(3),
      one.contender === FLOOR.name ? '' : `${one.lowest.toFixed(3)} … ${one.highest.toFixed(3)}`,
      one.cpuRatio.toFixed(3),
      one.perSecond.toFixed(0),
      one.p50.toFixed(2),
      one.p99.toFixed(2),
      one.cpu.toFixed(0),
      `${Math.round(one.busy * 100)} %`
    ])
  )
}

function bars(results: Results): string {
  return table(
    ['bar for the library', 'wanted', 'reached', '', 'by CPU time', ''],
    judge(results).map(({ workload, wanted, least, reached, byCpu }) => [
      workload,
      wanted,
      ...[reached, byCpu].flatMap((value) => [value.toFixed(2), value >= least ? 'met' : 'MISSED'])
    ])
  )
}

function footprints({ footprints }: Results): string {
  return table(
    ['contender', 'version', 'first token ms', 'packages', 'MB installed', 'MB after start', 'MB later', 'tokens'],
    footprints.map((one) => [
      one.contender,
      one.version,
      one.firstAnswer.toFixed(0),
      String(one.packages),
      one.megabytes.toFixed(1),
      one.startMemory?.toFixed(0) ?? '',
      one.memory?.toFixed(0) ?? '',
      String(one.tokens ?? '')
    ])
  )
}

function storeCosts({ storeCosts }: Results): string {
  return table(
    ['workload', 'contender', 'store calls', 'bytes written'],
    storeCosts.map(({ workload, contender, calls, written }) => [workload, contender, String(calls), String(written)])
  )
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(3, ...[title, ...rows.map((row) => row[column] ?? '')].map(({ length }) => length)))
  const line = (cells: readonly string[]) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
