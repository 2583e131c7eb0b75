import type { ServerContext } from '../../context.ts'
import { ENCRYPTION_ALGS, ENCRYPTION_ENCS } from '../../crypto/algorithms.ts'
import { ConfigurationError, InvalidGrantError } from '../../errors.ts'
import type { Contribution, Extension } from '../../extension.ts'
import { parseScope } from '../../models/scope.ts'
import { refuseUnknown } from '../../setting-rules.ts'
import { keyRetention, type Settings } from '../../settings.ts'
import { OwnIdTokens } from '../../tokens/own-id-tokens.ts'
import { DEFAULT_ALGORITHM, responseAlgorithms } from '../../tokens/response-algorithms.ts'
import { checkHint, readAuthenticationRequest } from './authentication-request.ts'
import { openIdChecks } from './checks.ts'
import { claimsOfScope } from './claims.ts'
import { checkOpenIdClient, openIdClientMetadata } from './client-metadata.ts'
import { openIdDetails } from './details.ts'
import { IdTokens } from './id-tokens.ts'
import { withoutUselessOfflineAccess } from './offline-access.ts'
import { OPTION_NAMES, type OpenIdOptions } from './options.ts'
import { PersonClaimsSource } from './person-claims.ts'
import { FrontChannelResponseType } from './response-types.ts'
import { endOnlineGrants } from './session-end.ts'
import { Subjects } from './subjects.ts'
import { UserinfoEndpoint } from './userinfo.ts'

/**
 * OpenID Connect Core 1.0 and Discovery 1.0: ID tokens, userinfo, and what an authentication request may ask for.
 * @throws ConfigurationError if an option is unknown
 */
export function openid(options: OpenIdOptions): Extension {
  refuseUnknown(Object.keys(options), OPTION_NAMES, 'openid')
  return (server) => contribution(server, options)
}

const ID_TOKEN_LIFETIME = 3600

function contribution(server: ServerContext, options: OpenIdOptions): Contribution {
  const { pairwiseKey, signUp = false, responseTypes = [] } = options
  const lifetime = lifetimeOf(options, server.settings)
  const algorithms = responseAlgorithms(server)
  const subjects = new Subjects(server, pairwiseKey)
  const claims = new PersonClaimsSource(options)
  const idTokens = new IdTokens(server, { subjects, claims, lifetime })
  const hints = new OwnIdTokens(server)
  return {
    endpoints: [new UserinfoEndpoint(server, { subjects, claims })],
    responseTypes: responseTypes.map((name) => new FrontChannelResponseType(server, name, idTokens)),
    interactionChecks: openIdChecks({ subjects, hints, claims, signUp }),
    // OpenID Connect Core §15.1: every provider must be able to sign with it.
    signingAlgorithms: [DEFAULT_ALGORITHM],
    clientMetadata: openIdClientMetadata(subjects, algorithms),
    wellKnown: ['openid-configuration'],
    metadata: metadata(options, { subjects, claims, algorithms }),
    async validateClient(client) {
      checkOpenIdClient(client)
      await subjects.validateClient(client)
    },
    limitScope: (request) => withoutUselessOfflineAccess(server, request),
    validateAuthorizationRequest(request) {
      const details = readAuthenticationRequest(request, claims)
      const hint = details && request.params.get('id_token_hint')
      if (hint === undefined) return details && { openid: details }
      return checkHint(hint, request.client, hints).then(() => ({ openid: details }))
    },
    subjectFor: (client, subject) => subjects.of(client, subject),
    async sessionEnded(session) {
      await endOnlineGrants(server, session)
      return []
    },
    tokenResponse(response, { client, grantType }, { grant, scope: issued, idToken: wanted }) {
      const details = openIdDetails(grant)
      // A refresh may ask for less than was granted (RFC 6749 §6); without openid it is no sign-in.
      if (wanted === false || !grant || !details || !issued.includes('openid')) return undefined
      // Not that of the access token, which carries only what its resource understands (RFC 8707 §2.2).
      const registered = parseScope(client.scope) ?? []
      if (!registered.includes('openid')) return undefined
      const scope = issued.filter((token) => registered.includes(token))
      // Core §12.2: the ID token of a refresh "SHOULD NOT have a nonce Claim".
      const nonce = grantType === 'authorization_code' ? details.nonce : undefined
      return withIdToken(idTokens.issue(client, grant, { nonce, scope, accessToken: response.access_token }))
    }
  }
}

async function withIdToken(issued: Promise<string | undefined>): Promise<Record<string, unknown>> {
  const idToken = await issued
  if (idToken === undefined) throw new InvalidGrantError('there is no such person any more')
  return { id_token: idToken }
}

/** @throws ConfigurationError if an ID token could outlive the key that verifies it. */
function lifetimeOf({ idTokenLifetime }: OpenIdOptions, settings: Settings): number {
  const longest = keyRetention(settings)
  const lifetime = idTokenLifetime ?? Math.min(ID_TOKEN_LIFETIME, longest)
  if (Number.isInteger(lifetime) && lifetime > 0 && lifetime <= longest) return lifetime
  throw new ConfigurationError(
    `openid: idTokenLifetime is a whole number of seconds from 1 to ${longest}, for which keys are kept after their last signature`
  )
}

/** OpenID Connect Discovery §3. */
function metadata(
  { signUp, acrValues = [] }: OpenIdOptions,
  { subjects, claims, algorithms }: { subjects: Subjects; claims: PersonClaimsSource; algorithms: readonly string[] }
): Record<string, unknown> {
  const scopes = [...claims.scopes.keys()]
  return {
    scopes_supported: ['openid', ...scopes, 'offline_access'],
    claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'auth_time', 'acr', 'amr', 'sid', ...claimsOfScope(scopes, claims.scopes)],
    claim_types_supported: ['normal', 'aggregated', 'distributed'],
    claims_parameter_supported: true,
    subject_types_supported: subjects.types,
    id_token_signing_alg_values_supported: algorithms,
    id_token_encryption_alg_values_supported: ENCRYPTION_ALGS,
    id_token_encryption_enc_values_supported: ENCRYPTION_ENCS,
    userinfo_signing_alg_values_supported: algorithms,
    userinfo_encryption_alg_values_supported: ENCRYPTION_ALGS,
    userinfo_encryption_enc_values_supported: ENCRYPTION_ENCS,
    display_values_supported: ['page', 'popup', 'touch', 'wap'],
    prompt_values_supported: ['none', 'login', 'consent', 'select_account', ...(signUp ? ['create'] : [])],
    ...(acrValues.length > 0 && { acr_values_supported: acrValues })
  }
}
