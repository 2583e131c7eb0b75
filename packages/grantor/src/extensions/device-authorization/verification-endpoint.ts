import type { ServerContext } from '../../context.ts'
import { InvalidRequestError } from '../../errors.ts'
import type { Endpoint } from '../../extension.ts'
import type { PolledRequests } from '../../grant-types/polled-requests.ts'
import { type HttpResponse, isOwnOrigin } from '../../http.ts'
import type { Interactions, Session, UserCodeQuestion } from '../../interactions/base.ts'
import type { Client } from '../../models/client.ts'
import type { OAuthRequest } from '../../requests.ts'
import type { DeviceOrigin, FoundDeviceRequest } from './device-request.ts'
import { Guesses } from './guesses.ts'
import { confirmPage, decidedPage, enterPage } from './pages.ts'
import { canonicalUserCode, MAX_TYPED, shownUserCode } from './user-code.ts'
import type { UserCodes } from './user-codes.ts'

const PURPOSE = 'device_verification'
const CONFIRMATION = 'confirmation'
const USER_CODE = 'user_code'

/** A request, the code that stands for it, and whose it is. */
interface Named {
  code: string
  client: Client
  found: FoundDeviceRequest
}

/** Where people bring the codes of their devices (RFC 8628 §3.3): enter, sign in, compare, decide. A GET looks and changes nothing. */
export class VerificationEndpoint implements Endpoint {
  readonly name = 'device_verification'
  readonly path = '/device'
  readonly methods: readonly string[] = ['GET', 'POST']
  readonly cors = 'none'
  readonly forPeople = true
  readonly errorHeading = 'Device not connected'
  readonly unlisted = true
  readonly #server: ServerContext
  readonly #interactions: Interactions
  readonly #requests: PolledRequests<DeviceOrigin>
  readonly #codes: UserCodes
  readonly #guesses = new Guesses()

  constructor(server: ServerContext, interactions: Interactions, parts: { requests: PolledRequests<DeviceOrigin>; codes: UserCodes }) {
    this.#server = server
    this.#interactions = interactions
    this.#requests = parts.requests
    this.#codes = parts.codes
  }

  async handle(http: OAuthRequest): Promise<HttpResponse> {
    const session = await this.#interactions.session(http)
    const typed = http.params.get(USER_CODE)
    const decision = http.method === 'POST' ? http.params.get('decision') : undefined
    if (session && typed !== undefined && decision !== undefined) return this.#decide(http, session, typed, decision)
    const isMeant = http.method === 'POST' && (await this.#isOwn(http, session))
    // RFC 8628 §3.3.1: a link is no intent. Who is not signed in says first that they mean it, so that what opens links finds out nothing.
    if (typed === undefined || (!session && !isMeant)) return this.#ask(http, session)
    const code = canonicalUserCode(typed)
    const wait = code === undefined ? 0 : this.#guesses.reserve(http, session, this.#server.now())
    const named = code !== undefined && wait === 0 ? await this.#find(code) : undefined
    if (!named || !this.#requests.isOpen(named.found)) return this.#refuse(http, session, wait)
    this.#guesses.wasRight(http, session)
    return session ? this.#show(http, session, named, isMeant) : this.#signIn(http, named)
  }

  async #find(code: string): Promise<Named | undefined> {
    const id = await this.#codes.find(code)
    const found = id === undefined ? undefined : await this.#requests.find(id)
    const client = found && (await this.#server.clients.find(found.value.client_id))
    return client && { code, client, found }
  }

  async #ask(http: OAuthRequest, session: Session | undefined, fault?: UserCodeQuestion['fault']): Promise<HttpResponse> {
    const typed = http.params.get(USER_CODE)?.slice(0, MAX_TYPED)
    const question = {
      action: this.#server.endpoint(this.name),
      fields: { [CONFIRMATION]: await this.#confirmation(session) },
      ...(typed !== undefined && { userCode: typed }),
      ...(fault && { fault })
    }
    return this.#interactions.enterUserCode ? this.#interactions.enterUserCode(question, http) : enterPage(question)
  }

  /** RFC 8628 §5.1. One answer, whether the code never was, is too old or was used. `wait`: seconds before another is looked at. */
  async #refuse(http: OAuthRequest, session: Session | undefined, wait: number): Promise<HttpResponse> {
    const reason = wait > 0 ? 'too_many' : 'unknown'
    const { address } = http.remote ?? {}
    const about = { ...(session && { subject: session.subject }), ...(address !== undefined && { address }) }
    this.#server.emit('user_code.refused', { reason, ...about }, http.id)
    const page = await this.#ask(http, session, reason)
    if (wait === 0) return { ...page, status: 400 }
    return { ...page, status: 429, headers: { ...page.headers, 'retry-after': String(wait) } }
  }

  #signIn(http: OAuthRequest, { code, client, found }: Named): Promise<HttpResponse> {
    const returnTo = `${this.#server.endpoint(this.name)}?${USER_CODE}=${shownUserCode(code)}`
    return this.#server.signIn({ client, scope: found.value.scope, returnTo, http })
  }

