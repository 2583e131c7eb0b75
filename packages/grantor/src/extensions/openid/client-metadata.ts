import { checkEncryption, encryptionMetadata } from '../../clients/encryption-metadata.ts'
import { flag, httpsUrl, listOf, type MetadataRule, oneOf, seconds, text } from '../../clients/rules.ts'
import { InvalidRedirectUriError } from '../../errors.ts'
import type { Client } from '../../models/client.ts'
import type { Subjects } from './subjects.ts'

/** The members of client metadata that an OpenID Provider understands (OpenID Connect Dynamic Client Registration §2). */
export function openIdClientMetadata(subjects: Subjects, signingAlgorithms: readonly string[]): Readonly<Record<string, MetadataRule>> {
  return {
    subject_type: oneOf(...subjects.types),
    sector_identifier_uri: httpsUrl,
    id_token_signed_response_alg: oneOf(...signingAlgorithms),
    ...encryptionMetadata('id_token'),
    userinfo_signed_response_alg: oneOf(...signingAlgorithms),
    ...encryptionMetadata('userinfo'),
    default_max_age: seconds,
    require_auth_time: flag,
    default_acr_values: listOf(text),
    initiate_login_uri: httpsUrl,
    scope_claims_in_id_token: flag
  }
}

/** @throws InvalidRedirectUriError, InvalidClientMetadataError if two members do not go together. */
export function checkOpenIdClient(client: Client): void {
  checkImplicit(client)
  checkEncryption(client, 'id_token')
  checkEncryption(client, 'userinfo')
}

/**
 * Registration §2: "Web Clients using the OAuth Implicit Grant Type MUST only register URLs using the https scheme as redirect_uris; they
 * MUST NOT use localhost as the hostname."
 */
function checkImplicit({ application_type = 'web', grant_types, redirect_uris }: Client): void {
  if (application_type !== 'web' || !grant_types.includes('implicit')) return
  if (!redirect_uris.every((uri) => uri.startsWith('https://') && new URL(uri).hostname !== 'localhost'))
    throw new InvalidRedirectUriError('a web client of the implicit grant has redirect URIs with https, and not on localhost')
}
