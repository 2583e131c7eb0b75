import type { Extension } from '../extension.ts'
import type { PolicyOverrides } from '../models/policy.ts'
import type { Settings } from '../settings.ts'

/**
 * Options to spread into those of an `AuthorizationServer`: `{ ...oauth21(), issuer, store }`. What is written after it counts, so
 * extensions of your own go into the preset.
 */
export interface Preset extends PolicyOverrides, Partial<Pick<Settings, 'allowedAlgorithms'>> {
  extensions: readonly Extension[]
  /** The profile that one of them holds the server to. */
  profile?: string
}

/** What each preset takes. */
export interface PresetOptions {
  /** Optional specifications and custom grant types besides those of the preset. */
  extensions?: readonly Extension[]
}

/** OAuth 2.1, which is RFC 6749 as RFC 9700 wants it. Said in full, so that a server which names it stays so when defaults change. */
export const OAUTH21: PolicyOverrides = {
  // RFC 9700 §2.1.1: "Public clients MUST use PKCE", and for confidential ones "the use of PKCE is RECOMMENDED".
  requirePkce: true,
  // RFC 9700 §2.2.2: "Refresh tokens for public clients MUST be sender-constrained or use refresh token rotation".
  refreshTokenRotation: 'always',
  // draft-ietf-oauth-rfc7523bis §3: the issuer as the only audience.
  assertionAudience: 'issuer'
}
