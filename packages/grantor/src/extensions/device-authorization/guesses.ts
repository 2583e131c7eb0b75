import { Counts, networkOf } from '../../counts.ts'
import type { Session } from '../../interactions/base.ts'
import type { OAuthRequest } from '../../requests.ts'

/** Wrong codes within so many seconds, in this process. */
const PER_SESSION = { limit: 5, window: 900 }
const PER_PERSON = { limit: 10, window: 3600 }
const PER_NETWORK = { limit: 20, window: 900 }
/** Of all who are signed in, and of all who are not: strangers must not be able to use up what people have. */
const OF_EVERYBODY = { limit: 500, window: 300 }

/** Limits guesses at codes that are short enough to be typed (RFC 8628 §5.1). */
export class Guesses {
  readonly #sessions = counts(PER_SESSION)
  readonly #people = counts(PER_PERSON)
  readonly #networks = counts(PER_NETWORK)
  readonly #everybody = counts(OF_EVERYBODY)

  /** Counts a guess that is not judged yet. @returns seconds to wait before another; 0: go on, and take it back if it was right */
  reserve(http: OAuthRequest, session: Session | undefined, now: number): number {
    const budgets = this.#budgets(http, session)
    const wait = Math.max(...budgets.map(([budget, name]) => budget.wait(name, now)))
    if (wait === 0) for (const [budget, name] of budgets) budget.count(name, now)
    return wait
  }

  wasRight(http: OAuthRequest, session: Session | undefined): void {
    for (const [budget, name] of this.#budgets(http, session)) budget.uncount(name)
  }

  #budgets({ remote }: OAuthRequest, session: Session | undefined): readonly (readonly [Counts, string])[] {
    return [
      [this.#networks, networkOf(remote?.address ?? '')],
      [this.#everybody, session ? 'signed in' : 'strangers'],
      ...(session
        ? ([
            [this.#sessions, session.id],
            [this.#people, session.subject]
          ] as const)
        : [])
    ]
  }
}

function counts({ limit, window }: { limit: number; window: number }): Counts {
  return new Counts(limit, window)
}
