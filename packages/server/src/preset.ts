import {
  clientSecretJwt,
  deviceAuthorization,
  dpop,
  dynamicRegistration,
  type Extension,
  implicit,
  jarm,
  jwtBearer,
  jwtIntrospection,
  mutualTls,
  pushedAuthorizationRequests,
  requestObjects,
  resourceIndicators,
  richAuthorizationRequests,
  stepUp,
  tokenExchange
} from 'grantor'
import { fapi2, openidProvider, type Preset } from 'grantor/presets'
import { cibaOf } from './ciba-config.ts'
import type { Config } from './config.ts'
import { detailTypesOf } from './detail-types.ts'
import { libraryOptions } from './mutual-tls-config.ts'
import { readSecrets } from './secret-file.ts'
import { ACR } from './sessions.ts'
import { withSubjects } from './trusted-issuer-config.ts'
import type { Users } from './users.ts'

const BY_NAME: Readonly<Record<Config['extensions'][number], (config: Config, users: () => Users) => Extension>> = {
  ciba: (config, users) => cibaOf(config.ciba, users),
  client_secret_jwt: () => clientSecretJwt,
  device_authorization: (config) => deviceAuthorization(config.deviceAuthorization),
  dpop: (config) => dpop(config.dpop),
  implicit: () => implicit,
  jarm: () => jarm,
  jwt_bearer: ({ jwtBearer: { issuers } }, users) => jwtBearer({ issuers: withSubjects(issuers, users) }),
  jwt_introspection: () => jwtIntrospection,
  mutual_tls: (config) => mutualTls(libraryOptions(config.mutualTls)),
  pushed_authorization_requests: (config) => pushedAuthorizationRequests(config.pushedAuthorizationRequests),
  request_objects: (config) => requestObjects(config.requestObjects),
  resource_indicators: (config) => resourceIndicators(config.resourceIndicators),
  rich_authorization_requests: (config) => richAuthorizationRequests({ types: detailTypesOf(config.richAuthorizationRequests) }),
  step_up: () => stepUp({ acrValues: [ACR] }),
  token_exchange: ({ tokenExchange: { allow, issuers } }, users) => tokenExchange({ allow, issuers: withSubjects(issuers, users) })
}

/** Extensions that the preset of `fapi2` brings, and of `fapi2-message-signing` besides. */
const OF_FAPI2: readonly string[] = ['dpop', 'mutual_tls', 'pushed_authorization_requests']
const OF_MESSAGE_SIGNING: readonly string[] = ['jarm', 'jwt_introspection', 'request_objects']

/**
 * What the server is: an OpenID Provider, with the other specifications that the configuration names, held to FAPI 2.0 if it says so.
 * `users` is called when they are there.
 */
export function presetOf(config: Config, users: () => Users): Preset {
  const { profile, pushedAuthorizationRequests, requestObjects } = config
  if (profile !== 'fapi2' && profile !== 'fapi2-message-signing') return provider(config, users)
  const messageSigning = profile === 'fapi2-message-signing'
  const included = messageSigning ? [...OF_FAPI2, ...OF_MESSAGE_SIGNING] : OF_FAPI2
  const others = config.extensions.filter((name) => !included.includes(name))
  const { extensions } = provider({ ...config, extensions: others }, users)
  const isMutual = config.extensions.includes('mutual_tls')
  return fapi2({
    messageSigning,
    pushedAuthorizationRequests,
    ...(messageSigning && { requestObjects }),
    ...((!isMutual || config.extensions.includes('dpop')) && { dpop: config.dpop }),
    ...(isMutual && { mutualTls: libraryOptions(config.mutualTls) }),
    extensions
  })
}

function provider(config: Config, users: () => Users): Preset {
  const { pairwiseKeyFile, ...options } = config.openid
  const [pairwiseKey] = pairwiseKeyFile === undefined ? [] : readSecrets(pairwiseKeyFile)
  return openidProvider({
    ...options,
    claims: (subject) => users().claims(subject),
    signUp: config.signUp,
    acrValues: [ACR],
    ...(pairwiseKey !== undefined && { pairwiseKey }),
    extensions: [
      ...config.extensions.map((name) => BY_NAME[name](config, users)),
      ...(config.registration ? [dynamicRegistration(config.registration)] : [])
    ]
  })
}
