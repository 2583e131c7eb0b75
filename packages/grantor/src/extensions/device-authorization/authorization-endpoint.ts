import type { ServerContext } from '../../context.ts'
import { Counts, clientAtAddress } from '../../counts.ts'
import { UnauthorizedClientError } from '../../errors.ts'
import type { Endpoint } from '../../extension.ts'
import type { PolledRequests } from '../../grant-types/polled-requests.ts'
import { type HttpResponse, json } from '../../http.ts'
import type { OAuthRequest } from '../../requests.ts'
import { DEVICE_GRANT_TYPE } from './device-grant-type.ts'
import type { DeviceOrigin } from './device-request.ts'
import type { DeviceAuthorizationOptions } from './options.ts'
import { shownUserCode } from './user-code.ts'
import type { UserCodes } from './user-codes.ts'

/** Seconds. */
const WINDOW = 60
const MAX_USER_AGENT = 200

/** The device authorization endpoint (RFC 8628 §3.1): a device asks for codes, one for itself and one for its person. */
export class DeviceAuthorizationEndpoint implements Endpoint {
  readonly name = 'device_authorization'
  readonly path = '/device_authorization'
  readonly methods: readonly string[] = ['POST']
  readonly cors = 'client'
  readonly #server: ServerContext
  readonly #requests: PolledRequests<DeviceOrigin>
  readonly #codes: UserCodes
  readonly #options: Required<DeviceAuthorizationOptions>
  readonly #counts: Counts

  constructor(
    server: ServerContext,
    parts: { requests: PolledRequests<DeviceOrigin>; codes: UserCodes },
    options: Required<DeviceAuthorizationOptions>
  ) {
    this.#server = server
    this.#requests = parts.requests
    this.#codes = parts.codes
    this.#options = options
    this.#counts = new Counts(options.limit, WINDOW)
  }

  async handle(http: OAuthRequest): Promise<HttpResponse> {
    const client = await this.#server.authenticateClient(http)
    if (!client.grant_types.includes(DEVICE_GRANT_TYPE))
      throw new UnauthorizedClientError('this client is not registered for the device grant')
    const name = clientAtAddress(client.client_id, http.remote?.address ?? '')
    this.#counts.take(name, this.#server.now(), 'this client asks for too many codes')
    const judged = await this.#server.judgePolledRequest(client, http.params, http)
    const { lifetime, interval } = this.#options
    const { token, id, expiresAt } = await this.#requests.add(client, { ...judged, about: originOf(http), lifetime, interval })
    const user_code = shownUserCode(await this.#codes.issue(id, expiresAt))
    const verification_uri = this.#server.endpoint('device_verification')
    // RFC 8628 §3.2
    return json(200, {
      device_code: token,
      user_code,
      verification_uri,
      verification_uri_complete: `${verification_uri}?user_code=${user_code}`,
      expires_in: lifetime,
      interval
    })
  }
}

function originOf({ remote, headers }: OAuthRequest): DeviceOrigin {
  const userAgent = headers.get('user-agent')?.slice(0, MAX_USER_AGENT).toWellFormed()
  return { ...(remote?.address !== undefined && { address: remote.address }), ...(userAgent && { userAgent }) }
}