  /** RFC 8628 §5.4: what is about to be allowed, to whom, and where it came from. The first who means it is the only one who may decide. */
  async #show(http: OAuthRequest, session: Session, { code, client, found }: Named, isMeant: boolean): Promise<HttpResponse> {
    const { value } = found
    const isFree = value.claimedBy === '' || value.claimedBy === sidOf(session)
    if (isMeant ? !(await this.#requests.claim(found, sidOf(session))) : !isFree) throw inUse()
    const question = {
      ...{ session, client, scope: value.scope, details: value.details, userCode: shownUserCode(code), ...value.about },
      ...{ requestedAt: value.createdAt, expiresAt: value.usableUntil },
      action: this.#server.endpoint(this.name),
      fields: { [USER_CODE]: shownUserCode(code), [CONFIRMATION]: await this.#confirmation(session, code) }
    }
    return this.#interactions.confirmDevice ? this.#interactions.confirmDevice(question, http) : confirmPage(question)
  }

  async #decide(http: OAuthRequest, session: Session, typed: string, decision: string): Promise<HttpResponse> {
    const code = canonicalUserCode(typed) ?? ''
    if (!(await this.#isOwn(http, session, code)))
      throw new InvalidRequestError('this form did not come from its own page; go back and try again', { status: 403 })
    if (decision !== 'approve' && decision !== 'deny') throw new InvalidRequestError('this is not what was asked; go back and try again')
    const named = await this.#find(code)
    if (!named) throw tooLate()
    const claimed = await this.#requests.claim(named.found, sidOf(session))
    if (!claimed) throw inUse()
    const approved = decision === 'approve'
    const isFirst = approved ? await this.#approve(http, session, claimed) : await this.#requests.deny(claimed, session.subject, http.id)
    if (!isFirst) throw tooLate()
    const decided = { client: named.client, approved }
    return this.#interactions.deviceDecided ? this.#interactions.deviceDecided(decided, http) : decidedPage(decided)
  }

  #approve({ id }: OAuthRequest, { subject, authTime, acr, amr }: Session, found: FoundDeviceRequest): Promise<boolean> {
    const { scope } = found.value
    return this.#requests.approve(found, { subject, scope, authTime, ...(acr !== undefined && { acr }), ...(amr && { amr }) }, id)
  }

  /** By our own form, in this session, about this code. */
  async #isOwn(http: OAuthRequest, session: Session | undefined, code = ''): Promise<boolean> {
    const confirmation = http.params.get(CONFIRMATION) ?? ''
    const { settings, secrets } = this.#server
    return isOwnOrigin(http, settings.issuer) && (await secrets.matches(PURPOSE, contextOf(session, code), confirmation))
  }

  async #confirmation(session: Session | undefined, code = ''): Promise<string> {
    return this.#server.secrets.hash(PURPOSE, contextOf(session, code))
  }
}

function contextOf(session: Session | undefined, code: string): string {
  return JSON.stringify([session?.id ?? null, code])
}

/** It stays while the same person signs in again. */
function sidOf({ id, sid = id }: Session): string {
  return sid
}

function inUse(): InvalidRequestError {
  return new InvalidRequestError('this code is already in use in another browser; start again at the device')
}

function tooLate(): InvalidRequestError {
  return new InvalidRequestError('this was decided before, or not in time; start again at the device')
}
