import { LIBRARY, ON_SQLITE } from '../contenders/contenders.ts'
import { durable } from '../workloads/workloads.ts'
import type { Result, Results } from './results.ts'

/** What the library must reach: so much of the floor, and so many times what another does. */
interface Bar {
  workload: string
  floor?: number
  times?: Readonly<Record<string, number>>
}

const DURABLE = { workload: durable.name, least: 0.5 }
const BARS: readonly Bar[] = [
  { workload: 'client_credentials → opaque', floor: 0.7, times: { 'oidc-provider': 3 } },
  { workload: 'client_credentials → JWT ES256', floor: 0.8, times: { 'oidc-provider': 3 } },
  { workload: 'introspection', floor: 0.6, times: { 'oidc-provider': 5 } },
  { workload: 'refresh with rotation', floor: 0.45, times: { 'oidc-provider': 6 } },
  { workload: 'code + PKCE', times: { 'oidc-provider': 10, '@node-oauth/oauth2-server': 1.3 } },
  { workload: 'code + PKCE + ID token', times: { 'oidc-provider': 6 } },
  { workload: 'userinfo', floor: 0.72 },
  { workload: 'discovery + JWKS', floor: 0.95 }
]

export interface Judgement {
  workload: string
  wanted: string
  least: number
  /** By flows a second. */
  reached: number
  byCpu: number
}

export function judge({ results }: Results): readonly Judgement[] {
  const find = (workload: string, contender: string) =>
    results.find((result) => result.workload === workload && result.contender === contender)
  const judge = (workload: string, wanted: string, least: number, [own, other]: readonly [string, string?]): Judgement => {
    const compare = (pick: (result: Result) => number) => {
      const [mine, others] = [own, other].map((name) => (name === undefined ? 1 : picked(find(workload, name), pick)))
      return (mine ?? Number.NaN) / (others ?? Number.NaN)
    }
    return { workload, wanted, least, reached: compare(({ ratio }) => ratio), byCpu: compare(({ cpuRatio }) => cpuRatio) }
  }
  const judged = BARS.flatMap(({ workload, floor, times = {} }) => [
    ...(floor === undefined ? [] : [judge(workload, `${floor} of the floor`, floor, [LIBRARY.name])]),
    ...Object.entries(times).map(([peer, least]) => judge(workload, `${least} × ${peer}`, least, [LIBRARY.name, peer]))
  ])
  return [...judged, judge(DURABLE.workload, `${DURABLE.least} of memory, on SQLite`, DURABLE.least, [ON_SQLITE, LIBRARY.name])]
}

function picked(result: Result | undefined, pick: (result: Result) => number): number {
  return result ? pick(result) : Number.NaN
}
