import type { Measurement } from '../generator/load.ts'

/** The middle of all rounds. `ratio`: flows a second, as part of what the floor did in the same round. */
export interface Result extends Measurement {
  workload: string
  contender: string
  ratio: number
  /** Of the ratio. */
  lowest: number
  highest: number
  /** The floor's CPU time for a flow, as part of this one's: says the same where nothing else runs, and more where something does. */
  cpuRatio: number
}

/** What a contender costs beside its requests. */
export interface Footprint {
  contender: string
  version: string
  /** Milliseconds from the start of the process to its first token. */
  firstAnswer: number
  /** Of what is installed with it. */
  packages: number
  megabytes: number
  /** Megabytes of resident memory after the first token, and with so many that live. */
  startMemory?: number
  memory?: number
  tokens?: number
}

/** Store calls and bytes of JSON in those that write, for one flow. */
export interface StoreCost {
  workload: string
  contender: string
  calls: number
  written: number
}

export interface Results {
  date: string
  machine: string
  isPinned: boolean
  rounds: number
  seconds: number
  results: readonly Result[]
  footprints: readonly Footprint[]
  storeCosts: readonly StoreCost[]
}

/** The measurements of one contender and the floor's, round by round. */
export class Series {
  readonly #rounds: { own: Measurement; floor: Measurement }[] = []

  add(own: Measurement, floor: Measurement): void {
    this.#rounds.push({ own, floor })
  }

  result(workload: string, contender: string): Result {
    const middle = (pick: (round: { own: Measurement; floor: Measurement }) => number) => median(this.#rounds.map(pick))
    const ratios = this.#rounds.map(({ own, floor }) => own.perSecond / floor.perSecond)
    return {
      workload,
      contender,
      ratio: median(ratios),
      lowest: Math.min(...ratios),
      highest: Math.max(...ratios),
      cpuRatio: middle(({ own, floor }) => floor.cpu / own.cpu),
      perSecond: middle(({ own }) => own.perSecond),
      p50: middle(({ own }) => own.p50),
      p99: middle(({ own }) => own.p99),
      cpu: middle(({ own }) => own.cpu),
      busy: middle(({ own }) => own.busy)
    }
  }
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
