import type { OAuthError } from '../errors.ts'

/** What the wire is told of an error: the registered code, and a sentence in the characters that RFC 6749 §5.2 allows. */
export function describe(error: OAuthError, errorUri: string | undefined): Record<string, string> {
  return {
    error: error.error,
    ...(error.message !== '' && { error_description: error.message.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "'") }),
    ...(errorUri !== undefined && { error_uri: errorUri + error.error })
  }
}
