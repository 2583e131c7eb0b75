import { flag, httpsUrl, listOf, type MetadataRule, oneOf, seconds, text } from '../../clients/rules.ts'
import { ENCRYPTION_ALGS, ENCRYPTION_ENCS } from '../../crypto/algorithms.ts'
import { InvalidClientMetadataError } from '../../errors.ts'
import type { Client } from '../../models/client.ts'
import type { Subjects } from './subjects.ts'

/** The members of client metadata that an OpenID Provider understands (OpenID Connect Dynamic Client Registration §2). */
export function openIdClientMetadata(subjects: Subjects, signingAlgorithms: readonly string[]): Readonly<Record<string, MetadataRule>> {
  return {
    subject_type: oneOf(...subjects.types),
    sector_identifier_uri: httpsUrl,
    id_token_signed_response_alg: oneOf(...signingAlgorithms),
    id_token_encrypted_response_alg: oneOf(...ENCRYPTION_ALGS),
    id_token_encrypted_response_enc: oneOf(...ENCRYPTION_ENCS),
    userinfo_signed_response_alg: oneOf(...signingAlgorithms),
    userinfo_encrypted_response_alg: oneOf(...ENCRYPTION_ALGS),
    userinfo_encrypted_response_enc: oneOf(...ENCRYPTION_ENCS),
    default_max_age: seconds,
    require_auth_time: flag,
    default_acr_values: listOf(text),
    initiate_login_uri: httpsUrl,
    scope_claims_in_id_token: flag
  }
}

/** @throws InvalidClientMetadataError if two members do not go together. */
export function checkOpenIdClient(client: Client): void {
  for (const what of ['id_token', 'userinfo'] as const) {
    const alg = client[`${what}_encrypted_response_alg`]
    // Registration §2: "If id_token_encrypted_response_enc is included, id_token_encrypted_response_alg MUST also be provided."
    if (client[`${what}_encrypted_response_enc`] !== undefined && alg === undefined)
      throw new InvalidClientMetadataError(`${what}_encrypted_response_enc needs ${what}_encrypted_response_alg`)
    if (alg !== undefined && !client.jwks && client.jwks_uri === undefined)
      throw new InvalidClientMetadataError(`${what}_encrypted_response_alg needs keys: jwks or jwks_uri`)
  }
}
