import type { IssueOptions, Minted, PresentedToken } from '../context.ts'
import { type Awaitable, when } from '../crypto/port.ts'
import { ACCESS_TOKEN, type AccessToken } from '../models/artifacts.ts'
import { isLive } from '../models/grant.ts'
import { TokenFormatBase } from './base.ts'

/** An access token that means nothing to whoever reads it; the server knows. Revoked, it is dead everywhere at once. */
export class OpaqueAccessToken extends TokenFormatBase {
  readonly format: string = 'opaque'

  issue(value: AccessToken, { id, expiresAt, grant, predecessor }: IssueOptions): Awaitable<Minted> {
    return when(this.server.opaque.mint(ACCESS_TOKEN, id, predecessor), ({ token, secretHash }) => {
      const artifact = { kind: ACCESS_TOKEN, id, secretHash, value, expiresAt }
      return { token, artifact: grant ? { ...artifact, grantId: grant.id } : artifact }
    })
  }

  async read(token: string): Promise<PresentedToken | undefined> {
    const found = await this.server.opaque.find(ACCESS_TOKEN, token)
    if (!found) return undefined
    const { id, value, expiresAt, grant, grantId, consumedAt } = found
    const revoked = consumedAt !== undefined || (grantId !== undefined && grant === undefined)
    const presented: PresentedToken = { id, format: this.format, token: value, expiresAt, revoked }
    if (grant) presented.grant = grant
    return presented
  }

  async revoke({ id }: PresentedToken): Promise<void> {
    await this.server.store.artifacts.consume({ kind: ACCESS_TOKEN, id }, { now: this.server.now() })
  }

  async isAlive(id: string): Promise<boolean> {
    const now = this.server.now()
    const found = await this.server.store.artifacts.find(ACCESS_TOKEN, id, now)
    return found !== undefined && found.consumedAt === undefined && (found.grantId === undefined || isLive(found.grant, now))
  }
}
