import { bearerToken, challenged } from '../../bearer.ts'
import type { ServerContext } from '../../context.ts'
import { InvalidClientMetadataError, InvalidTokenError } from '../../errors.ts'
import type { Endpoint } from '../../extension.ts'
import { type HttpResponse, json, NO_STORE } from '../../http.ts'
import { CLIENT_SECRET, type Client, type ClientMetadata } from '../../models/client.ts'
import type { InitialAccessToken } from '../../models/registration.ts'
import type { OAuthRequest } from '../../requests.ts'
import type { Found } from '../../stores/store.ts'
import { clientInformation } from './client-information.ts'
import type { InitialAccessTokens } from './initial-access-tokens.ts'
import { readJsonObject } from './json-body.ts'
import type { DynamicRegistrationOptions } from './options.ts'
import { ANSWERED, OWNED } from './owned-members.ts'
import type { Quota } from './quota.ts'
import type { Registration, Registrations } from './registrations.ts'
import type { RequestedMetadata } from './requested-metadata.ts'

interface Parts {
  registrations: Registrations
  initialAccessTokens: InitialAccessTokens
  requested: RequestedMetadata
  quota: Quota | undefined
}

/** The client registration endpoint (RFC 7591 §3) and, with `client_id` in the query, the client configuration endpoint (RFC 7592 §2). */
export class RegistrationEndpoint implements Endpoint {
  readonly name = 'registration'
  readonly path = '/register'
  readonly methods: readonly string[] = ['POST', 'GET', 'PUT', 'DELETE']
  // Applications in browsers register from where they run; no cookie is looked at.
  readonly cors = 'any'
  readonly body = 'own'
  readonly #server: ServerContext
  readonly #access: 'open' | 'initial-access-token'
  readonly #settings: Pick<ClientMetadata, 'settings'>
  readonly #parts: Parts

  constructor(server: ServerContext, { access = 'initial-access-token', settings }: DynamicRegistrationOptions, parts: Parts) {
    this.#server = server
    this.#access = access
    this.#settings = settings ? { settings } : {}
    this.#parts = parts
  }

  async handle(request: OAuthRequest): Promise<HttpResponse> {
    if (request.method === 'POST') return this.#register(request)
    const { registrations } = this.#parts
    const token = await answeringFor(bearerToken(request))
    const registration = await answeringFor(registrations.find(token, request.params.get('client_id')))
    request.clientId = registration.client.client_id
    if (request.method === 'PUT') return this.#replace(request, registration)
    if (request.method === 'DELETE') return this.#delete(registration)
    return json(200, clientInformation(this.#server, registration.client, { registrationToken: token, secret: undefined }))
  }

  /** RFC 7591 §3.1 */
  async #register(request: OAuthRequest): Promise<HttpResponse> {
    const { quota, requested, registrations, initialAccessTokens } = this.#parts
    quota?.take(request)
    const initial = await answeringFor(this.#initial(request))
    const allow = initial?.found.value.allow
    const metadata = await requested.judge(await readJsonObject(request), allow, request)
    let registrationToken = ''
    const created = await this.#server.clients.create(
      { verified: false, ...this.#settings, ...metadata, client_id: this.#server.identifier() },
      async (client) => {
        if (initial) await answeringFor(initialAccessTokens.spend(initial.token))
        registrationToken = await registrations.begin(client, allow)
      }
    )
    this.#tell(created, request, initial?.found)
    return json(201, clientInformation(this.#server, created, { registrationToken, secret: created.client_secret }))
  }

  /** The token to register with: needed, or at least good if it is given. */
  async #initial(request: OAuthRequest): Promise<{ token: string; found: Found<InitialAccessToken> } | undefined> {
    if (this.#access === 'open' && request.headers.get('authorization') === null) return undefined
    const token = await bearerToken(request)
    return { token, found: await this.#parts.initialAccessTokens.find(token) }
  }

  /** RFC 7592 §2.2 */
  async #replace(request: OAuthRequest, { client, record }: Registration): Promise<HttpResponse> {
    const { requested, registrations } = this.#parts
    const asked = await readJsonObject(request)
    await this.#checkIdentity(asked, client)
    const metadata = await requested.judge(asked, record.value.allow, request)
    let registrationToken = ''
    // Whoever vouched for the client did so for what it said before.
    const changes = { ...without(client), verified: false, ...metadata }
    const update = this.#server.clients.update(client.client_id, changes, async () => {
      registrationToken = await answeringFor(registrations.rotate(record))
    })
    const updated = await update.catch(async (error) => {
      if (await this.#server.store.clients.find(client.client_id)) throw error
      // RFC 7592 §2.2: "If the client does not exist on this server, the server MUST respond with HTTP 401".
      await registrations.end(record)
      throw challenged(new InvalidTokenError())
    })
    const secret = needsSecret(updated, client)
      ? await this.#server.clients.addSecret(client.client_id, { previousExpiresAt: this.#server.now() })
      : undefined
    return json(200, clientInformation(this.#server, updated, { registrationToken, secret }))
  }

  /** RFC 7592 §2.2: what the client must say of itself, and must not choose. */
  async #checkIdentity(asked: Record<string, unknown>, { client_id, secrets = [] }: Client): Promise<void> {
    const { client_id: named, client_secret: secret } = asked
    if (named !== client_id) throw new InvalidClientMetadataError('client_id must be that of this client')
    const chosen = Object.keys(asked).find((name) => ANSWERED.includes(name) && name !== 'client_id' && name !== 'client_secret')
    if (chosen !== undefined) throw new InvalidClientMetadataError(`${chosen} must not be in the request`)
    if (secret === undefined) return
    const matches = secrets.map(({ hash }) => this.#server.secrets.matches(CLIENT_SECRET, String(secret), hash))
    if (!(await Promise.all(matches)).includes(true)) throw new InvalidClientMetadataError('client_secret must be that of this client')
  }

  /** RFC 7592 §2.3 */
  async #delete({ client, record }: Registration): Promise<HttpResponse> {
    await this.#server.clients.delete(client.client_id)
    await this.#parts.registrations.end(record)
    return { status: 204, headers: { ...NO_STORE } }
  }

  #tell({ client_id, client_name }: Client, { id, remote }: OAuthRequest, initial: Found<InitialAccessToken> | undefined): void {
    const about = {
      clientId: client_id,
      access: this.#access,
      ...(initial && { tokenId: initial.id }),
      ...(client_name !== undefined && { name: client_name }),
      ...(remote?.address !== undefined && { address: remote.address })
    }
    this.#server.emit('client.registered', about, id)
  }
}

/** Whether it turned to a method for which it has no secret, or none that is kept readable. */
function needsSecret({ token_endpoint_auth_method: method = '' }: Client, { token_endpoint_auth_method: before = '' }: Client): boolean {
  if (method === before || !method.startsWith('client_secret_')) return false
  return method === 'client_secret_jwt' || !before.startsWith('client_secret_')
}

/** What a refusal of a token is answered with (RFC 6750 §3). */
async function answeringFor<T>(judgement: Promise<T>): Promise<T> {
  try {
    return await judgement
  } catch (error) {
    throw challenged(error)
  }
}

/** RFC 7592 §2.2: the values in the request "MUST replace, not augment", so what was chosen before is gone; what is the operator's stays. */
function without(client: Client): Record<string, undefined> {
  const chosen = Object.keys(client).filter((name) => !OWNED.includes(name) && !ANSWERED.includes(name))
  return Object.fromEntries(chosen.map((name) => [name, undefined]))
}
