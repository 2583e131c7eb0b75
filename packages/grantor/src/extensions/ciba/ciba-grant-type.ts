import type { ServerContext, TokenIssuance } from '../../context.ts'
import { InvalidGrantError } from '../../errors.ts'
import { PolledGrantType } from '../../grant-types/polled.ts'
import { PolledRequests } from '../../grant-types/polled-requests.ts'
import type { TokenRequest } from '../../requests.ts'
import { AUTH_REQ_ID, type BackchannelMessage } from './backchannel-request.ts'
import type { CibaOptions } from './options.ts'

/** CIBA Core §10.1 */
export const CIBA_GRANT_TYPE = 'urn:openid:params:grant-type:ciba'

/** A client asks whether the person decided (CIBA Core §10.1). */
export class CibaGrantType extends PolledGrantType<BackchannelMessage> {
  readonly grantType: string = CIBA_GRANT_TYPE
  protected readonly parameter = 'auth_req_id'
  readonly #options: Pick<CibaOptions, 'findUser'>

  constructor(server: ServerContext, options: Pick<CibaOptions, 'findUser'>) {
    super(server, new PolledRequests<BackchannelMessage>(server, AUTH_REQ_ID))
    this.#options = options
  }

  /** Whoever is locked out after they approved must not be signed in by it. */
  override async validateRequest(request: TokenRequest): Promise<TokenIssuance> {
    const issuance = await super.validateRequest(request)
    const { subject = '' } = issuance
    if ((await this.#options.findUser({ kind: 'subject', value: subject }, request.client)) !== subject)
      throw new InvalidGrantError('the person may not sign in any more')
    return issuance
  }
}
