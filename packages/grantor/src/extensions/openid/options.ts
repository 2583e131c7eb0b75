import type { Client } from '../../models/client.ts'
import type { ScopeClaims } from './claims.ts'

/** What the claims are wanted for. */
export interface ClaimsPurpose {
  client: Client
  scope: readonly string[]
  target: 'id_token' | 'userinfo'
  /** The languages that the client wants claims in (`claims_locales`), the most wanted first. */
  locales?: readonly string[]
}

/** What is known of a person, by the names of OpenID Connect Core §5.1, localized ones (`name#ja`) and `_claim_names` too. */
export type PersonClaims = Readonly<Record<string, unknown>>

export type OpenIdResponseType = 'id_token' | 'id_token token' | 'code id_token' | 'code token' | 'code id_token token'

export const OPTION_NAMES = ['claims', 'scopes', 'responseTypes', 'acrValues', 'pairwiseKey', 'signUp', 'idTokenLifetime']

export interface OpenIdOptions {
  /**
   * What is known of a person; at least what is `wanted`, more is left out. Undefined: the account is gone or locked, and its tokens
   * are good for nothing.
   */
  claims(subject: string, wanted: readonly string[], purpose: ClaimsPurpose): Promise<PersonClaims | undefined>
  /** Scopes besides those of OpenID Connect Core §5.4, and their claims: `{ groups: ['groups'] }`. */
  scopes?: ScopeClaims
  /** Response types besides `code` and `none`. Each returns something from the authorization endpoint that a browser sees. Default: none. */
  responseTypes?: readonly OpenIdResponseType[]
  /** The classes of authentication that `session.acr` may have, the most trusted first. */
  acrValues?: readonly string[]
  /** At least 32 random characters that never change: what pairwise subjects are computed with. Without it there are none. */
  pairwiseKey?: string
  /** Whether your pages can create an account (`prompt=create`). Default false. */
  signUp?: boolean
  /** Seconds; at most as long as signing keys are kept (`signingKeyLifetime`). Default 3600. */
  idTokenLifetime?: number
}
