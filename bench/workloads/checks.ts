import { type Answer, field } from '../generator/connection.ts'
import { REDIRECT_URI, STATE } from './plan.ts'

/** @throws Error if it is not an answer with JSON and this status. */
export function json(answer: Answer): Record<string, unknown> {
  if (answer.status !== 200) throw new Error(`${answer.head}\n${answer.body}`)
  return JSON.parse(answer.body)
}

/** RFC 6749 §5.1. @throws Error if it is not an access token with a type and a lifetime. */
export function tokens(answer: Answer): { access: string; refresh: string; id: string } {
  const { access_token, token_type, expires_in, refresh_token, id_token } = json(answer)
  const fits = typeof access_token === 'string' && access_token.length >= 22 && typeof expires_in === 'number' && expires_in > 0
  if (!fits || String(token_type).toLowerCase() !== 'bearer') throw new Error(`not a token response: ${answer.body}`)
  return { access: access_token, refresh: String(refresh_token ?? ''), id: String(id_token ?? '') }
}

/** @throws Error if it is not a JWS in compact form with ES256. */
export function es256(jwt: string): void {
  const [header = '', payload, signature, ...rest] = jwt.split('.')
  const isSigned = payload !== undefined && signature?.length === 86 && rest.length === 0
  if (!isSigned || JSON.parse(Buffer.from(header, 'base64url').toString()).alg !== 'ES256') throw new Error(`not an ES256 JWT: ${jwt}`)
}

/** RFC 6749 §4.1.2. @throws Error if it is not a redirection with a code and the state. */
export function code(answer: Answer): string {
  const location = field(answer, 'location')
  const found = /[?&]code=([^&]+)/.exec(location)?.[1]
  const isRight = answer.status === 302 || answer.status === 303
  if (!isRight || found === undefined || !location.startsWith(`${REDIRECT_URI}?`) || !location.includes(`state=${STATE}`))
    throw new Error(`no code: ${answer.head}\n${answer.body}`)
  return found
}
