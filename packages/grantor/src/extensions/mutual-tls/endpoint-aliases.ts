/** The endpoints that a program asks directly; a browser's are none. */
const ALIASED = [
  'token_endpoint',
  'introspection_endpoint',
  'revocation_endpoint',
  'pushed_authorization_request_endpoint',
  'userinfo_endpoint',
  'registration_endpoint',
  'device_authorization_endpoint',
  'backchannel_authentication_endpoint'
]

/** RFC 8705 §5: the same endpoints, at an origin that asks for certificates. */
export function endpointAliases(origin: string, metadata: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const served = ALIASED.filter((name) => typeof metadata[name] === 'string')
  return Object.fromEntries(served.map((name) => [name, origin + new URL(String(metadata[name])).pathname]))
}
