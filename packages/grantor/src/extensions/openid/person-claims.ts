import type { Client } from '../../models/client.ts'
import { parseScope } from '../../models/scope.ts'
import { baseName, type ClaimRequest, claimsOfScope, STANDARD_SCOPES, selectClaims } from './claims.ts'
import { inLanguage } from './languages.ts'
import type { ClaimsPurpose, OpenIdOptions } from './options.ts'

/** The claims of people, as far as scope, request and registration let them out. */
export class PersonClaimsSource {
  readonly #ask: OpenIdOptions['claims']
  readonly scopes: ReadonlyMap<string, readonly string[]>

  constructor({ claims, scopes }: Pick<OpenIdOptions, 'claims' | 'scopes'>) {
    this.#ask = claims
    this.scopes = new Map(Object.entries({ ...STANDARD_SCOPES, ...scopes }))
  }

  /** Those of the purpose's scope and those asked for by name. Undefined: there is no such person any more. */
  async select(
    subject: string,
    purpose: ClaimsPurpose,
    requests?: Readonly<Record<string, ClaimRequest | null>>
  ): Promise<Record<string, unknown> | undefined> {
    const ofScope = claimsOfScope(purpose.scope, this.scopes)
    const wanted = requests ? [...new Set([...ofScope, ...this.permitted(purpose.client, Object.keys(requests))])] : ofScope
    // An ID token without claims needs no look at the person; userinfo must know whether there still is one.
    if (wanted.length === 0 && purpose.target === 'id_token') return {}
    const known = await this.#ask(subject, wanted, purpose)
    return known && selectClaims(inLanguage(known, purpose.locales ?? []), wanted, requests)
  }

  /** Of these names, the claims that the client may ask for: those of scopes that it is registered for. */
  permitted(client: Client, names: readonly string[]): readonly string[] {
    if (names.length === 0) return []
    const allowed = claimsOfScope(parseScope(client.scope) ?? [], this.scopes)
    return names.filter((name) => allowed.includes(baseName(name)))
  }
}
