import { InvalidRequestError } from '../../errors.ts'
import type { Client } from '../../models/client.ts'
import { parseScope } from '../../models/scope.ts'
import type { Params } from '../../params.ts'
import type { BackchannelMessage } from './backchannel-request.ts'
import { InvalidBindingMessageError } from './errors.ts'

/** CIBA Core §7.1: all that an authentication request may say. */
export const AUTHENTICATION_PARAMETERS: readonly string[] = [
  'scope',
  'client_notification_token',
  'acr_values',
  'login_hint_token',
  'id_token_hint',
  'login_hint',
  'binding_message',
  'user_code',
  'requested_expiry'
]

const MAX_MESSAGE = 100
/** §7.1: "a limited set of plain text characters". No markup, nothing that is invisible or turns what stands around it, no tower of accents. */
const MESSAGE = /^(?! *$)(?!.*\p{M}{4})(?:(?![<>\p{Default_Ignorable_Code_Point}\u2800])[\p{L}\p{M}\p{N}\p{P}\p{S} ])+$/u
const MAX_NOTIFICATION_TOKEN = 1024
/** RFC 6750 §2.1 */
const BEARER_TOKEN = /^[\w\-.~+/]+=*$/
const MAX_ACR_VALUES = 20

/** @throws InvalidBindingMessageError, InvalidRequestError */
export function messageOf(params: Params): BackchannelMessage {
  const bindingMessage = params.get('binding_message')
  if (bindingMessage !== undefined && !(bindingMessage.length <= MAX_MESSAGE && MESSAGE.test(bindingMessage)))
    throw new InvalidBindingMessageError(`binding_message has at most ${MAX_MESSAGE} characters, all of them plain text without markup`)
  const acrValues = params.has('acr_values') ? parseScope(params.get('acr_values'), MAX_ACR_VALUES) : []
  if (!acrValues) throw new InvalidRequestError(`acr_values is a list of at most ${MAX_ACR_VALUES} values`)
  return { ...(bindingMessage !== undefined && { bindingMessage }), ...(acrValues.length > 0 && { acrValues }) }
}

/**
 * What the client will know the call by that tells it of the decision. Undefined: it only polls.
 * @throws InvalidRequestError if it is missing, or no bearer token
 */
export function notificationTokenOf(params: Params, client: Client): string | undefined {
  if (client.backchannel_token_delivery_mode !== 'ping') return undefined
  // §7.1: "REQUIRED if the Client is registered to use Ping or Push modes."
  const token = params.require('client_notification_token')
  // §7.1: "The length of the token MUST NOT exceed 1024 characters and it MUST conform to the syntax for Bearer credentials".
  if (token.length > MAX_NOTIFICATION_TOKEN || !BEARER_TOKEN.test(token))
    throw new InvalidRequestError(`client_notification_token is a bearer token of at most ${MAX_NOTIFICATION_TOKEN} characters`)
  return token
}

/** Seconds. @throws InvalidRequestError if `requested_expiry` is not "a positive integer" (§7.1) */
export function lifetimeOf(params: Params, { lifetime, maxLifetime }: { lifetime: number; maxLifetime: number }): number {
  const requested = params.get('requested_expiry')
  if (requested === undefined) return lifetime
  if (!/^[1-9]\d{0,8}$/.test(requested)) throw new InvalidRequestError('requested_expiry is a positive number of seconds')
  return Math.min(Number(requested), maxLifetime)
}
