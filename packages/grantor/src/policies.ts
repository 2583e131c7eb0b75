import type { Policy, PolicyOverrides } from './models/policy.ts'

/** Policies that were put together, each once for as long as what it is made of is there: a token request asks for several. */
export class Policies {
  readonly #merged = new WeakMap<Policy, WeakMap<PolicyOverrides, Policy>>()

  /** `base`, where `own` says nothing else. Neither changes afterwards. */
  merged(base: Policy, own: PolicyOverrides): Policy {
    const merged = this.#merged.get(base)?.get(own)
    if (merged) return merged
    const policy = { ...base, ...own }
    const ofBase = this.#merged.get(base) ?? new WeakMap<PolicyOverrides, Policy>()
    this.#merged.set(base, ofBase.set(own, policy))
    return policy
  }
}
