import type { AuthorizationServer, HttpRequest, Params } from 'grantor'
import { InvalidRequestError, isOwnOrigin, readForm } from 'grantor'

const CSRF = 'csrf'

/** Forms that only our own pages can send. `context`: what the page is about, which only this browser may see. */
export class Forms {
  readonly #server: AuthorizationServer

  constructor(server: AuthorizationServer) {
    this.#server = server
  }

  /** What stands in the form as `csrf`. */
  async csrf(context: string): Promise<string> {
    return this.#server.secrets.hash(CSRF, context)
  }

  /** The fields. @throws InvalidRequestError if another page sent them. */
  async read(request: HttpRequest, context: string): Promise<Params> {
    const form = await readForm(request)
    if (!isOwnOrigin(request, this.#server.settings.issuer) || !(await this.#server.secrets.matches(CSRF, context, form.get(CSRF) ?? ''))) {
      throw new InvalidRequestError('this form did not come from its own page; go back and try again', { status: 403 })
    }
    return form
  }
}
