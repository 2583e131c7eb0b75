import { join } from 'node:path'
import { expect, test } from 'vitest'
import { table } from '../bench/report/table.ts'
import type { Contribution, Extension } from '../packages/grantor/src/index.ts'
import { EXTENSIONS } from '../packages/grantor/test/every-extension.ts'
import { TestServer } from '../packages/grantor/test/support.ts'
import { ROOT } from './consumer.ts'

/** Whose specification it is, and where it is described. */
const SPECIFICATIONS: Readonly<Record<keyof typeof EXTENSIONS, readonly [specification: string, page: string]>> = {
  backChannelLogout: ['OpenID Connect Back-Channel Logout 1.0', 'logout.md'],
  ciba: ['OpenID Connect Client-Initiated Backchannel Authentication 1.0, poll and ping', 'ciba.md'],
  clientSecretJwt: ['OpenID Connect Core 1.0 §9', 'configuration.md'],
  deviceAuthorization: ['RFC 8628', 'device.md'],
  dpop: ['RFC 9449', 'dpop.md'],
  dynamicRegistration: ['RFC 7591, RFC 7592, OpenID Connect Dynamic Client Registration 1.0', 'registration.md'],
  frontChannelLogout: ['OpenID Connect Front-Channel Logout 1.0', 'logout.md'],
  implicit: ['RFC 6749 §4.2', 'flows/implicit-and-hybrid.md'],
  jarm: ['JWT Secured Authorization Response Mode for OAuth 2.0', 'jarm.md'],
  jwtBearer: ['RFC 7523 §2.1', 'jwt-bearer.md'],
  jwtIntrospection: ['RFC 9701', 'introspection.md'],
  mutualTls: ['RFC 8705', 'mutual-tls.md'],
  openid: ['OpenID Connect Core 1.0, OpenID Connect Discovery 1.0', 'openid.md'],
  passwordGrant: ['RFC 6749 §4.3', 'flows/password.md'],
  pushedAuthorizationRequests: ['RFC 9126', 'pushed-requests.md'],
  requestObjects: ['RFC 9101, OpenID Connect Core 1.0 §6', 'request-objects.md'],
  resourceIndicators: ['RFC 8707', 'resources.md'],
  richAuthorizationRequests: ['RFC 9396', 'rich-authorization-requests.md'],
  rpInitiatedLogout: ['OpenID Connect RP-Initiated Logout 1.0', 'logout.md'],
  stepUp: ['RFC 9470', 'step-up.md'],
  tokenExchange: ['RFC 8693', 'token-exchange.md']
}

/** What an extension adds to a server that has nothing else. */
function contributed(create: () => Extension): Contribution {
  let contribution: Contribution = {}
  new TestServer({ extensions: [(server, interactions) => (contribution = create()(server, interactions))] })
  return contribution
}

const code = (names: Iterable<string>) => [...names].map((name) => `\`${name}\``).join(', ')

function served({
  grantTypes = [],
  responseTypes = [],
  responseModes = [],
  clientAuthentications = [],
  tokenSchemes = [],
  endpoints = []
}: Contribution): string {
  const kinds: readonly (readonly [kind: string, names: readonly string[]])[] = [
    ['endpoints', endpoints.filter(({ unlisted }) => !unlisted).map(({ path }) => path)],
    ['grant types', grantTypes.map(({ grantType }) => grantType)],
    ['response types', responseTypes.map(({ responseType }) => responseType)],
    ['response modes', responseModes.map(({ responseMode }) => responseMode)],
    ['client authentication', clientAuthentications.map(({ method }) => method)],
    ['token schemes', tokenSchemes.map(({ scheme }) => scheme)]
  ]
  return kinds
    .filter(([, names]) => names.length > 0)
    .map(([kind, names]) => `${kind} ${code(names)}`)
    .join('; ')
}

function document(): string {
  const rows = Object.entries(EXTENSIONS).map(([name, create]) => {
    const contribution = contributed(create)
    const [specification, page] = SPECIFICATIONS[name] ?? ['', '']
    const members = code(Object.keys(contribution.metadata ?? {}).sort())
    return [
      `[\`${name}\`](${page})`,
      specification,
      served(contribution),
      members,
      code(Object.keys(contribution.clientMetadata ?? {}).sort())
    ]
  })
  return `# What each extension adds

Made of the code by the tests (\`npm run support-table\`). What is not passed is neither served nor advertised.

${table(['extension', 'specification', 'what it serves', 'metadata of the server', 'metadata of clients'], rows)}
`
}

test('the support table says what the code does, with every extension', async () => {
  expect(Object.keys(SPECIFICATIONS).sort()).toEqual(Object.keys(EXTENSIONS).sort())
  await expect(document()).toMatchFileSnapshot(join(ROOT, 'docs/support.md'))
})
