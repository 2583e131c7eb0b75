import { ConfigurationError, InvalidClientMetadataError, InvalidRedirectUriError } from '../errors.ts'
import type { Client, ClientMetadata } from '../models/client.ts'
import { isDeeper } from '../models/nesting.ts'
import { redirectUriFault } from '../models/redirect-uri.ts'
import { responseTypeName } from '../models/response-type.ts'
import { parseScope } from '../models/scope.ts'
import { refuseUnknown } from '../setting-rules.ts'
import { checkPolicy } from '../settings.ts'
import { storableJson } from '../stores/storable.ts'
import { keySetFault } from './key-set.ts'
import { displayName, flag, httpsUrl, listOf, type MetadataRule, oneOf, origin, text, webUrl } from './rules.ts'

const MAX_REDIRECT_URIS = 20
const MAX_DEPTH = 20
// Judged together with others, below.
const anything: MetadataRule = () => undefined

/** What every server understands of RFC 7591 §2, and its own members. */
const MEMBERS: Readonly<Record<string, MetadataRule>> = {
  client_name: displayName,
  client_uri: webUrl,
  logo_uri: webUrl,
  policy_uri: webUrl,
  tos_uri: webUrl,
  contacts: listOf(text),
  software_id: text,
  software_version: text,
  redirect_uris: (value) =>
    Array.isArray(value) && value.every((entry) => text(entry) === undefined && entry !== '') ? undefined : 'a list of strings',
  grant_types: listOf(text),
  response_types: listOf(text),
  response_modes: listOf(text),
  token_endpoint_auth_method: text,
  token_endpoint_auth_signing_alg: text,
  scope: text,
  application_type: oneOf('web', 'native'),
  jwks: anything,
  jwks_uri: httpsUrl,
  allowed_origins: listOf(origin),
  code_challenge_method: oneOf('S256', 'plain'),
  require_consent: flag,
  verified: flag,
  settings: anything
}
// RFC 7591 §2.2: these may come in several languages, as `client_name#ja`.
const HUMAN_READABLE = ['client_name', 'client_uri', 'logo_uri', 'policy_uri', 'tos_uri']
const LANGUAGE_TAG = /^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*$/

/** What this server can do, against which a registration is judged. */
export interface Capabilities {
  grantTypes: ReadonlyMap<string, unknown>
  responseTypes: ReadonlyMap<string, { grantTypes: readonly string[] }>
  responseModes: ReadonlyMap<string, unknown>
  clientAuthentications: ReadonlyMap<string, { algorithms: readonly string[] }>
  tokenFormats: ReadonlyMap<string, unknown>
  /** What extensions understand besides. */
  clientMetadata: ReadonlyMap<string, { rule: MetadataRule }>
  /** What extensions refuse. */
  hooks(name: 'validateMetadata'): readonly ((client: Omit<Client, 'client_id'>) => void)[]
  hooks(name: 'validateClient'): readonly ((client: Client) => Promise<void>)[]
}

/** Whether this server understands a member of client metadata. */
export function isUnderstood(name: string, { clientMetadata }: Capabilities): boolean {
  return ruleOf(name, clientMetadata) !== undefined
}

/** The grant types that may be registered: those of the token endpoint, and those that a response type needs (RFC 7591 §2.1). */
export function offeredGrantTypes({ grantTypes, responseTypes }: Pick<Capabilities, 'grantTypes' | 'responseTypes'>): readonly string[] {
  return [...new Set([...grantTypes.keys(), ...[...responseTypes.values()].flatMap((type) => type.grantTypes)])]
}

/**
 * A complete client of what was sent, with the defaults of RFC 7591 §2.
 * @throws InvalidClientMetadataError or InvalidRedirectUriError with the member and the rule it breaks.
 */
