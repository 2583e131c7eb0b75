import type { Secrets } from '../../crypto/secrets.ts'

const PURPOSE = 'dpop_nonce'
/** A period in base 36 and a MAC. */
const NONCE = /^(0|[1-9a-z][0-9a-z]{0,10})\.([A-Za-z0-9_-]{43})$/

/** Whose nonces: the secrets they are authenticated with, the party that gives them out, and its clock. */
export interface NonceAuthority {
  secrets: Secrets
  name: string
  now(): number
  /** Seconds. */
  lifetime: number
}

/**
 * Nonces that nobody stores (RFC 9449 §8): the number of a period, authenticated for one key. Every node with the same secret makes and
 * knows the same ones, before and after a restart; with a rotated secret those of the old one are known, too.
 */
export class Nonces {
  readonly #authority: NonceAuthority

  constructor(authority: NonceAuthority) {
    this.#authority = authority
  }

  /** The nonce of now. @param jkt the thumbprint of the key that must sign it */
  async current(jkt: string): Promise<string> {
    const period = this.#period()
    return `${period.toString(36)}.${await this.#authority.secrets.hash(PURPOSE, this.#text(period, jkt))}`
  }

  /** When a nonce ends, in seconds since the epoch, and whether the next is there already; undefined: it ended, or is none for this key. */
  async judge(nonce: unknown, jkt: string): Promise<{ until: number; isCurrent: boolean } | undefined> {
    const [, digits = '', mac = ''] = (typeof nonce === 'string' && NONCE.exec(nonce)) || []
    const period = Number.parseInt(digits, 36)
    // The clock of the node that gave it out may be ahead.
    const age = this.#period() - period
    if (!(age >= -1 && age <= 1)) return undefined
    if (!(await this.#authority.secrets.matches(PURPOSE, this.#text(period, jkt), mac))) return undefined
    return { until: (period + 2) * this.#authority.lifetime, isCurrent: age <= 0 }
  }

  #period(): number {
    return Math.floor(this.#authority.now() / this.#authority.lifetime)
  }

  #text(period: number, jkt: string): string {
    return JSON.stringify([this.#authority.name, this.#authority.lifetime, period, jkt])
  }
}
