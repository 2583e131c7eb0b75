import type { MintedSecret, OpaqueTokens, ServerContext } from '../context.ts'
import { CHECKSUM_LENGTH, checksum } from '../crypto/checksum.ts'
import { IDENTIFIER_LENGTH } from '../crypto/identifier.ts'
import { type Awaitable, when } from '../crypto/port.ts'
import { ACCESS_TOKEN, AUTHORIZATION_CODE, type Kind, REFRESH_TOKEN } from '../models/artifacts.ts'
import { INITIAL_ACCESS_TOKEN, REGISTRATION_ACCESS_TOKEN } from '../models/registration.ts'
import type { Found } from '../stores/store.ts'

// 256 bits, and in base64url.
const SECRET_SIZE = 32
const SECRET_LENGTH = 43

// What the key is for that secrets are made with of a predecessor; no kind of record.
const SUCCESSOR = 'successor-secret'

const PREFIXES: Record<string, string> = {
  [AUTHORIZATION_CODE]: 'gac',
  [ACCESS_TOKEN]: 'gat',
  [REFRESH_TOKEN]: 'grt',
  [INITIAL_ACCESS_TOKEN]: 'gia',
  [REGISTRATION_ACCESS_TOKEN]: 'gra'
}

/** The distinctive beginning of a token, for people who look for leaked ones. */
function tokenPrefix(kind: Kind<unknown>): string {
  return `${PREFIXES[kind] ?? kind}_`
}

/** `gat_` + id (24) + secret (43) + checksum (6). The id finds the row, the keyed hash of the whole proves the token (RFC 6819 §5.1.4.1.3). */
export class OpaqueTokenService implements OpaqueTokens {
  readonly #server: ServerContext

  constructor(server: ServerContext) {
    this.#server = server
  }

  mint(kind: Kind<unknown>, id: string = this.#server.identifier(), predecessor?: string): Awaitable<MintedSecret> {
    const { crypto, secrets } = this.#server
    const start = tokenPrefix(kind) + id
    return predecessor === undefined
      ? this.#completed(kind, id, start + crypto.random(SECRET_SIZE))
      : when(secrets.hash(SUCCESSOR, predecessor + start), (secret) => this.#completed(kind, id, start + secret))
  }

  #completed(kind: Kind<unknown>, id: string, body: string): Awaitable<MintedSecret> {
    const token = body + checksum(body)
    return when(this.#server.secrets.hash(kind, token), (secretHash) => ({ token, id, secretHash }))
  }

  async find<T>(kind: Kind<T>, token: string): Promise<Found<T> | undefined> {
    const id = identifierOf(kind, token)
    if (id === undefined) return undefined
    const found = await this.#server.store.artifacts.find(kind, id, this.#server.now())
    // The key is bound to the kind, so a token of one kind never passes for another.
    return found?.secretHash !== undefined && (await this.#server.secrets.matches(kind, token, found.secretHash)) ? found : undefined
  }
}

function identifierOf(kind: Kind<unknown>, token: string): string | undefined {
  const prefix = tokenPrefix(kind)
  if (token.length !== prefix.length + IDENTIFIER_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH || !token.startsWith(prefix)) return undefined
  const body = token.slice(0, -CHECKSUM_LENGTH)
  return checksum(body) === token.slice(-CHECKSUM_LENGTH) ? body.slice(prefix.length, prefix.length + IDENTIFIER_LENGTH) : undefined
}