export function completeMetadata(metadata: ClientMetadata, capabilities: Capabilities): Omit<Client, 'client_id'> {
  checkMembers(metadata, capabilities)
  const grant_types = metadata.grant_types ?? ['authorization_code']
  const response_types = metadata.response_types ?? (grant_types.includes('authorization_code') ? ['code'] : [])
  const redirect_uris = metadata.redirect_uris ?? []
  const client = { ...metadata, grant_types, response_types, redirect_uris, scope: metadata.scope ?? '' }
  // A copy: what a policy is made of does not change, whatever its owner does with the original.
  if (metadata.settings) client.settings = { ...metadata.settings }
  for (const validateMetadata of capabilities.hooks('validateMetadata')) validateMetadata(client)
  checkRedirectUris(client)
  checkOffered('grant_types', grant_types, offeredGrantTypes(capabilities))
  checkOffered('response_types', response_types.map(responseTypeName), [...capabilities.responseTypes.keys()])
  checkOffered('response_modes', client.response_modes ?? [], [...capabilities.responseModes.keys()])
  if (client.token_endpoint_auth_method !== undefined)
    checkOffered('token_endpoint_auth_method', [client.token_endpoint_auth_method], [...capabilities.clientAuthentications.keys()])
  checkAlgorithm(client, capabilities)
  if (client.settings?.accessTokenFormat !== undefined)
    checkOffered('settings: accessTokenFormat', [client.settings.accessTokenFormat], [...capabilities.tokenFormats.keys()])
  if (!parseScope(client.scope))
    throw new InvalidClientMetadataError('scope is a list of scope tokens separated by spaces (RFC 6749 section 3.3)')
  checkKeys(client)
  if (client.token_endpoint_auth_method === 'none' && grant_types.includes('client_credentials')) {
    throw new InvalidClientMetadataError('client_credentials is for clients that authenticate (RFC 6749 section 4.4)')
  }
  return client
}

function ruleOf(name: string, clientMetadata: Capabilities['clientMetadata']): MetadataRule | undefined {
  const [base = '', ...tags] = name.split('#')
  if (tags.length > 0) return HUMAN_READABLE.includes(base) && LANGUAGE_TAG.test(tags.join('#')) ? MEMBERS[base] : undefined
  return Object.hasOwn(MEMBERS, name) ? MEMBERS[name] : clientMetadata.get(name)?.rule
}

function checkMembers(metadata: ClientMetadata, { clientMetadata }: Capabilities): void {
  if (metadata === null || typeof metadata !== 'object' || Array.isArray(metadata))
    throw new InvalidClientMetadataError('client metadata is an object')
  try {
    const unknown = Object.keys(metadata).filter((name) => !ruleOf(name, clientMetadata))
    refuseUnknown(unknown, [...Object.keys(MEMBERS), ...clientMetadata.keys()], 'client metadata')
    if (metadata.settings !== undefined) checkPolicy(metadata.settings, 'client metadata: settings')
  } catch (error) {
    throw error instanceof ConfigurationError ? new InvalidClientMetadataError(error.message) : error
  }
  for (const [name, value] of Object.entries(metadata)) {
    const fault = value === undefined ? undefined : ruleOf(name, clientMetadata)?.(value)
    if (fault !== undefined) throw new InvalidClientMetadataError(`${name} is ${fault}`)
  }
  checkStorable(metadata)
}

function checkStorable(metadata: ClientMetadata): void {
  if (isDeeper(metadata, MAX_DEPTH)) throw new InvalidClientMetadataError(`client metadata has at most ${MAX_DEPTH} levels`)
  try {
    storableJson(metadata)
  } catch (cause) {
    throw new InvalidClientMetadataError('client metadata has no NUL and no half of a surrogate pair in it', { cause })
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

function checkAlgorithm(
  { token_endpoint_auth_method: method, token_endpoint_auth_signing_alg: alg }: ClientMetadata,
  capabilities: Capabilities
): void {
  if (alg === undefined) return
  const { clientAuthentications } = capabilities
  const own = clientAuthentications.get(method ?? '')?.algorithms ?? []
  // To a method that signs nothing it means nothing, but "The value none MUST NOT be used" (OpenID Connect Registration §2).
  const offered = own.length > 0 ? own : [...clientAuthentications.values()].flatMap(({ algorithms }) => algorithms)
  checkOffered('token_endpoint_auth_signing_alg', [alg], offered)
}

function checkKeys({ jwks, jwks_uri, token_endpoint_auth_method }: ClientMetadata): void {
  // RFC 7591 §2: "The "jwks_uri" and "jwks" parameters MUST NOT both be present in the same request or response."
  if (jwks && jwks_uri !== undefined) throw new InvalidClientMetadataError('jwks and jwks_uri exclude each other')
  if (token_endpoint_auth_method === 'private_key_jwt' && !jwks && jwks_uri === undefined)
    throw new InvalidClientMetadataError('private_key_jwt needs jwks or jwks_uri')
  if (jwks === undefined) return
  const fault = keySetFault(jwks)
  if (fault !== undefined) throw new InvalidClientMetadataError(fault)
}
