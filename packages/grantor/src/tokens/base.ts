import type { IssueOptions, Minted, PresentedToken, ServerContext, TokenFormat } from '../context.ts'
import type { Awaitable } from '../crypto/port.ts'
import type { AccessToken } from '../models/artifacts.ts'

/** A way to write access tokens. */
export abstract class TokenFormatBase implements TokenFormat {
  /** The value of the `accessTokenFormat` policy. */
  abstract readonly format: string
  protected readonly server: ServerContext

  constructor(server: ServerContext) {
    this.server = server
  }

  abstract issue(token: AccessToken, options: IssueOptions): Awaitable<Minted>
  abstract read(token: string): Promise<PresentedToken | undefined>
  abstract revoke(token: PresentedToken): Promise<void>
  abstract isAlive(id: string): Promise<boolean>
}
