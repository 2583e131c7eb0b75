import type { ServerContext } from '../../context.ts'
import type { Kind } from '../../models/artifacts.ts'
import { randomUserCode } from './user-code.ts'

/** Which request a code stands for. The id of the record is the keyed hash of the code. */
const USER_CODE: Kind<{ request: string }> = 'user_code'

/** The codes that people type; the store knows their keyed hashes. */
export class UserCodes {
  readonly #server: ServerContext

  constructor(server: ServerContext) {
    this.#server = server
  }

  /** A code that no other request has, until `expiresAt` in seconds since the epoch. */
  async issue(request: string, expiresAt: number): Promise<string> {
    for (;;) {
      const code = randomUserCode(this.#server.crypto)
      const id = await this.#idOf(code)
      if (await this.#server.store.artifacts.insert({ kind: USER_CODE, id, value: { request }, expiresAt })) return code
    }
  }

  /** The id of the request that the code stands for. */
  async find(code: string): Promise<string | undefined> {
    const found = await this.#server.store.artifacts.find(USER_CODE, await this.#idOf(code), this.#server.now())
    return found?.value.request
  }

  #idOf(code: string): string | Promise<string> {
    return this.#server.secrets.hash(USER_CODE, code)
  }
}
