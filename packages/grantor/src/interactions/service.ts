import type { ServerContext } from '../context.ts'
import { InvalidRequestError } from '../errors.ts'
import { cookieName, type HttpRequest, readCookie, setCookie } from '../http.ts'
import type { Kind } from '../models/artifacts.ts'
import { isWithin, parseScope } from '../models/scope.ts'
import { Params } from '../params.ts'
import type { AuthorizationRequest } from '../requests.ts'
import type { Found, Reference } from '../stores/store.ts'
import type { Interaction, InteractionResult, Session } from './base.ts'

// As many sign-ins at once in one browser; the oldest gives way, so that cookies never outgrow a header.
const MAX_COOKIES = 10
const COOKIE = 'grantor-interaction'
const DISPLAYS = ['page', 'popup', 'touch', 'wap']

/** An authorization request that waits for a person. It belongs to the browser that began it. */
interface PendingAuthorization extends InteractionResult {
  client_id: string
  /** The authorization request, as sent. */
  request: string
  /** The single-use record that it came from. */
  spends?: Reference
  redirectUri: string
  scope: readonly string[]
  acrValues?: readonly string[]
  details: Readonly<Record<string, unknown>>
  startedAt: number
  /** The session as it was when the request began; what is newer counts as a fresh sign-in. */
  session?: { id: string; authTime: number }
  prompt: string
  reason: string
  newScope: readonly string[]
  subject?: string
  /** Where the browser goes if not to the authorization endpoint. Encrypted: it may hold what only this browser may see. */
  returnTo?: string
}

/** What waits for a person: an authorization request, or something else that a client began, with its own way back. */
export type Waiting = Pick<AuthorizationRequest, 'client' | 'redirectUri' | 'scope' | 'acrValues' | 'params' | 'spends' | 'http'> & {
  returnTo?: string
}

export type FoundInteraction = Found<PendingAuthorization>

const INTERACTION: Kind<PendingAuthorization> = 'interaction'

/** Why, and what of the scope is new. */
export interface InteractionNeed {
  prompt: string
  reason: string
  newScope: readonly string[]
  details: Readonly<Record<string, unknown>>
  session: Session | undefined
}

/** Keeps authorization requests while people sign in and consent. */
export class InteractionService {
  readonly #server: ServerContext

  constructor(server: ServerContext) {
    this.#server = server
  }

  /** For the integrator's pages. @throws InvalidRequestError if it is unknown, expired, finished, or another browser's. */
  async find(request: HttpRequest, id: string): Promise<Interaction> {
    return this.#describe(await this.load(request, id))
  }

