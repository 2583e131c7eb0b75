import type { OAuthError } from '../errors.ts'
import { plainText } from '../http.ts'

/** What the wire is told of an error: the registered code, and a sentence in the characters that RFC 6749 §5.2 allows. */
export function describe(error: OAuthError, errorUri: string | undefined): Record<string, string> {
  return {
    error: error.error,
    ...(error.message !== '' && { error_description: plainText(error.message) }),
    ...(errorUri !== undefined && { error_uri: errorUri + error.error })
  }
}
