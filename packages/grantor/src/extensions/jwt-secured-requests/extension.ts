import { flag, listOf, type MetadataRule, oneOf } from '../../clients/rules.ts'
import { allowedOf, ENCRYPTION_ALGS, ENCRYPTION_ENCS, PUBLIC_KEY_SIGNATURES } from '../../crypto/algorithms.ts'
import { InvalidClientMetadataError } from '../../errors.ts'
import type { Extension } from '../../extension.ts'
import type { Client } from '../../models/client.ts'
import { requestUri } from './by-reference.ts'
import { checkOptions, type RequestObjectOptions } from './options.ts'
import { SignedRequests } from './signed-requests.ts'

/**
 * Authorization requests in a JWT that the client signed, and perhaps encrypted (RFC 9101; OpenID Connect Core §6).
 * @throws ConfigurationError if an option cannot work
 */
export function requestObjects(options: RequestObjectOptions = {}): Extension {
  checkOptions(options)
  return (server) => {
    const requests = new SignedRequests(server, options)
    const algorithms = allowedOf(PUBLIC_KEY_SIGNATURES, server.settings.allowedAlgorithms)
    return {
      metadata: metadata(options, algorithms),
      clientMetadata: clientMetadata(options, algorithms),
      encryptionAlgorithms: options.encrypted ? ENCRYPTION_ALGS : [],
      validateClient,
      resolveAuthorizationParams: (params, request) => requests.unfold(params, request)
    }
  }
}

/** OpenID Connect Discovery §3, RFC 9101 §10.5. */
function metadata(
  { byReference = false, encrypted = false, required = false }: RequestObjectOptions,
  algorithms: readonly string[]
): Record<string, unknown> {
  return {
    request_parameter_supported: true,
    request_uri_parameter_supported: byReference,
    ...(byReference && { require_request_uri_registration: true }),
    require_signed_request_object: required,
    request_object_signing_alg_values_supported: algorithms,
    ...(encrypted && {
      request_object_encryption_alg_values_supported: ENCRYPTION_ALGS,
      request_object_encryption_enc_values_supported: ENCRYPTION_ENCS
    })
  }
}

/** OpenID Connect Registration §2, RFC 9101 §10.5. */
function clientMetadata({ byReference, encrypted }: RequestObjectOptions, algorithms: readonly string[]): Record<string, MetadataRule> {
  return {
    require_signed_request_object: flag,
    request_object_signing_alg: oneOf(...algorithms),
    ...(byReference && { request_uris: listOf(requestUri) }),
    ...(encrypted && {
      request_object_encryption_alg: oneOf(...ENCRYPTION_ALGS),
      request_object_encryption_enc: oneOf(...ENCRYPTION_ENCS)
    })
  }
}

async function validateClient(client: Client): Promise<void> {
  // OpenID Connect Registration §2: "When request_object_encryption_enc is included, request_object_encryption_alg MUST also be provided."
  if (client.request_object_encryption_enc !== undefined && client.request_object_encryption_alg === undefined)
    throw new InvalidClientMetadataError('request_object_encryption_enc needs request_object_encryption_alg')
}
