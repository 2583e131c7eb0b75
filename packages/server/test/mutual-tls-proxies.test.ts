import { X509Certificate } from 'node:crypto'
import { request as send } from 'node:http'
import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type GrantorServer, parseConfig } from '../src/index.ts'
import { createAuthority, jwkOf, selfSign, type TestAuthority } from './certificates.ts'
import { freePort, startServer } from './support.ts'

const PROXY = '127.0.0.100'
const STRANGER = '127.0.0.5'

let clients: TestAuthority
let pem: string
let base64: string
beforeAll(async () => {
  clients = await createAuthority()
  const { certificate } = await clients.issueClient()
  const leaf = new X509Certificate(certificate)
  pem = leaf.toString()
  base64 = leaf.raw.toString('base64')
})

/** A server behind a proxy that ends TLS, and a request to it with these headers; a list is the same header several times. */
async function start(header: object = { name: 'X-Client-Cert', verify: 'X-Client-Verify' }) {
  const port = await freePort()
  const issuer = `http://127.0.0.1:${port}`
  const settings = { issuer, host: '0.0.0.0', port, trustedProxies: [PROXY], extensions: ['mutual_tls'], mutualTls: { header } }
  const { server } = await startServer(settings)
  await server.authorization.clients.create({
    ...{ client_id: 'pki', token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=client,O=Example,C=NZ' },
    ...{ grant_types: ['client_credentials'], scope: 'read' }
  })
  const ask = (headers: Record<string, string | string[]>, { from = PROXY, client_id = 'pki' } = {}) =>
    new Promise<[number | undefined, string | undefined]>((resolve, reject) => {
      const all = { host: `127.0.0.1:${port}`, 'content-type': 'application/x-www-form-urlencoded', ...headers }
      const options = { host: '127.0.0.1', port, localAddress: from, path: '/token', method: 'POST', headers: all }
      const request = send(options, (answer) => {
        json(answer).then(
          (body) => resolve([answer.statusCode, (body as { error?: string }).error]),
          () => resolve([answer.statusCode, undefined])
        )
      })
      request.on('error', reject).end(new URLSearchParams({ grant_type: 'client_credentials', client_id }).toString())
    })
  return { server, ask }
}

const INVALID_CLIENT = [401, 'invalid_client']
const INVALID_REQUEST = [400, 'invalid_request']
const OK = [200, undefined]

describe('the one header of a trusted proxy', () => {
  let server: GrantorServer
  let ask: Awaited<ReturnType<typeof start>>['ask']
  beforeAll(async () => {
    ;({ server, ask } = await start())
  })
  afterAll(() => server.close())
  const verified = { 'x-client-verify': 'SUCCESS' }

  test.each([
    ['base64 between colons (RFC 9440)', () => `:${base64}:`],
    ['base64', () => base64],
    ['percent-encoded PEM, as of nginx', () => encodeURIComponent(pem)],
    [
      'percent-encoded PEM with some characters as they are',
      () => encodeURIComponent(pem).replaceAll('%2B', '+').replaceAll('%2F', '/').replaceAll('%3D', '=')
    ],
    ['PEM with blanks for line breaks', () => pem.trim().replaceAll('\n', ' ')],
    ['PEM with tabs', () => pem.trim().replaceAll('\n', '\t')]
  ])('holds a certificate as %s', async (_, header) => {
    expect(await ask({ 'x-client-cert': header(), ...verified })).toEqual(OK)
  })

  test('MT-01 from somebody else it is not read, nor is any other header from anybody', async () => {
    const value = `:${base64}:`
    expect(await ask({ 'x-client-cert': value, ...verified }, { from: STRANGER })).toEqual(INVALID_CLIENT)
    expect(await ask({ 'x-client-cert': value, ...verified, 'x-forwarded-for': PROXY }, { from: STRANGER })).toEqual(INVALID_CLIENT)
    for (const name of [
      'x-ssl-client-cert',
      'x-forwarded-tls-client-cert',
      'ssl_client_cert',
      'ssl-client-cert',
      'x-arr-clientcert',
      'client-cert'
    ])
      expect(await ask({ [name]: value, ...verified })).toEqual(INVALID_CLIENT)
  })

  test('MT-02 twice: 400; with underscores, or taken away on the way (Connection): as if it were not there', async () => {
    const value = `:${base64}:`
    expect(await ask({ 'x-client-cert': [value, value], ...verified })).toEqual(INVALID_REQUEST)
    expect(await ask({ 'x-client-cert': `${value}, ${value}`, ...verified })).toEqual(INVALID_REQUEST)
    expect(await ask({ 'x-client-cert': value, 'x-client-verify': ['SUCCESS', 'SUCCESS'] })).toEqual(INVALID_REQUEST)
    expect(await ask({ x_client_cert: value, ...verified })).toEqual(INVALID_CLIENT)
    expect(await ask({ connection: 'x-client-cert', ...verified })).toEqual(INVALID_CLIENT)
  })

  test('MT-03 a verify header that does not say SUCCESS, or is not there', async () => {
    for (const word of ['NONE', 'FAILED', 'FAILED:certificate has expired', 'success', '', 'SUCCESS, SUCCESS'])
      expect(await ask({ 'x-client-cert': base64, 'x-client-verify': word })).toEqual(INVALID_CLIENT)
    expect(await ask({ 'x-client-cert': base64 })).toEqual(INVALID_CLIENT)
    expect(await ask({ 'x-client-cert': '', ...verified })).toEqual(INVALID_CLIENT)
  })

  test('MT-03 two certificates, what follows one, garbage, half of one, a key: 400, never 500', async () => {
    const der = Buffer.from(base64, 'base64')
    const values = [
      encodeURIComponent(pem + pem),
      Buffer.concat([der, der]).toString('base64'),
      Buffer.concat([der, Buffer.from([0])]).toString('base64'),
      der.subarray(0, -10).toString('base64'),
      `:${base64}`,
      `::`,
      'garbage',
      '%',
      '%00',
      '-----BEGIN CERTIFICATE-----',
      encodeURIComponent((await selfSign()).key),
      Buffer.from(pem).toString('base64')
    ]
    for (const value of values) expect([value, await ask({ 'x-client-cert': value, ...verified })]).toEqual([value, INVALID_REQUEST])
    expect(await ask({ 'x-client-cert': 'A'.repeat(20_000), ...verified })).toEqual([431, undefined])
  })

  test('a certificate that no authority vouches for authenticates the client that registered it', async () => {
    const { certificate } = await selfSign()
    await server.authorization.clients.create({
      ...{
        client_id: 'own',
        token_endpoint_auth_method: 'self_signed_tls_client_auth',
        grant_types: ['client_credentials'],
        scope: 'read'
      },
      jwks: { keys: [jwkOf(certificate)] }
    })
    const { raw } = new X509Certificate(certificate)
    const sent = { 'x-client-cert': raw.toString('base64'), 'x-client-verify': 'FAILED:self-signed certificate' }
    expect(await ask(sent, { client_id: 'own' })).toEqual(OK)
    expect(await ask({ 'x-client-cert': base64, ...verified }, { client_id: 'own' })).toEqual(INVALID_CLIENT)
  })
})

test.each([
  ['verified', { name: 'client-cert', verified: true }, OK],
  ['nothing said of it', { name: 'client-cert' }, INVALID_CLIENT]
])('a header alone, %s', async (_, header, expected) => {
  const { server, ask } = await start(header)
  expect(await ask({ 'client-cert': `:${base64}:` })).toEqual(expected)
  await server.close()
})

test.each([
  [{}, /needs tls, or mutualTls.header/],
  [{ mutualTls: { header: { name: 'client-cert' } } }, /trustedProxies/],
  [{ trustedProxies: 1, mutualTls: { header: { name: 'client-cert' } } }, /trustedProxies/],
  [{ trustedProxies: [PROXY], mutualTls: { header: { name: 'client cert' } } }, /the name of a header/],
  [{ trustedProxies: [PROXY], mutualTls: { header: { name: 'client-cert' }, clientCaFile: 'ca.pem' } }, /clientCaFile/],
  [{ trustedProxies: [PROXY], mutualTls: { header: { name: 'client-cert' }, port: 9443 } }, /no port/],
  [{ trustedProxies: [PROXY], mutualTls: { header: { name: 'client-cert', header: 'x' } } }, /header/],
  [{ mutualTls: { endpointAliases: 'mtls.example.com' } }, /endpointAliases is an https origin/]
])('a configuration that cannot work is refused: %j', (settings, message) => {
  expect(() => parseConfig({ issuer: 'https://id.example.com', extensions: ['mutual_tls'], ...settings })).toThrow(message)
})
