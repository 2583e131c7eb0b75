import { allowedOf } from '../../crypto/algorithms.ts'
import type { Registry } from '../../extension.ts'
import type { Client } from '../../models/client.ts'
import type { PolicyOverrides } from '../../models/policy.ts'
import { isLoopback } from '../../models/redirect-uri.ts'
import { responseTypeName } from '../../models/response-type.ts'
import type { Settings } from '../../settings.ts'
import { SENTENCES } from './sentences.ts'

/** Section 5.4.1-1; with the one curve that is known here, `EdDSA` is its Ed25519 variant. */
export const ALGORITHMS: readonly string[] = ['PS256', 'ES256', 'EdDSA']
/** Section 5.3.2.1-6: `private_key_jwt`, and both methods of RFC 8705 §2. */
const METHODS: readonly string[] = ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth']
/** JARM §2.3: the response modes that are signed. */
const SIGNED_MODES: readonly string[] = ['jwt', 'query.jwt', 'fragment.jwt', 'form_post.jwt']
const RESPONSE_TYPE = 'code'
/** Seconds. */
const LONGEST_CODE = 60
const SKEW = { least: 10, most: 60 }
/** What the members of client metadata that name a JWS algorithm end with. */
const SIGNING_MEMBER = /_(?:signing|signed_response)_alg$/

/** What the profile is asked for beyond its security profile. */
export interface Requirements {
  /** FAPI 2.0 Message Signing, too. */
  signed: boolean
  /** What every token is bound to; `choice`: to whichever its client is registered for. */
  binding: 'key' | 'certificate' | 'choice'
}

/** The sentence that the settings break; undefined: none. */
export function settingsFault(settings: Settings): string | undefined {
  if (settings.insecureIssuer) return SENTENCES.tls
  if (settings.allowOmittedRedirectUri) return SENTENCES.redirectUri
  if (settings.clockSkew < SKEW.least || settings.clockSkew > SKEW.most) return SENTENCES.clockSkew
  if (!settings.allowedAlgorithms || !areAllowed([...settings.allowedAlgorithms, ...settings.signingAlgorithms]))
    return SENTENCES.algorithms
  return [settings, ...settings.resources.map((resource) => resource.settings ?? {})].map(policyFault).find((fault) => fault !== undefined)
}

/** The sentence that what is served breaks. */
export function servedFault({ responseTypes, grantTypes, clientAuthentications }: Registry): string | undefined {
  if (grantTypes.has('password')) return SENTENCES.noPassword
  if ([...responseTypes.keys()].some((type) => type !== RESPONSE_TYPE)) return SENTENCES.responseType
  if ([...clientAuthentications.keys()].some((method) => !METHODS.includes(method))) return SENTENCES.authentication
  return undefined
}

/** The sentence that a client breaks, as it is registered. */
export function clientFault(client: Omit<Client, 'client_id'>, { signed, binding }: Requirements): string | undefined {
  const { token_endpoint_auth_method: method = '', application_type, code_challenge_method, response_modes = [] } = client
  if (method === 'none') return SENTENCES.confidential
  if (!METHODS.includes(method)) return SENTENCES.authentication
  if (client.grant_types.includes('password')) return SENTENCES.noPassword
  if (client.response_types.some((type) => responseTypeName(type) !== RESPONSE_TYPE)) return SENTENCES.responseType
  if (client.redirect_uris.some((uri) => uri.startsWith('http:') && !(application_type === 'native' && isLoopback(uri))))
    return SENTENCES.noHttp
  if (code_challenge_method === 'plain') return SENTENCES.pkce
  if (!isBound(client, binding)) return SENTENCES.senderConstrained
  if (signed && response_modes.some((mode) => !SIGNED_MODES.includes(mode))) return SENTENCES.signedResponses
  const algorithms = Object.entries(client).flatMap(([name, value]) => (SIGNING_MEMBER.test(name) && value !== undefined ? [value] : []))
  if (!areAllowed(algorithms)) return SENTENCES.algorithms
  return policyFault(client.settings ?? {})
}

/** The sentence that the answer breaks which a request asks for; without a response mode nobody is redirected with one. */
export function responseFault(responseMode: string, { signed }: Requirements): string | undefined {
  return signed && responseMode !== '' && !SIGNED_MODES.includes(responseMode) ? SENTENCES.signedResponses : undefined
}

/** RFC 9449 §5.2, RFC 8705 §3.4; where there is one way only, a client need not say so. */
function isBound(
  { dpop_bound_access_tokens: toKey, tls_client_certificate_bound_access_tokens: toCertificate }: Omit<Client, 'client_id'>,
  binding: Requirements['binding']
): boolean {
  if (binding === 'choice') return (toKey === true) !== (toCertificate === true)
  return binding === 'key' ? toKey !== false && !toCertificate : toCertificate !== false && !toKey
}

function policyFault(policy: PolicyOverrides): string | undefined {
  if (policy.requirePkce === false) return SENTENCES.pkce
  if ((policy.authorizationCodeLifetime ?? 0) > LONGEST_CODE) return SENTENCES.codeLifetime
  if (policy.refreshTokenRotation === 'always') return SENTENCES.noRotation
  if (policy.assertionAudience !== undefined && policy.assertionAudience !== 'issuer') return SENTENCES.audience
  return undefined
}

export function areAllowed(algorithms: readonly unknown[]): boolean {
  return algorithms.every((alg) => typeof alg === 'string' && allowedOf([alg], ALGORITHMS).length === 1)
}
