import {
  backChannelLogout,
  clientSecretJwt,
  dynamicRegistration,
  type Extension,
  frontChannelLogout,
  implicit,
  type OpenIdOptions,
  openid,
  requestObjects,
  rpInitiatedLogout
} from 'grantor'
import type { Config } from './config.ts'
import { readSecrets } from './secret-file.ts'
import { ACR } from './sessions.ts'

const BY_NAME: Readonly<Record<Config['extensions'][number], (config: Config) => Extension>> = {
  client_secret_jwt: () => clientSecretJwt,
  implicit: () => implicit,
  request_objects: (config) => requestObjects(config.requestObjects)
}

/** The specifications that the server has: OpenID Connect with its logout always, the others as the configuration names them. */
export function extensionsOf(config: Config, claims: OpenIdOptions['claims']): readonly Extension[] {
  const { pairwiseKeyFile, ...options } = config.openid
  const [pairwiseKey] = pairwiseKeyFile === undefined ? [] : readSecrets(pairwiseKeyFile)
  return [
    openid({ ...options, claims, signUp: config.signUp, acrValues: [ACR], ...(pairwiseKey !== undefined && { pairwiseKey }) }),
    rpInitiatedLogout(),
    backChannelLogout(),
    frontChannelLogout(),
    ...config.extensions.map((name) => BY_NAME[name](config)),
    ...(config.registration ? [dynamicRegistration(config.registration)] : [])
  ]
}
