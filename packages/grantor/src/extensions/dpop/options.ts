import { PUBLIC_KEY_SIGNATURES } from '../../crypto/algorithms.ts'
import { flag, limit, listOf, oneOf, type SettingRule, seconds, withDefaults } from '../../setting-rules.ts'

/** What proofs are taken (RFC 9449 §4.3). */
export interface ProofOptions {
  /** JWS algorithms of proofs. Default: those for public keys without RSASSA-PKCS1-v1_5, which FAPI 2.0 refuses. */
  algorithms?: readonly string[]
  /** Seconds after its `iat` for which a proof is taken. Default 60. */
  proofLifetime?: number
}

/** How DPoP is served. */
export interface DpopOptions extends ProofOptions {
  /** No client gets a token without a proof. Default false: only those that are registered with `dpop_bound_access_tokens`. */
  required?: boolean
  /** A proof must carry a nonce of this server, which then says how old it is in place of `iat` (RFC 9449 §8). Default false. */
  nonces?: boolean
  /** Seconds after which another nonce is given out; the one before is taken for as long again. Default 300. */
  nonceLifetime?: number
  /** Proofs of one client from one address that each process takes within a minute; more are answered 429. 0: no limit. Default 6000. */
  proofLimit?: number
}

const RULES: Readonly<Record<keyof DpopOptions, SettingRule>> = {
  algorithms: (value) =>
    listOf(oneOf(...PUBLIC_KEY_SIGNATURES))(value) ?? ((value as []).length > 0 ? undefined : 'a list of at least one'),
  proofLifetime: seconds(1, 3600),
  required: flag,
  nonces: flag,
  nonceLifetime: seconds(1, 86_400),
  proofLimit: limit
}

const DEFAULTS: Required<DpopOptions> = {
  algorithms: PUBLIC_KEY_SIGNATURES.filter((alg) => !alg.startsWith('RS')),
  proofLifetime: 60,
  required: false,
  nonces: false,
  nonceLifetime: 300,
  proofLimit: 6000
}

/** @throws ConfigurationError if an option is unknown or out of its range */
export function resolveOptions(options: DpopOptions): Required<DpopOptions> {
  return withDefaults(options, DEFAULTS, RULES, 'dpop')
}
