import type { ServerContext } from '../../context.ts'
import { ConfigurationError, InvalidClientMetadataError } from '../../errors.ts'
import type { Client } from '../../models/client.ts'
import { fetchJson } from '../../outbound/json.ts'

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
  async of(client: Client, subject: string): Promise<string> {
    if (client.subject_type !== 'pairwise') return subject
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
      throw new InvalidClientMetadataError('sector_identifier_uri does not list every redirect URI, or the jwks_uri of a client of CIBA')
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
 * subject_type is pairwise"; the client must prove "possession of a private key corresponding to one of the public keys". Any other client
 * that nobody is redirected to is the same case.
 * @throws InvalidClientMetadataError if nothing shows it
 */
function ownUris({ redirect_uris, jwks_uri, backchannel_token_delivery_mode, ...client }: Client): readonly string[] {
  if (redirect_uris.length > 0 && backchannel_token_delivery_mode === undefined) return redirect_uris
  if (jwks_uri === undefined) throw new InvalidClientMetadataError('pairwise needs jwks_uri for CIBA, or where there is no redirect URI')
  if (!provesItsKeys(client))
    throw new InvalidClientMetadataError('pairwise by jwks_uri needs private_key_jwt, self_signed_tls_client_auth, or signed CIBA requests')
  return [...redirect_uris, jwks_uri]
}

/** In each request, by a key of its `jwks_uri`. */
function provesItsKeys({
  token_endpoint_auth_method: method,
  backchannel_authentication_request_signing_alg: alg
}: Pick<Client, 'token_endpoint_auth_method' | 'backchannel_authentication_request_signing_alg'>): boolean {
  return method === 'private_key_jwt' || method === 'self_signed_tls_client_auth' || alg !== undefined
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
