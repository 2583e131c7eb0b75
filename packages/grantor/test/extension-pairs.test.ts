import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeJwt, exportJWK, FlattenedSign, generateKeyPair } from 'jose'
import { describe, expect, test } from 'vitest'
import type { Contribution, Extension, Signer } from '../src/index.ts'
import * as grantor from '../src/index.ts'
import { EXTENSIONS } from './every-extension.ts'
import { AUTHENTICATION } from './openid-support.ts'
import { AUTHORIZATION, TestServer } from './support.ts'

const NAMES = Object.keys(EXTENSIONS)
/** What two of them refuse each other as they are above, with the sentence; nothing so far. */
const REFUSED: Readonly<Record<string, string>> = {}
/** What is exported beside an extension and is none. */
const HELPERS = ['checkCertificateBinding', 'describeAuthorizationDetails', 'stepUpChallenge']

/** Keys that all servers share: to make one of RSA for each takes longer than all the rest. */
const signers = await Promise.all(['ES256', 'RS256'].map(signer))

async function signer(alg: string): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return {
    alg,
    kid: alg,
    publicJwk: (await exportJWK(publicKey)) as JsonWebKey,
    async sign(data) {
      const [header = '', payload = ''] = data.split('.').map((part) => Buffer.from(part, 'base64url').toString())
      const { signature } = await new FlattenedSign(Buffer.from(payload)).setProtectedHeader(JSON.parse(header)).sign(privateKey)
      return signature
    }
  }
}

const serverWith = (names: readonly string[]) =>
  new TestServer({ signers, extensions: names.map((name) => (EXTENSIONS[name] as () => Extension)()) })

test.each(NAMES.filter((name) => EXTENSIONS[name]?.length === 1))('%s refuses an option that it does not have', (name) => {
  expect(() => EXTENSIONS[name]?.({ nonsense: true })).toThrow(/: there is no nonsense/)
})

/** What one of them adds, by name. */
function contributed(name: string): Contribution {
  let contribution: Contribution = {}
  const extension: Extension = (server, interactions) => {
    contribution = (EXTENSIONS[name] as () => Extension)()(server, interactions)
    return contribution
  }
  new TestServer({ signers, extensions: [extension] })
  return contribution
}

/** Its metadata, tokens of its own, a code flow, with a sign-in if that is served. */
async function exercise(names: readonly string[]): Promise<void> {
  const server = serverWith(names)
  const isOpenId = names.includes('openid')
  const metadata = await (await server.fetch('/.well-known/oauth-authorization-server')).json()
  for (const name of names) {
    for (const [member, value] of Object.entries(contributed(name).metadata ?? {}))
      expect(metadata[member]).toEqual(Array.isArray(value) ? expect.arrayContaining(value) : value)
    for (const endpoint of contributed(name).endpoints ?? []) expect(server.server.endpoint(endpoint.name)).toContain(endpoint.path)
    for (const { grantType } of contributed(name).grantTypes ?? []) expect(metadata.grant_types_supported).toContain(grantType)
  }
  const client = await server.client({ scope: 'openid read' })
  const own = await (await server.token(client, { grant_type: 'client_credentials', scope: 'read' })).json()
  expect(own).toEqual({ access_token: expect.any(String), token_type: 'Bearer', expires_in: 3600, scope: 'read' })
  const scope = isOpenId ? 'openid read' : 'read'
  const code = await server.code({ ...(isOpenId ? AUTHENTICATION : AUTHORIZATION), scope })
  const tokens = await (await server.redeem(client, code)).json()
  expect(tokens).toMatchObject({ token_type: 'Bearer', scope })
  expect(isOpenId ? decodeJwt(tokens.id_token).sub : tokens.id_token).toBe(isOpenId ? 'alice' : undefined)
  const refreshed = await server.token(client, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token })
  expect(refreshed.status).toBe(200)
  expect(await server.introspect(client, tokens.access_token)).toMatchObject({ active: true, sub: 'alice' })
}

