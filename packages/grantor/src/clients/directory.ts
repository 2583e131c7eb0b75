import type { BeforeStoring, Clients, CreatedClient, NewClient, ServerContext } from '../context.ts'
import { HMAC_KEY_SIZES } from '../crypto/algorithms.ts'
import { InvalidClientMetadataError } from '../errors.ts'
import { CLIENT_SECRET, type Client, type ClientMetadata, type ClientSecret } from '../models/client.ts'
import { keyRetention } from '../settings.ts'
import { computedFault } from './key-set.ts'
import { type Capabilities, completeMetadata, isUnderstood } from './metadata.ts'

/** Seconds for which a client is remembered; a change is effective everywhere within this time. */
const CACHE_LIFETIME = 1
const CACHE_SIZE = 10_000
const MAX_SECRETS = 2
/** Characters: below that, even a good secret can be guessed. */
const MIN_SECRET = 16
const MAX_SECRET = 1024
/** Octets of randomness; with what encodes them, 64 of a key. */
const SECRET_SIZE = 32
const HMAC_SECRET_SIZE = 48

/** The registered clients: looked up for every request, changed by the operator. */
export class ClientDirectory implements Clients {
  readonly #server: ServerContext
  readonly #capabilities: Capabilities
  readonly #cache = new Map<string, { client: Client; since: number }>()

  constructor(server: ServerContext, capabilities: Capabilities) {
    this.#server = server
    this.#capabilities = capabilities
  }

  async find(clientId: string): Promise<Client | undefined> {
    const cached = this.#cache.get(clientId)
    const now = this.#server.now()
    // A clock that was set back does not keep it for longer.
    const isFresh = cached && cached.since <= now && now < cached.since + CACHE_LIFETIME
    const client = isFresh ? cached.client : await this.#read(clientId, now)
    return client?.disabled ? undefined : client
  }

