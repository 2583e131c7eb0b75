import { InvalidClientMetadataError, InvalidRequestError } from '../../errors.ts'
import type { HttpRequest } from '../../http.ts'

const JSON_TYPE = /^application\/json[ \t]*(?:;[ \t]*charset="?utf-8"?[ \t]*)?$/i

/**
 * The members of a JSON object in the body (RFC 7591 §3.1). One that is null is as if absent (RFC 7592 §2.2).
 * @throws InvalidRequestError if it is not JSON, InvalidClientMetadataError if it is no object
 */
export async function readJsonObject(request: HttpRequest): Promise<Record<string, unknown>> {
  if (!JSON_TYPE.test(request.headers.get('content-type') ?? ''))
    throw new InvalidRequestError('the body must be application/json in UTF-8')
  const value = parse(await request.body())
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new InvalidClientMetadataError('client metadata is an object')
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null))
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch (cause) {
    throw new InvalidRequestError('the body is not JSON', { cause })
  }
}
