import type { ServerContext } from '../../context.ts'
import type { Awaitable } from '../../crypto/port.ts'
import { ConfigurationError, InvalidClientMetadataError } from '../../errors.ts'
import type { Client } from '../../models/client.ts'
import { fetchJson } from '../../outbound/json.ts'

/** CIBA Core §10.1; RFC 8628 §3.4. */
const CIBA = 'urn:openid:params:grant-type:ciba'
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'
/** Those by which a client learns of nobody, or of somebody who is sent to a redirect URI. */
const REDIRECTING = ['authorization_code', 'implicit', 'refresh_token', 'client_credentials']

/** What clients know people by (OpenID Connect Core §8). */
export class Subjects {
  readonly #server: ServerContext
  readonly #key: string | undefined

  /** @throws ConfigurationError if the key is too short. */
  constructor(server: ServerContext, key: string | undefined) {
    if (key !== undefined && key.length < 32) throw new ConfigurationError('openid: pairwiseKey has at least 32 characters')
    this.#server = server
    this.#key = key
  }

  get types(): readonly ('public' | 'pairwise')[] {
    return this.#key === undefined ? ['public'] : ['public', 'pairwise']
  }

  /**
   * The `sub` of a person at a client. A pairwise one is the keyed hash of sector and person (§8.1), so that neither two sectors can
   * compare notes nor anybody can go back from it.
   */
  of(client: Client, subject: string): Awaitable<string> {
    return client.subject_type === 'pairwise' ? this.#pairwise(client, subject) : subject
  }

  async #pairwise(client: Client, subject: string): Promise<string> {
    if (this.#key === undefined) throw new ConfigurationError('a pairwise client needs openid({ pairwiseKey })')
    const key = await this.#server.crypto.sha256(this.#key)
    return this.#server.crypto.hmac(key)(JSON.stringify([sectorOf(client), subject]))
  }

  /** @throws InvalidClientMetadataError if there is no one sector, or its document does not name every URI of the client (§8.1). */
  async validateClient(client: Client): Promise<void> {
    const { sector_identifier_uri, redirect_uris, subject_type } = client
    const uris = subject_type === 'pairwise' ? ownUris(client) : redirect_uris
    if (sector_identifier_uri === undefined) {
      if (subject_type === 'pairwise') checkOneHost(uris)
      return
    }
    const listed = await this.#fetch(sector_identifier_uri)
    // OpenID Connect Dynamic Client Registration §5: "The values registered in redirect_uris MUST be included in the elements of the array".
    // CIBA Core §4: "the jwks_uri must be included in the list of URIs pointed to by the sector_identifier_uri."
    if (!uris.every((uri) => listed.includes(uri)))
      throw new InvalidClientMetadataError('sector_identifier_uri does not list every redirect URI, or not the jwks_uri')
  }

  async #fetch(url: string): Promise<readonly unknown[]> {
    try {
      const list = await fetchJson(this.#server.outbound, { url })
      if (Array.isArray(list) && list.every((entry) => typeof entry === 'string')) return list
    } catch (cause) {
      throw new InvalidClientMetadataError('sector_identifier_uri cannot be read', { cause })
    }
    throw new InvalidClientMetadataError('sector_identifier_uri is not a JSON list of URIs')
  }
}

/**
 * What shows whose a pairwise client is. Nobody is redirected in CIBA, and so its §4: "it MUST check if a valid jwks_uri is set when the
 * subject_type is pairwise"; the client must prove "possession of a private key corresponding to one of the public keys". With a device, or
 * without redirect URIs at all, it is the same case.
 * @throws InvalidClientMetadataError if nothing shows it
 */
function ownUris(client: Client): readonly string[] {
  const { redirect_uris, jwks_uri, grant_types } = client
  if (redirect_uris.length > 0 && !grant_types.some((grantType) => grantType === CIBA || grantType === DEVICE)) return redirect_uris
  if (jwks_uri === undefined)
    throw new InvalidClientMetadataError('pairwise needs jwks_uri for CIBA and devices, or where there is no redirect URI')
  if (!provesItsKeys(client))
    throw new InvalidClientMetadataError('pairwise by jwks_uri needs private_key_jwt, self_signed_tls_client_auth, or signed CIBA requests')
  return [...redirect_uris, jwks_uri]
}

/** By a key of its `jwks_uri`, whenever it learns the name of somebody who is not sent to a redirect URI. */
function provesItsKeys({
  token_endpoint_auth_method: method,
  grant_types,
  backchannel_authentication_request_signing_alg: alg
}: Client): boolean {
  if (method === 'private_key_jwt' || method === 'self_signed_tls_client_auth') return true
  return alg !== undefined && grant_types.every((grantType) => grantType === CIBA || REDIRECTING.includes(grantType))
}

/** @throws InvalidClientMetadataError */
function checkOneHost(uris: readonly string[]): void {
  const [, ...others] = new Set(uris.map((uri) => new URL(uri).hostname))
  // §8.1: "If there are multiple hostnames in the registered redirect_uris, the Client MUST register a sector_identifier_uri."
  if (others.length > 0) throw new InvalidClientMetadataError('pairwise with URIs of several hosts needs sector_identifier_uri')
  // What every native application has is nobody's sector: all of them would know the person by the same name.
  if (!uris.every((uri) => uri.startsWith('https://')))
    throw new InvalidClientMetadataError('pairwise needs sector_identifier_uri, or redirect URIs on a host of its own')
}

/** §8.1: "the host component" of the sector identifier, or of the client's URIs; a port is none of it (RFC 3986 §3.2). */
function sectorOf({ sector_identifier_uri, redirect_uris, jwks_uri }: Client): string {
  return new URL(sector_identifier_uri ?? redirect_uris[0] ?? jwks_uri ?? '').hostname
}
