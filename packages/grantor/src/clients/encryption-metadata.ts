import { ENCRYPTION_ALGS, ENCRYPTION_ENCS } from '../crypto/algorithms.ts'
import { InvalidClientMetadataError } from '../errors.ts'
import type { Client } from '../models/client.ts'
import { type MetadataRule, oneOf } from './rules.ts'

/** Responses that a client may want encrypted, as the two members of its metadata are named after them. */
export type EncryptedResponse = 'id_token' | 'userinfo' | 'authorization' | 'introspection'

/** OpenID Connect Registration §2, JARM §3, RFC 9701 §6. */
export function encryptionMetadata(response: EncryptedResponse): Readonly<Record<string, MetadataRule>> {
  return {
    [`${response}_encrypted_response_alg`]: oneOf(...ENCRYPTION_ALGS),
    [`${response}_encrypted_response_enc`]: oneOf(...ENCRYPTION_ENCS)
  }
}

/** @throws InvalidClientMetadataError if the two do not go together, or there is no key to encrypt to. */
export function checkEncryption(client: Client, response: EncryptedResponse): void {
  const alg = client[`${response}_encrypted_response_alg`]
  // All of them: "When …_encrypted_response_enc is included, …_encrypted_response_alg MUST also be provided".
  if (client[`${response}_encrypted_response_enc`] !== undefined && alg === undefined)
    throw new InvalidClientMetadataError(`${response}_encrypted_response_enc needs ${response}_encrypted_response_alg`)
  if (alg !== undefined && !client.jwks && client.jwks_uri === undefined)
    throw new InvalidClientMetadataError(`${response}_encrypted_response_alg needs keys: jwks or jwks_uri`)
}