  understands(member: string): boolean {
    return isUnderstood(member, this.#capabilities)
  }

  /**
   * Registers a client; a confidential one gets a secret of 256 bits unless one is given.
   * @throws InvalidClientMetadataError, InvalidRedirectUriError
   */
  async create(
    { client_id = this.#server.identifier(), client_secret, ...metadata }: NewClient,
    beforeStoring?: BeforeStoring
  ): Promise<CreatedClient> {
    // RFC 6749 §A.1: client-id = *VSCHAR; an https URL would read as a client ID metadata document.
    if (!/^[\x20-\x7e]{1,200}$/.test(client_id) || client_id.startsWith('https://'))
      throw new InvalidClientMetadataError('client_id is up to 200 printable ASCII characters')
    const client: Client = { client_id, ...completeMetadata(metadata, this.#capabilities), client_id_issued_at: this.#server.now() }
    await this.#validate(client)
    const secret = usesSecret(client) ? checkedSecret(client, client_secret ?? this.#secretFor(client)) : undefined
    await beforeStoring?.(client)
    const stored = secret === undefined ? client : { ...client, secrets: [await this.#hashed(client, secret)] }
    if (!(await this.#server.store.clients.insert(stored))) throw new InvalidClientMetadataError('client_id is taken')
    this.#server.emit('client.created', { clientId: client_id })
    return { ...stored, ...(secret !== undefined && { client_secret: secret }) }
  }

  /** Replaces what is given and keeps the rest. @throws InvalidClientMetadataError, InvalidRedirectUriError */
  update(clientId: string, changes: ClientMetadata & { disabled?: boolean }, beforeStoring?: BeforeStoring): Promise<Client> {
    let isPaid = false
    return this.#replace(clientId, async ({ client_id, secrets, client_id_issued_at, disabled: before, ...metadata }) => {
      const { disabled = before, ...changed } = changes
      const client: Client = {
        ...{ client_id, ...completeMetadata({ ...metadata, ...changed }, this.#capabilities) },
        ...(secrets && { secrets }),
        ...(client_id_issued_at !== undefined && { client_id_issued_at }),
        ...(disabled !== undefined && { disabled })
      }
      await this.#validate(client)
      // Once, however often another change crosses this one.
      if (!isPaid) await beforeStoring?.(client)
      isPaid = true
      return client
    })
  }

  /**
   * Gives the client another secret; the newest one it has stays valid until `previousExpiresAt` (seconds since the epoch; default: for
   * good, until the next rotation). At most two are valid at once.
   */
  async addSecret(clientId: string, { previousExpiresAt }: { previousExpiresAt?: number } = {}): Promise<string> {
    let secret = ''
    await this.#replace(clientId, async (client) => {
      if (!usesSecret(client)) throw new InvalidClientMetadataError('this client has no secret')
      secret = this.#secretFor(client)
      const kept = (client.secrets ?? [])
        .slice(1 - MAX_SECRETS)
        .map((old) => (previousExpiresAt === undefined ? old : { ...old, expiresAt: previousExpiresAt }))
      return { ...client, secrets: [...kept, await this.#hashed(client, secret)] }
    })
    return secret
  }

  /** Deletes the client; its grants and all that came of them are dead. False: there was none. If it rejects, it is not done, and may be repeated. */
  async delete(clientId: string): Promise<boolean> {
    const { clients, grants } = this.#server.store
    // Before: whoever is stopped in between leaves a client that can be deleted again. After: grants that came in between.
    await grants.revoke({ clientId }, this.#server.now())
    const deleted = await clients.delete(clientId)
    await grants.revoke({ clientId }, this.#server.now())
    this.#cache.delete(clientId)
    if (deleted) this.#server.emit('client.deleted', { clientId })
    return deleted
  }

  async #validate(client: Client): Promise<void> {
    const fault = client.jwks && (await computedFault(client.jwks))
    if (fault !== undefined) throw new InvalidClientMetadataError(fault)
    const longest = keyRetention(this.#server.settings)
    if ((client.settings?.accessTokenLifetime ?? 0) > longest)
      throw new InvalidClientMetadataError(`settings: accessTokenLifetime is at most ${longest}, the time for which signing keys are kept`)
    for (const validateClient of this.#capabilities.hooks('validateClient')) await validateClient(client)
  }

  async #read(clientId: string, now: number): Promise<Client | undefined> {
    const client = await this.#server.store.clients.find(clientId)
    if (!client) return undefined
    if (this.#cache.size >= CACHE_SIZE) this.#cache.clear()
    this.#cache.set(clientId, { client, since: now })
    return client
  }

  /** Compare-and-set until it holds, so that nobody's change is lost, whichever node it was made on. */
  async #replace(clientId: string, change: (client: Client) => Promise<Client>): Promise<Client> {
    const { clients } = this.#server.store
    for (;;) {
      const before = await clients.find(clientId)
      if (!before) throw new InvalidClientMetadataError('there is no such client')
      const after = await change(before)
      if (!(await clients.update(after, before))) continue
      this.#cache.delete(clientId)
      this.#server.emit('client.updated', { clientId })
      return after
    }
  }

  #secretFor({ token_endpoint_auth_method }: Client): string {
    return this.#server.crypto.random(token_endpoint_auth_method === 'client_secret_jwt' ? HMAC_SECRET_SIZE : SECRET_SIZE)
  }

  async #hashed({ client_id, token_endpoint_auth_method }: Client, secret: string): Promise<ClientSecret> {
    const { secrets } = this.#server
    // Only client_secret_jwt needs the secret itself, as an HMAC key.
    const encrypted =
      token_endpoint_auth_method === 'client_secret_jwt' ? { encrypted: await secrets.encrypt(CLIENT_SECRET, secret, client_id) } : {}
    return { hash: await secrets.hash(CLIENT_SECRET, secret), createdAt: this.#server.now(), ...encrypted }
  }
}

function usesSecret({ token_endpoint_auth_method }: Client): boolean {
  return token_endpoint_auth_method === undefined || token_endpoint_auth_method.startsWith('client_secret_')
}

/** @throws InvalidClientMetadataError for one that could be guessed. */
function checkedSecret({ token_endpoint_auth_method, token_endpoint_auth_signing_alg = 'HS256' }: Client, secret: string): string {
  const size = typeof secret === 'string' ? new TextEncoder().encode(secret).length : 0
  if (size < MIN_SECRET || size > MAX_SECRET)
    throw new InvalidClientMetadataError(`client_secret has from ${MIN_SECRET} to ${MAX_SECRET} characters`)
  const least = token_endpoint_auth_method === 'client_secret_jwt' ? (HMAC_KEY_SIZES[token_endpoint_auth_signing_alg] ?? 0) : 0
  if (size < least)
    throw new InvalidClientMetadataError(`client_secret has at least ${least} characters for ${token_endpoint_auth_signing_alg}`)
  return secret
}