test('every extension that the library exports is here', () => {
  const source = readFileSync(join(import.meta.dirname, '../src/index.ts'), 'utf8')
  const exported = [...source.matchAll(/export \{([^}]+)\} from '\.\/extensions\//g)].flatMap(([, list = '']) => list.split(','))
  const functions = exported.map((name) => name.trim()).filter((name) => /^[a-z]\w*$/.test(name) && !HELPERS.includes(name))
  expect(functions.sort()).toEqual([...NAMES].sort())
})

describe('every pair of extensions', () => {
  const pairs = NAMES.flatMap((first, at) => NAMES.slice(at + 1).map((second) => [first, second] as const))

  test.each(pairs)('%s and %s: metadata, a token, a code flow; in either order', async (...pair) => {
    const refusal = REFUSED[pair.join(' ')]
    for (const names of [pair, pair.toReversed()]) {
      if (refusal === undefined) await exercise(names)
      else expect(() => serverWith(names)).toThrow(refusal)
    }
  })

  test('two that are each to bind every token refuse each other', () => {
    const required = [grantor.dpop({ required: true }), grantor.mutualTls({ required: true })]
    const sentence = 'two extensions are to bind every token, to keys of two kinds: require one of them'
    for (const extensions of [required, required.toReversed()]) expect(() => new TestServer({ extensions })).toThrow(sentence)
    expect(() => new TestServer({ extensions: [grantor.dpop({ required: true }), grantor.mutualTls()] })).not.toThrow()
  })

  test('and all of them at once', async () => {
    const refused = Object.keys(REFUSED).map((pair) => pair.split(' ')[1])
    await exercise(NAMES.filter((name) => !refused.includes(name)))
  })
})

describe('whatever is served, allowedAlgorithms hold', () => {
  const allowed = ['ES256', 'HS256']
  const test256 = new TestServer({ allowedAlgorithms: allowed, extensions: NAMES.map((name) => (EXTENSIONS[name] as () => Extension)()) })

  test('in every list of JWS algorithms of the metadata', () => {
    const lists = Object.entries(test256.server.metadata()).filter(([name]) => /sign\w*_alg_values_supported$/.test(name))
    expect(lists.length).toBeGreaterThan(8)
    for (const [name, list] of lists) expect([name, (list as string[]).filter((alg) => !allowed.includes(alg))]).toEqual([name, []])
  })

  const members = NAMES.flatMap((name) => Object.keys(contributed(name).clientMetadata ?? {}))
  test.each(members.filter((member) => /_(?:signing|signed_response)_alg$/.test(member)))(
    'in the metadata of a client: %s',
    async (member) => {
      await expect(test256.client({ [member]: 'RS256' })).rejects.toThrow(`${member} is one of ES256`)
    }
  )
})

describe.each(NAMES)('without %s', (name) => {
  const own = contributed(name)
  const others = serverWith(NAMES.filter((other) => other !== name))

  test.each([
    ['a server that has nothing else', new TestServer({ signers })],
    ['a server that has all others', others]
  ])('%s has none of its metadata, endpoints, grant types, response types and modes, and client metadata', async (_, server) => {
    const metadata = server.server.metadata()
    // What is said of what is not served, too: OpenID Connect Discovery §3 has true as the default of request_uri_parameter_supported.
    const members = Object.entries(own.metadata ?? {}).filter(([member]) => metadata[member] !== false)
    for (const [member] of members) expect(metadata).not.toHaveProperty(member)
    for (const { name: endpoint, path } of own.endpoints ?? []) {
      expect(metadata).not.toHaveProperty(`${endpoint}_endpoint`)
      for (const method of ['GET', 'POST']) expect((await server.fetch(path, { method })).status).toBe(404)
    }
    for (const well of own.wellKnown ?? []) expect((await server.fetch(`/.well-known/${well}`)).status).toBe(404)
    for (const { grantType } of own.grantTypes ?? []) expect(metadata['grant_types_supported']).not.toContain(grantType)
    for (const { responseType } of own.responseTypes ?? []) expect(metadata['response_types_supported']).not.toContain(responseType)
    for (const { responseMode } of own.responseModes ?? []) expect(metadata['response_modes_supported']).not.toContain(responseMode)
    for (const { method } of own.clientAuthentications ?? [])
      expect(metadata['token_endpoint_auth_methods_supported']).not.toContain(method)
    const understood = Object.keys(own.clientMetadata ?? {}).filter((member) => server.server.clients.understands(member))
    expect(understood).toEqual([])
  })
})
