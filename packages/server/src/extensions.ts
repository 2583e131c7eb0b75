import { clientSecretJwt, type Extension, implicit, type OpenIdOptions, openid } from 'grantor'
import type { Config } from './config.ts'
import { readSecrets } from './secret-file.ts'
import { ACR } from './sessions.ts'

const BY_NAME: Readonly<Record<Config['extensions'][number], Extension>> = { client_secret_jwt: clientSecretJwt, implicit }

/** The specifications that the server has: OpenID Connect always, the others as the configuration names them. */
export function extensionsOf({ extensions, openid: options, signUp }: Config, claims: OpenIdOptions['claims']): readonly Extension[] {
  const { pairwiseKeyFile, ...openIdOptions } = options
  const [pairwiseKey] = pairwiseKeyFile === undefined ? [] : readSecrets(pairwiseKeyFile)
  return [
    openid({ ...openIdOptions, claims, signUp, acrValues: [ACR], ...(pairwiseKey !== undefined && { pairwiseKey }) }),
    ...extensions.map((name) => BY_NAME[name])
  ]
}