  /**
   * Records what the person decided; then send the browser to `returnTo`.
   * @throws InvalidRequestError as `find`, or if more scope is granted than was asked for.
   */
  async resolve(request: HttpRequest, id: string, result: InteractionResult): Promise<Interaction> {
    const found = await this.load(request, id)
    if (result.consent && !isWithin(result.consent.scope, found.value.scope))
      throw new InvalidRequestError('more scope was granted than asked for')
    const { consent, account, denied } = result
    const patch = { ...(consent && { consent }), ...(account && { account }), ...(denied && { denied }) }
    if (!(await this.#server.store.artifacts.update(INTERACTION, id, patch, {}, this.#server.now()))) throw notHere()
    return this.#describe(found)
  }

  /** The record, if this browser began it and nobody has finished it. */
  async load(request: HttpRequest, id: string): Promise<FoundInteraction> {
    const secret = readCookie(request, this.#cookieName(id))
    const found = secret === undefined ? undefined : await this.#server.store.artifacts.find(INTERACTION, id, this.#server.now())
    if (!secret || !found?.secretHash || found.consumedAt !== undefined) throw notHere()
    if (!(await this.#server.secrets.matches(INTERACTION, secret, found.secretHash))) throw notHere()
    return found
  }

  /** Keeps the request, or its next step, and returns what the page needs with the cookies that bind it to the browser. */
  async require(
    request: Waiting,
    need: InteractionNeed,
    begun?: FoundInteraction
  ): Promise<{ interaction: Interaction; cookies: readonly string[] }> {
    const { store, crypto, secrets, settings } = this.#server
    const now = this.#server.now()
    const { prompt, reason, newScope, details, session } = need
    const step = { prompt, reason, newScope, ...(session && { subject: session.subject }) }
    if (begun) {
      if (!(await store.artifacts.update(INTERACTION, begun.id, step, {}, now))) throw notHere()
      return { interaction: await this.#describe({ ...begun, value: { ...begun.value, ...step } }), cookies: [] }
    }
    const id = this.#server.identifier()
    const secret = crypto.random(32)
    const value: PendingAuthorization = {
      ...step,
      client_id: request.client.client_id,
      request: request.params.toString(),
      ...(request.spends && { spends: request.spends }),
      redirectUri: request.redirectUri,
      scope: request.scope,
      ...(request.acrValues.length > 0 && { acrValues: request.acrValues }),
      details,
      startedAt: now,
      ...(session && { session: { id: session.id, authTime: session.authTime } }),
      ...(request.returnTo !== undefined && { returnTo: await secrets.encrypt(INTERACTION, request.returnTo, id) })
    }
    const artifact = {
      kind: INTERACTION,
      id,
      secretHash: await secrets.hash(INTERACTION, secret),
      value,
      expiresAt: now + settings.interactionLifetime
    }
    await store.artifacts.insert(artifact)
    const cookies = [
      this.#cookie(id, secret, settings.interactionLifetime),
      ...this.#surplus(request.http).map((old) => this.#cookie(old, '', 0))
    ]
    return { interaction: await this.#describe(artifact), cookies }
  }

  /** Ends it: one answer for one request, whatever is clicked twice. @returns the cookie that forgets it. @throws InvalidRequestError if it ended before. */
  async finish({ id }: Pick<FoundInteraction, 'id'>): Promise<string> {
    const spent = await this.#server.store.artifacts.consume({ kind: INTERACTION, id }, { now: this.#server.now() })
    if (!spent?.first) throw notHere()
    return this.#cookie(id, '', 0)
  }

  async #describe({ id, value, expiresAt }: Pick<FoundInteraction, 'id' | 'value' | 'expiresAt'>): Promise<Interaction> {
    const client = await this.#server.clients.find(value.client_id)
    if (!client) throw notHere()
    const params = Params.parse(value.request)
    const { prompt, reason, scope, newScope, acrValues, details, subject, redirectUri } = value
    const loginHint = params.get('login_hint')
    const display = params.get('display')
    const uiLocales = parseScope(params.get('ui_locales'), 20)
    return {
      ...{ id, prompt, reason, client, scope, newScope, details, redirectUri, expiresAt },
      returnTo: await this.#returnTo(id, value),
      ...(subject !== undefined && { subject }),
      ...(loginHint !== undefined && { loginHint }),
      // OpenID Connect Core §15.1: "the minimum level of support required for this parameter is that its use must not result in an error".
      ...(display !== undefined && DISPLAYS.includes(display) && { display }),
      ...(uiLocales?.length && { uiLocales }),
      ...(acrValues && { acrValues })
    }
  }

  async #returnTo(id: string, { returnTo }: PendingAuthorization): Promise<string> {
    if (returnTo === undefined) return `${this.#server.endpoint('authorization')}?interaction=${id}`
    const url = await this.#server.secrets.decrypt(INTERACTION, returnTo, id)
    if (url === undefined) throw notHere()
    return url
  }

  /** The oldest of the interactions in this browser, beyond what it may keep. Ids begin with the time. */
  #surplus(request: HttpRequest): readonly string[] {
    const prefix = this.#cookieName('')
    const ids = (request.headers.get('cookie') ?? '')
      .split(/; ?/)
      .flatMap((pair) => (pair.startsWith(prefix) ? [pair.slice(prefix.length).split('=')[0] ?? ''] : []))
    const own = ids.filter((id) => /^[\w-]{24}$/.test(id)).sort()
    return own.slice(0, Math.max(0, own.length + 1 - MAX_COOKIES))
  }

  #cookieName(id: string): string {
    return cookieName(this.#server.settings.issuer, `${COOKIE}-${id}`)
  }

  #cookie(id: string, value: string, maxAge: number): string {
    return setCookie(this.#server.settings.issuer, `${COOKIE}-${id}`, value, maxAge)
  }
}

function notHere(): InvalidRequestError {
  return new InvalidRequestError(
    'this request has expired, was finished, or began in another browser; go back to the application and start again'
  )
}
