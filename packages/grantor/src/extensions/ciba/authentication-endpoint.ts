import type { JudgedRequest, ServerContext } from '../../context.ts'
import { Counts, clientAtAddress } from '../../counts.ts'
import { InvalidScopeError, ServerError, UnauthorizedClientError } from '../../errors.ts'
import type { Endpoint } from '../../extension.ts'
import { PolledRequests } from '../../grant-types/polled-requests.ts'
import { type HttpResponse, json } from '../../http.ts'
import type { Client } from '../../models/client.ts'
import type { Params } from '../../params.ts'
import type { OAuthRequest } from '../../requests.ts'
import { AUTH_REQ_ID, type BackchannelMessage, describe } from './backchannel-request.ts'
import { CIBA_GRANT_TYPE } from './ciba-grant-type.ts'
import { type HintedUser, HintedUsers } from './hinted-users.ts'
import { Inbox } from './inbox.ts'
import { ClientNotifications } from './notifications.ts'
import type { ResolvedOptions } from './options.ts'
import { lifetimeOf, messageOf, notificationTokenOf } from './parameters.ts'
import { SignedAuthenticationRequests } from './signed-requests.ts'

/** Seconds. */
const WINDOW = 60
const NOBODY = ''

/** The backchannel authentication endpoint (CIBA Core §7): a client asks a person for something who is not at its browser. */
export class BackchannelAuthenticationEndpoint implements Endpoint {
  readonly name = 'backchannel_authentication'
  readonly path = '/bc-authorize'
  readonly methods: readonly string[] = ['POST']
  readonly cors = 'none'
  readonly #server: ServerContext
  readonly #options: ResolvedOptions
  readonly #requests: PolledRequests<BackchannelMessage>
  readonly #signed: SignedAuthenticationRequests
  readonly #users: HintedUsers
  readonly #inbox: Inbox
  readonly #notifications: ClientNotifications
  readonly #ofClients: Counts
  readonly #ofUsers: Counts

  constructor(server: ServerContext, options: ResolvedOptions) {
    this.#server = server
    this.#options = options
    this.#requests = new PolledRequests<BackchannelMessage>(server, AUTH_REQ_ID)
    this.#signed = new SignedAuthenticationRequests(server)
    this.#users = new HintedUsers(server, options)
    this.#inbox = new Inbox(server)
    this.#notifications = new ClientNotifications(server)
    this.#ofClients = new Counts(options.limit, WINDOW)
    this.#ofUsers = new Counts(options.userLimit, WINDOW)
  }

  async handle(http: OAuthRequest): Promise<HttpResponse> {
    const client = await this.#server.authenticateClient(http)
    if (!client.grant_types.includes(CIBA_GRANT_TYPE)) throw new UnauthorizedClientError('this client is not registered for CIBA')
    const name = clientAtAddress(client.client_id, http.remote?.address ?? '')
    this.#ofClients.take(name, this.#server.now(), 'this client asks too often')
    const { params, spend } = await this.#signed.unfold(http.params, client)
    const about = messageOf(params)
    const token = notificationTokenOf(params, client)
    const lifetime = lifetimeOf(params, this.#options)
    const judged = await this.#judge(params, client, http)
    const user = this.#limited(await this.#users.find(params, client))
    await this.#users.checkUserCode(user, params, client)
    await spend()
    const auth_req_id = await this.#add(client, user, { ...judged, about, lifetime }, token)
    this.#notify(http, client, auth_req_id, user)
    // CIBA Core §7.3
    return json(200, { auth_req_id, expires_in: lifetime, interval: this.#options.interval })
  }

  async #judge(params: Params, client: Client, http: OAuthRequest): Promise<JudgedRequest> {
    params.require('scope')
    const judged = await this.#server.judgePolledRequest(client, params, http)
    // §7.1: "CIBA authentication requests MUST therefore contain the openid scope value."
    if (!judged.scope.includes('openid')) throw new InvalidScopeError('the scope must contain openid')
    return judged
  }

  /** Who is asked too often. Where the client must not learn who there is, it must not by a limit either: they are not asked, and it is not told. */
  #limited(user: HintedUser): HintedUser {
    const { subject, isHidden } = user
    const now = this.#server.now()
    if (subject === undefined) return user
    if (isHidden && this.#ofUsers.wait(subject, now) > 0) return { isHidden }
    this.#ofUsers.take(subject, now, 'this person is asked too often')
    return user
  }

  /** For somebody or nobody with the same work. */
  async #add(
    client: Client,
    { subject = NOBODY }: HintedUser,
    request: JudgedRequest & { about: BackchannelMessage; lifetime: number },
    notificationToken: string | undefined
  ): Promise<string> {
    const { interval } = this.#options
    const { token, id } = await this.#requests.add(client, { ...request, interval, claimedBy: subject })
    const secrets = notificationToken === undefined ? undefined : { auth_req_id: token, token: notificationToken }
    const notification = secrets && (await this.#notifications.seal(id, secrets))
    const entry = { request: id, ...(notification !== undefined && { notification }) }
    await this.#inbox.put(subject, entry, this.#server.now() + request.lifetime)
    return token
  }

  /** Its time and its failure are not the client's: they would tell whether there is such a person. */
  #notify({ id: requestId }: OAuthRequest, { client_id: clientId }: Client, authReqId: string, { subject }: HintedUser): void {
    const reach = async () => {
      const found = subject === undefined ? undefined : await this.#requests.findByToken(authReqId)
      const request = found && (await describe(this.#server, found))
      if (request) await this.#options.notify?.(request)
    }
    const failed = (cause: unknown) => {
      const error = new ServerError('the person could not be reached', { cause })
      this.#server.report(error, { endpoint: this.name, requestId, clientId })
    }
    if (this.#options.notify) reach().catch(failed)
  }
}
