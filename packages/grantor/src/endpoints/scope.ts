import { InvalidScopeError } from '../errors.ts'
import type { Client } from '../models/client.ts'
import { isWithin, parseScope } from '../models/scope.ts'
import type { Params } from '../params.ts'

/**
 * What a request asks for. RFC 6749 §3.3: "If the client omits the scope parameter … the authorization server MUST either process the
 * request using a pre-defined default value or fail"; here that is the server's default, or all that the client is registered for, unless
 * it says in one of the parameters `instead` what it asks for.
 * @throws InvalidScopeError if it is malformed, or not registered for this client
 */
export function requestedScope(
  params: Params,
  client: Client,
  { defaultScope, instead }: { defaultScope: string | undefined; instead: ReadonlySet<string> }
): readonly string[] {
  const registered = parseScope(client.scope) ?? []
  const named = params.get('scope')
  if (named === undefined && [...instead].some((name) => params.has(name))) return []
  if (named === undefined) return (parseScope(defaultScope ?? client.scope) ?? []).filter((token) => registered.includes(token))
  const scope = parseScope(named)
  if (!scope || !isWithin(scope, registered))
    throw new InvalidScopeError('the scope is malformed or not registered for this client', { detail: { registered: client.scope } })
  return scope
}
