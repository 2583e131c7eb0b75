import type { ServerContext } from '../../context.ts'
import { InvalidRequestError } from '../../errors.ts'
import { sameConfirmation } from '../../models/confirmation.ts'
import { isDeeper } from '../../models/nesting.ts'
import type { TokenRequest } from '../../requests.ts'
import { isRecord } from '../../setting-rules.ts'
import { ACCESS_TOKEN_TYPE, type SubjectToken, type SubjectTokens } from './subject-tokens.ts'

/** Of the chain of those who act for each other. */
const MAX_DEPTH = 5
/** Of all that is said of them. */
const MAX_NESTING = 20

/** Who acts (RFC 8693 §4.1): the client, or a person who uses it. */
export interface Actor {
  sub: string
  client_id: string
}

/** The actor and the token that says so. */
export interface PresentedActor {
  actor: Actor
  token: SubjectToken
}

/**
 * Who acts for the subject; undefined: the request names nobody.
 * @throws InvalidRequestError if the actor token is not one of the client's own.
 */
export async function readActor(
  server: ServerContext,
  tokens: SubjectTokens,
  { client, params, confirmation }: TokenRequest
): Promise<PresentedActor | undefined> {
  const [value, type] = [params.get('actor_token'), params.get('actor_token_type')]
  // RFC 8693 §2.1: actor_token_type "is REQUIRED when the actor_token parameter is present in the request but MUST NOT be included otherwise."
  if ((value === undefined) !== (type === undefined)) throw new InvalidRequestError('actor_token and actor_token_type come together')
  if (value === undefined) return undefined
  if (type !== ACCESS_TOKEN_TYPE) throw new InvalidRequestError('actor_token_type is none that is taken here')
  const token = await tokens.accessToken(value)
  // Who was shown a token of somebody else must not pass for them.
  if (!token || token.from !== client.client_id)
    throw new InvalidRequestError("the actor token is none of this client's, expired or revoked")
  // Whoever was given a token to act for somebody is not that somebody.
  if (token.isExchanged || token.claims.act !== undefined) throw new InvalidRequestError('the actor token was itself exchanged for another')
  if (token.confirmation && !sameConfirmation(token.confirmation, confirmation))
    throw new InvalidRequestError('the actor token is bound to a key that the request does not prove')
  const { grant, subject } = token
  return { actor: { sub: grant ? await server.subjectFor(client, subject) : subject, client_id: client.client_id }, token }
}

/**
 * RFC 8693 §4.4: may_act "makes a statement that one party is authorized to become the actor and act on behalf of another party"; where there
 * is one, it is nobody else.
 * @throws InvalidRequestError
 */
export function checkMayAct({ claims: { may_act: mayAct } }: SubjectToken, actor: Actor, issuer: string): void {
  if (mayAct === undefined) return
  const known: Readonly<Record<string, string>> = { ...actor, iss: issuer }
  const named = isRecord(mayAct) ? Object.entries(mayAct) : []
  const isNamed = named.some(([member]) => member === 'sub' || member === 'client_id')
  // What identifies in a way that is not known here is not met.
  if (!isNamed || !named.every(([member, value]) => Object.hasOwn(known, member) && known[member] === value))
    throw new InvalidRequestError('may_act of the subject token names another')
}

/**
 * The `act` of the new token: who acts now, and within it those before (RFC 8693 §4.1).
 * @throws InvalidRequestError if there are too many, or another server says of them what cannot be passed on
 */
export function actOf({ claims: { act: before } }: SubjectToken, actor: Actor | undefined): Record<string, unknown> | undefined {
  if (before !== undefined && !isActor(before)) throw new InvalidRequestError('act of the subject token is not understood here')
  const act = actor ? { ...actor, ...(before !== undefined && { act: before }) } : before
  let depth = 0
  for (let one: unknown = act; isRecord(one); one = one.act) depth++
  if (depth > MAX_DEPTH) throw new InvalidRequestError(`more than ${MAX_DEPTH} act for each other`)
  return act
}

/** Whether every reader of tokens can walk it. */
function isActor(act: unknown): act is Record<string, unknown> {
  return isRecord(act) && !isDeeper(act, MAX_NESTING)
}
