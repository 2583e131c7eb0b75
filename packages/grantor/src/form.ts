import { InvalidRequestError } from './errors.ts'
import type { HttpRequest } from './http.ts'
import { Params } from './params.ts'

const FORM = /^application\/x-www-form-urlencoded[ \t]*(?:;[ \t]*charset="?utf-8"?[ \t]*)?$/i

/** The parameters in the body of a form. @throws InvalidRequestError if it is anything else (RFC 6749 §4.1.3). */
export async function readForm(request: HttpRequest): Promise<Params> {
  if (!FORM.test(request.headers.get('content-type') ?? ''))
    throw new InvalidRequestError('the body must be application/x-www-form-urlencoded in UTF-8')
  return Params.parse(await request.body())
}
