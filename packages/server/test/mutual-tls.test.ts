import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { checkCertificateBinding } from 'grantor'
import * as oauth from 'oauth4webapi'
import * as oidc from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GrantorServer } from '../src/index.ts'
import { createAuthority, jwkOf, selfSign, type TestAuthority, type TestCertificate } from './certificates.ts'
import { authorizeOverTls, fetchOverTls, REDIRECT_URI } from './mutual-tls-client.ts'
import { freePort, startServer, temporaryFolder } from './support.ts'

const SUBJECT = 'CN=client,O=Example,C=NZ'

let hosts: TestAuthority
let clients: TestAuthority
let folder: string
beforeAll(async () => {
  ;[hosts, clients] = [await createAuthority(), await createAuthority()]
  folder = temporaryFolder()
  const { certificate, key } = await hosts.issue(['localhost'])
  writeFileSync(join(folder, 'tls.crt'), certificate)
  writeFileSync(join(folder, 'tls.key'), key)
  writeFileSync(join(folder, 'clients.pem'), clients.certificate)
})

async function start(mutualTls: object = {}) {
  const port = await freePort()
  const tls = { certificateFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') }
  const clientCaFile = join(folder, 'clients.pem')
  const issuer = `https://localhost:${port}`
  const settings = { issuer, port, tls, extensions: ['mutual_tls', 'dpop'], mutualTls: { clientCaFile, ...mutualTls } }
  return { ...(await startServer(settings)), issuer, port }
}

const thumbprintOf = async (pem: string) =>
  Buffer.from(await crypto.subtle.digest('SHA-256', new Uint8Array(new X509Certificate(pem).raw))).toString('base64url')

describe.each([
  ['on a port of their own', true],
  ['on the one port', false]
])('mutual TLS at the running server, requests with certificates %s', (_, isApart) => {
  let server: GrantorServer
  let issuer: string
  beforeAll(async () => {
    const apart = isApart ? await freePort() : undefined
    ;({ server, issuer } = await start(apart === undefined ? {} : { port: apart, endpointAliases: `https://localhost:${apart}` }))
  })
  afterAll(() => server.close())

  async function register(metadata: object) {
    return server.authorization.clients.create({
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      scope: 'openid offline_access',
      tls_client_certificate_bound_access_tokens: true,
      ...metadata
    })
  }

  function configure(client_id: string, certificate?: TestCertificate, use_mtls_endpoint_aliases = true) {
    return oidc.discovery(new URL(issuer), client_id, { use_mtls_endpoint_aliases }, oidc.TlsClientAuth(), {
      [oidc.customFetch]: fetchOverTls(hosts.certificate, certificate) as oidc.CustomFetch
    })
  }

  const authorize = (config: oidc.Configuration) =>
    authorizeOverTls(hosts.certificate, (asked) => oidc.buildAuthorizationUrl(config, asked))

  const methods: [string, () => Promise<{ metadata: object; certificate: TestCertificate }>][] = [
    [
      'tls_client_auth',
      async () => ({
        metadata: { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: SUBJECT },
        certificate: await clients.issueClient()
      })
    ],
    [
      'self_signed_tls_client_auth',
      async () => {
        const certificate = await selfSign()
        const jwks = { keys: [jwkOf(certificate.certificate)] }
        return { metadata: { token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks }, certificate }
      }
    ]
  ]

  test.each(methods)('openid-client with %s: code, userinfo, refresh, introspection', async (_name, prepare) => {
    const { metadata, certificate } = await prepare()
    const { client_id } = await register(metadata)
    const config = await configure(client_id, certificate)
    const { callback, checks } = await authorize(config)
    const tokens = await oidc.authorizationCodeGrant(config, callback, checks)
    const subject = tokens.claims()?.sub ?? ''
    expect(await oidc.fetchUserInfo(config, tokens.access_token, subject)).toMatchObject({ sub: subject })
    const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
    expect(await oidc.fetchUserInfo(config, refreshed.access_token, subject)).toMatchObject({ sub: subject })
    const cnf = { 'x5t#S256': await thumbprintOf(certificate.certificate) }
    expect(await oidc.tokenIntrospection(config, refreshed.access_token)).toMatchObject({ active: true, token_type: 'Bearer', cnf })
    for (const other of [undefined, await clients.issueClient()])
      await expect(oidc.fetchUserInfo(await configure(client_id, other), refreshed.access_token, subject)).rejects.toMatchObject({
        status: 401
      })
  })

  test.each(methods)('oauth4webapi with %s: client credentials, for an API that checks the certificate', async (_name, prepare) => {
    const { metadata, certificate } = await prepare()
    const client: oauth.Client = { client_id: (await register(metadata)).client_id, use_mtls_endpoint_aliases: true }
    const options = { [oauth.customFetch]: fetchOverTls(hosts.certificate, certificate) as never }
    const as = await oauth.processDiscoveryResponse(new URL(issuer), await oauth.discoveryRequest(new URL(issuer), options))
    expect(as.mtls_endpoint_aliases !== undefined).toBe(isApart)
    const response = await oauth.clientCredentialsGrantRequest(as, client, oauth.TlsClientAuth(), {}, options)
    const { access_token } = await oauth.processClientCredentialsResponse(as, client, response)
    const introspected = await oauth.introspectionRequest(as, client, oauth.TlsClientAuth(), access_token, options)
    const claims = await oauth.processIntrospectionResponse(as, client, introspected)
    await checkCertificateBinding(claims, new X509Certificate(certificate.certificate).raw)
    await expect(checkCertificateBinding(claims, undefined)).rejects.toMatchObject({ status: 401 })
  })

  test('CA-18 a certificate of an authority for hosts, an expired one, a self-signed one: no tls_client_auth', async () => {
    const { client_id } = await register({ token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: SUBJECT })
    const others = [await hosts.issueClient(), await clients.issueClient({ notAfter: Date.now() - 1000 }), await selfSign(), undefined]
    for (const certificate of others) {
      const config = await configure(client_id, certificate)
      await expect(oidc.clientCredentialsGrant(config)).rejects.toMatchObject({ status: 401, error: 'invalid_client' })
    }
    expect(await oidc.clientCredentialsGrant(await configure(client_id, await clients.issueClient()))).toHaveProperty('access_token')
  })

  test('MT-05 a public client with a certificate of its own: what it gets and refreshes is bound to it', async () => {
    const { client_id } = await register({ token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'] })
    const certificate = await selfSign()
    const config = await configure(client_id, certificate)
    const { callback, checks } = await authorize(config)
    const tokens = await oidc.authorizationCodeGrant(config, callback, checks)
    const rotated = await configure(client_id, await selfSign())
    await expect(oidc.refreshTokenGrant(rotated, tokens.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' })
    expect(await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')).toHaveProperty('access_token')
  })

  test('openid-client authenticates by certificate, and binds its tokens by DPoP', async () => {
    const metadata = { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: SUBJECT }
    const { client_id } = await register({ ...metadata, tls_client_certificate_bound_access_tokens: false, dpop_bound_access_tokens: true })
    const config = await configure(client_id, await clients.issueClient())
    const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair())
    const tokens = await oidc.clientCredentialsGrant(config, {}, { DPoP })
    expect(tokens.token_type).toBe('dpop')
    const cnf = { jkt: await DPoP.calculateThumbprint() }
    expect(await oidc.tokenIntrospection(config, tokens.access_token)).toMatchObject({ active: true, token_type: 'DPoP', cnf })
  })

  test('RFC 8705 §5: where certificates have a port of their own, the other asks for none', async () => {
    const { client_id } = await register({ token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: SUBJECT })
    const config = await configure(client_id, await clients.issueClient(), false)
    const tokens = oidc.clientCredentialsGrant(config)
    if (isApart) await expect(tokens).rejects.toMatchObject({ status: 401, error: 'invalid_client' })
    else expect(await tokens).toHaveProperty('access_token')
  })

  test("MT-01 headers that name a certificate are nobody's word here", async () => {
    const { client_id } = await register({ token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: SUBJECT })
    const { certificate } = await clients.issueClient()
    const { raw } = new X509Certificate(certificate)
    const config = await configure(client_id)
    const over = config[oidc.customFetch] as unknown as typeof fetch
    config[oidc.customFetch] = (url, options) => {
      const headers = new Headers(options.headers as Record<string, string>)
      for (const name of ['X-SSL-Client-Cert', 'X-Forwarded-Tls-Client-Cert', 'SSL_CLIENT_CERT', 'ssl-client-cert', 'X-ARR-ClientCert'])
        headers.set(name, encodeURIComponent(certificate))
      headers.set('Client-Cert', `:${raw.toString('base64')}:`)
      for (const name of ['X-SSL-Client-Verify', 'SSL_CLIENT_VERIFY', 'ssl-client-verify']) headers.set(name, 'SUCCESS')
      return over(url, { ...(options as RequestInit), headers })
    }
    await expect(oidc.clientCredentialsGrant(config)).rejects.toMatchObject({ status: 401, error: 'invalid_client' })
  })
})

describe('the TLS of the server', () => {
  async function handshake(port: number, options: object): Promise<TLSSocket> {
    const socket = connect({ port, host: 'localhost', ca: hosts.certificate, ...options })
    await once(socket, 'secureConnect')
    return socket
  }

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('MT-06 no connection goes on with the certificate of another: %s', async (version) => {
    const { server, port } = await start()
    const { certificate: cert, key } = await clients.issueClient()
    let session: Buffer | undefined
    const options = { minVersion: version, maxVersion: version, cert, key }
    const first = await handshake(port, options)
    first.on('session', (offered: Buffer) => {
      session = offered
    })
    first.write(`GET /livez HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`)
    await once(first, 'data')
    const again = await handshake(port, { minVersion: version, maxVersion: version, session: session ?? first.getSession() })
    expect(again.isSessionReused()).toBe(false)
    first.destroy()
    again.destroy()
    await server.close()
  })

  test('MT-06 no connection begins anew with another certificate', async () => {
    const { server, port } = await start()
    const { certificate: cert, key } = await clients.issueClient()
    const socket = await handshake(port, { maxVersion: 'TLSv1.2', cert, key })
    const refused = once(socket, 'error')
    socket.renegotiate({}, () => {})
    expect(String(await refused)).toMatch(/no renegotiation/)
    socket.destroy()
    await server.close()
  })

  test('authorities of clients that change are taken up with the certificate, and it goes on asking', async () => {
    const own = temporaryFolder()
    const file = join(own, 'clients.pem')
    const next = await createAuthority()
    writeFileSync(file, clients.certificate)
    const { server, issuer } = await start({ clientCaFile: file })
    const { client_id } = await server.authorization.clients.create({
      ...{ grant_types: ['client_credentials'], scope: 'read' },
      ...{ token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: SUBJECT }
    })
    const statusWith = async (authority: TestAuthority) => {
      const body = new URLSearchParams({ grant_type: 'client_credentials', client_id })
      return (await fetchOverTls(hosts.certificate, await authority.issueClient())(`${issuer}/token`, { method: 'POST', body })).status
    }
    expect([await statusWith(clients), await statusWith(next)]).toEqual([200, 401])
    writeFileSync(file, next.certificate)
    server.reloadCertificate()
    expect([await statusWith(clients), await statusWith(next)]).toEqual([401, 200])
    await server.close()
  })

  test.each([
    ['is not there', undefined, /ENOENT/],
    ['holds no certificate', 'garbage', /cannot serve TLS with/]
  ])('a file of authorities that %s is refused at the start', async (_, content, message) => {
    const file = join(temporaryFolder(), 'clients.pem')
    if (content !== undefined) writeFileSync(file, content)
    await expect(start({ clientCaFile: file })).rejects.toThrow(message)
  })
})
