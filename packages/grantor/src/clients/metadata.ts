import { ConfigurationError, InvalidClientMetadataError, InvalidRedirectUriError } from '../errors.ts'
import type { Client, ClientMetadata, JsonWebKeySet } from '../models/client.ts'
import { redirectUriFault } from '../models/redirect-uri.ts'
import { parseScope } from '../models/scope.ts'
import { checkPolicy, refuseUnknown } from '../settings.ts'

const MAX_REDIRECT_URIS = 20
const MAX_KEYS = 20
const URIS = ['client_uri', 'logo_uri', 'policy_uri', 'tos_uri'] as const
const LISTS = ['redirect_uris', 'grant_types', 'response_types', 'allowed_origins'] as const
const TEXTS = ['client_name', 'token_endpoint_auth_method', 'token_endpoint_auth_signing_alg', 'scope'] as const
const OTHERS = ['application_type', 'jwks', 'code_challenge_method', 'require_consent', 'settings']

/** What this server can do, against which a registration is judged. */
export interface Capabilities {
  grantTypes: ReadonlyMap<string, unknown>
  responseTypes: ReadonlyMap<string, unknown>
  clientAuthentications: ReadonlyMap<string, unknown>
}

/**
 * A complete client of what was sent, with the defaults of RFC 7591 §2.
 * @throws InvalidClientMetadataError or InvalidRedirectUriError with the member and the rule it breaks.
 */
export function completeMetadata(metadata: ClientMetadata, capabilities: Capabilities): Omit<Client, 'client_id'> {
  checkTypes(metadata)
  const grant_types = metadata.grant_types ?? ['authorization_code']
  const response_types = metadata.response_types ?? (grant_types.includes('authorization_code') ? ['code'] : [])
  const redirect_uris = metadata.redirect_uris ?? []
  const client = { ...metadata, grant_types, response_types, redirect_uris, scope: metadata.scope ?? '' }
  checkRedirectUris(client)
  checkOffered('grant_types', grant_types, [
    ...capabilities.grantTypes.keys(),
    ...(capabilities.responseTypes.has('token') ? ['implicit'] : [])
  ])
  checkOffered('response_types', response_types, [...capabilities.responseTypes.keys()])
  if (client.token_endpoint_auth_method !== undefined)
    checkOffered('token_endpoint_auth_method', [client.token_endpoint_auth_method], [...capabilities.clientAuthentications.keys()])
  if (!parseScope(client.scope))
    throw new InvalidClientMetadataError('scope is a list of scope tokens separated by spaces (RFC 6749 section 3.3)')
  checkKeys(client)
  if (client.token_endpoint_auth_method === 'none' && grant_types.includes('client_credentials')) {
    throw new InvalidClientMetadataError('client_credentials is for clients that authenticate (RFC 6749 section 4.4)')
  }
  return client
}

function checkTypes(metadata: ClientMetadata): void {
  if (metadata === null || typeof metadata !== 'object' || Array.isArray(metadata))
    throw new InvalidClientMetadataError('client metadata is an object')
  const refuse = (name: string, rule: string): never => {
    throw new InvalidClientMetadataError(`${name} is ${rule}`)
  }
  for (const name of LISTS) {
    const value: unknown = metadata[name]
    if (value !== undefined && !(Array.isArray(value) && value.every((entry) => typeof entry === 'string' && entry !== '')))
      refuse(name, 'a list of strings')
  }
  for (const name of TEXTS) if (metadata[name] !== undefined && typeof metadata[name] !== 'string') refuse(name, 'a string')
  for (const name of URIS) if (metadata[name] !== undefined && !isWebPage(metadata[name])) refuse(name, 'an http or https URL')
  const { application_type, code_challenge_method, require_consent, client_name = '', allowed_origins = [], settings } = metadata
  if (application_type !== undefined && application_type !== 'web' && application_type !== 'native')
    refuse('application_type', 'web or native')
  if (code_challenge_method !== undefined && code_challenge_method !== 'S256' && code_challenge_method !== 'plain')
    refuse('code_challenge_method', 'S256 or plain')
  if (require_consent !== undefined && typeof require_consent !== 'boolean') refuse('require_consent', 'true or false')
  if (client_name.length > 200 || /\p{Cc}|\p{Bidi_Control}/u.test(client_name))
    refuse('client_name', 'at most 200 characters without control characters')
  for (const origin of allowed_origins)
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) refuse('allowed_origins', 'a list of origins')
  try {
    refuseUnknown(Object.keys(metadata), [...URIS, ...LISTS, ...TEXTS, ...OTHERS], 'client metadata')
    if (settings !== undefined) checkPolicy(settings, 'client metadata: settings')
  } catch (error) {
    throw error instanceof ConfigurationError ? new InvalidClientMetadataError(error.message) : error
  }
}

function checkRedirectUris({
  redirect_uris,
  response_types,
  application_type
}: Pick<Client, 'redirect_uris' | 'response_types' | 'application_type'>): void {
  if (redirect_uris.length > MAX_REDIRECT_URIS) throw new InvalidRedirectUriError(`a client has at most ${MAX_REDIRECT_URIS} redirect URIs`)
  for (const uri of redirect_uris) {
    const fault = redirectUriFault(uri, application_type)
    if (fault) throw new InvalidRedirectUriError(`${uri.slice(0, 200)}: ${fault}`)
  }
  // RFC 7591 §2: "Clients using flows with redirection MUST register their redirection URI values."
  if (response_types.length > 0 && redirect_uris.length === 0)
    throw new InvalidRedirectUriError('redirect_uris is missing for a client with response types')
}

function checkOffered(name: string, values: readonly string[], offered: readonly string[]): void {
  for (const value of values) {
    if (!offered.includes(value))
      throw new InvalidClientMetadataError(`${name}: ${value.slice(0, 100)} is not served here; there are ${offered.join(', ')}`)
  }
}

function checkKeys({ jwks, token_endpoint_auth_method }: ClientMetadata): void {
  if (token_endpoint_auth_method === 'private_key_jwt' && !jwks) throw new InvalidClientMetadataError('private_key_jwt needs jwks')
  if (!jwks) return
  if (!Array.isArray((jwks as JsonWebKeySet).keys) || jwks.keys.length > MAX_KEYS)
    throw new InvalidClientMetadataError(`jwks is a JWK set of at most ${MAX_KEYS} keys`)
  for (const key of jwks.keys) {
    // RFC 7591 §2: the set holds public keys; a private or symmetric one is a leak.
    if (key === null || typeof key !== 'object' || key.kty === 'oct' || 'd' in key || 'k' in key)
      throw new InvalidClientMetadataError('jwks holds public keys only')
    if (key.kty === 'RSA' && (key.n ?? '').length < 342) throw new InvalidClientMetadataError('an RSA key has at least 2048 bits')
  }
}

function isWebPage(value: unknown): boolean {
  return typeof value === 'string' && value.length <= 2048 && /^https?:\/\/[^\s\\@]+$/.test(value) && URL.canParse(value)
}
