import type { JsonNameParams } from '@peculiar/x509'
import fc from 'fast-check'
import { SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { type ClientNames, createAuthority, generateKeys } from '../../server/test/certificates.ts'
import { namesIn } from '../src/extensions/mutual-tls/certificate-names.ts'
import { nameInText } from '../src/extensions/mutual-tls/distinguished-name.ts'
import { type ClientCertificate, mutualTls, type NewClient } from '../src/index.ts'
import { newKey } from './dpop-support.ts'
import { ask, fromPem, jwkOf, mutualTlsServer, newCertificate, over, thumbprintOf } from './mutual-tls-support.ts'
import { basic, expectTokenError, ISSUER, TestServer } from './support.ts'

const MACHINE = { grant_type: 'client_credentials', scope: 'read' }

async function register(metadata: NewClient) {
  const test = new TestServer({ extensions: [mutualTls()] })
  await test.client({ token_endpoint_auth_method: 'tls_client_auth', ...metadata })
  return { test, send: (certificate?: ClientCertificate) => ask(test, 'app', MACHINE, certificate) }
}

const withNames = (names: NonNullable<ClientNames['names']>) => newCertificate({ names }, true)

describe('tls_client_auth', () => {
  test.each<[string, NewClient, ClientNames['names']]>([
    [
      'a DNS name, compared without case',
      { tls_client_auth_san_dns: 'Client.example.com' },
      [{ type: 'dns', value: 'client.EXAMPLE.com' }]
    ],
    ['a URI', { tls_client_auth_san_uri: 'spiffe://example.com/client' }, [{ type: 'url', value: 'spiffe://example.com/client' }]],
    ['an address of IP version 4', { tls_client_auth_san_ip: '192.0.2.7' }, [{ type: 'ip', value: '192.0.2.7' }]],
    ['one of version 6, compared in binary', { tls_client_auth_san_ip: '2001:DB8:0:0::7' }, [{ type: 'ip', value: '2001:db8::7' }]],
    ['an email address', { tls_client_auth_san_email: 'ops@example.com' }, [{ type: 'email', value: 'ops@example.com' }]]
  ])('RFC 8705 §2.1.2: the certificate has %s in its SAN', async (_, metadata, names = []) => {
    const { send } = await register(metadata)
    const other = { type: 'dns', value: 'other.example.com' } as const
    expect((await send(await withNames([other, ...names]))).status).toBe(200)
    await expectTokenError(await send(await withNames([other])), 401, 'invalid_client')
    await expectTokenError(await send(await newCertificate({}, true)), 401, 'invalid_client')
  })

  test('CA-18 names that only resemble the registered ones authenticate nobody', async () => {
    const refused: [NewClient, ClientNames][] = [
      [{ tls_client_auth_san_dns: 'client.example.com' }, { names: [{ type: 'dns', value: '*.example.com' }] }],
      [{ tls_client_auth_san_dns: 'client.example.com' }, { subject: 'CN=client.example.com' }],
      [{ tls_client_auth_san_dns: 'client.example.com' }, { names: [{ type: 'dns', value: 'client.example.com\0.evil.example' }] }],
      [{ tls_client_auth_san_dns: '192.0.2.7' }, { names: [{ type: 'ip', value: '192.0.2.7' }] }],
      [{ tls_client_auth_san_uri: 'https://a.example' }, { names: [{ type: 'dns', value: 'https://a.example' }] }],
      [{ tls_client_auth_san_uri: 'https://a.example' }, { names: [{ type: 'url', value: 'https://a.example/' }] }],
      [{ tls_client_auth_san_email: 'ops@example.com' }, { names: [{ type: 'email', value: 'OPS@example.com' }] }],
      [{ tls_client_auth_san_email: 'ops@example.com' }, { names: [{ type: 'url', value: 'mailto:ops@example.com' }] }],
      [{ tls_client_auth_san_email: 'ops@example.com' }, { subject: 'E=ops@example.com' }]
    ]
    for (const [metadata, names] of refused) {
      const { send } = await register(metadata)
      await expectTokenError(await send(await newCertificate(names, true)), 401, 'invalid_client')
    }
  })

  test('CA-18 a certificate that is not trusted, none, and a garbled one: 401, and the operator learns why', async () => {
    const { test, send } = await register({ tls_client_auth_subject_dn: 'CN=client,O=Example,C=NZ' })
    const good = await newCertificate({}, true)
    expect((await send(good)).status).toBe(200)
    const sent: [ClientCertificate | undefined, RegExp][] = [
      [{ ...good, isTrusted: false }, /not valid, or not of an authority/],
      [undefined, /no certificate/],
      [{ ...good, der: good.der.subarray(1) }, /cannot be read/],
      [await newCertificate({ subject: 'CN=client' }, true), /another subject/]
    ]
    for (const [certificate, reason] of sent) {
      await expectTokenError(await send(certificate), 401, 'invalid_client')
      const told = {
        clientId: 'app',
        reason: expect.stringMatching(reason),
        ...(certificate && { thumbprint: await thumbprintOf(certificate) })
      }
      expect(test.eventsOf('client_certificate.refused').at(-1)).toMatchObject(told)
    }
    expect(test.eventsOf('client_authentication.failed')).toHaveLength(sent.length)
  })

  test('RFC 8705 §2: "the client MUST include the client_id parameter"', async () => {
    const { test } = await register({ tls_client_auth_subject_dn: 'CN=client,O=Example,C=NZ' })
    const certificate = await newCertificate({}, true)
    await expectTokenError(await over(test, certificate, () => test.post('/token', MACHINE)), 401, 'invalid_client')
    await expectTokenError(await ask(test, 'somebody', MACHINE, certificate), 401, 'invalid_client')
  })

  test('CA-01 one method: a secret beside the certificate is no second chance, and no certificate stands in for a secret', async () => {
    const { test, certificate } = await mutualTlsServer()
    const web = await test.client({ client_id: 'web' })
    const byBoth = await over(test, certificate, () => test.post('/token', { client_id: 'machine', client_secret: 'x', ...MACHINE }))
    await expectTokenError(byBoth, 401, 'invalid_client')
    await expectTokenError(await ask(test, 'web', MACHINE, certificate), 401, 'invalid_client')
    const mixed = await over(test, certificate, () =>
      test.post('/token', { client_id: 'machine', ...MACHINE }, basic('web', web.client_secret ?? ''))
    )
    await expectTokenError(mixed, 400, 'invalid_request')
    const twice = { client_secret: 'x', client_assertion: 'x' }
    await expectTokenError(await ask(test, 'machine', { ...MACHINE, ...twice }, certificate), 401, 'invalid_client')
  })

  test('private_key_jwt over a connection with a certificate is private_key_jwt, with tokens bound to the certificate', async () => {
    const { test, certificate, thumbprint } = await mutualTlsServer()
    const { jwk, privateKey } = await newKey()
    await test.client({
      client_id: 'signer',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [jwk] },
      tls_client_certificate_bound_access_tokens: true
    })
    const assertion = async () => ({
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await new SignJWT({ iss: 'signer', sub: 'signer', aud: ISSUER, jti: crypto.randomUUID(), exp: test.now + 60 })
        .setProtectedHeader({ alg: 'ES256' })
        .sign(privateKey)
    })
    const params = { ...MACHINE, ...(await assertion()) }
    const { access_token } = await (await over(test, certificate, () => test.post('/token', params))).json()
    const introspected = await test.post('/introspect', { token: access_token, ...(await assertion()) })
    expect(await introspected.json()).toMatchObject({ active: true, cnf: { 'x5t#S256': thumbprint } })
  })
})

describe('the subject', () => {
  // RFC 4514 §4, and what else a name may be; the subject in the order of the certificate.
  test.each<[string, string | JsonNameParams]>([
    ['UID=jsmith,DC=example,DC=net', [{ DC: ['net'] }, { DC: ['example'] }, { '0.9.2342.19200300.100.1.1': ['jsmith'] }]],
    ['OU=Sales+CN=J.  Smith,DC=example,DC=net', [{ DC: ['net'] }, { DC: ['example'] }, { CN: ['J.  Smith'], OU: ['Sales'] }]],
    ['CN=J.  Smith+OU=Sales,DC=example,DC=net', [{ DC: ['net'] }, { DC: ['example'] }, { OU: ['Sales'], CN: ['J.  Smith'] }]],
    ['CN=James \\"Jim\\" Smith\\, III,DC=example', [{ DC: ['example'] }, { CN: [{ utf8String: 'James "Jim" Smith, III' }] }]],
    ['CN=Before\\0dAfter', [{ CN: ['Before\rAfter'] }]],
    ['CN=Lu\\C4\\8Di\\C4\\87', [{ CN: ['Lučić'] }]],
    ['CN=Lučić', [{ CN: ['Lučić'] }]],
    ['2.5.4.3=client', 'CN=client'],
    ['cn=client, o=Example, c=NZ', 'C=NZ, O=Example, CN=client'],
    ['CN=#0C06636C69656E74', 'CN=client'],
    ['CN=\\#1\\ ', [{ CN: [{ utf8String: '#1 ' }] }]],
    ['CN=a\\+b\\=c', [{ CN: ['a+b=c'] }]],
    ['organizationIdentifier=PSDNZ-1,C=NZ', [{ C: ['NZ'] }, { '2.5.4.97': ['PSDNZ-1'] }]]
  ])('RFC 8705 §2.1.2: "as defined in [RFC4514]": %s', async (registered, subject) => {
    const { send } = await register({ tls_client_auth_subject_dn: registered })
    expect((await send(await newCertificate({ subject }, true))).status).toBe(200)
  })

  test.each<[string, string | JsonNameParams]>([
    ['CN=client,O=Example', 'CN=client, O=Example'],
    ['CN=client', 'O=Example, CN=client'],
    ['CN=client,O=Example', 'CN=client'],
    ['CN=client+O=Example', 'O=Example, CN=client'],
    ['CN=client\\,O=Example', 'O=Example, CN=client'],
    ['CN=client', [{ CN: ['client\0.evil.example'] }]],
    ['CN=client', [{ OU: ['client'] }]],
    ['CN=client', [{ CN: ['client '] }]],
    ['CN=client', [{ CN: ['Client'] }]],
    ['CN=#0C06636C69656E74', [{ CN: [{ utf8String: '#0C06636C69656E74' }] }]],
    ['CN=a,CN=a', [{ CN: ['a'] }]]
  ])('CA-18 registered as %s, it is not that of %j', async (registered, subject) => {
    const { send } = await register({ tls_client_auth_subject_dn: registered })
    await expectTokenError(await send(await newCertificate({ subject }, true)), 401, 'invalid_client')
  })

  test('strings of several kinds with the same characters are the same name; what is no text is compared as it is encoded', async () => {
    const { send } = await register({ tls_client_auth_subject_dn: 'CN=client' })
    for (const kind of ['printableString', 'utf8String', 'ia5String', 'bmpString'])
      expect((await send(await newCertificate({ subject: [{ CN: [{ [kind]: 'client' }] }] }, true))).status).toBe(200)
    const universal = { subject: [{ CN: [{ universalString: 'client' }] }] }
    await expectTokenError(await send(await newCertificate(universal, true)), 401, 'invalid_client')
  })

  test.each([
    '',
    'client',
    'CN=a,',
    'CN=a+',
    'XX=a',
    'constructor=a',
    'CN="a"',
    'CN=a;O=b',
    'CN=a\\',
    'CN=a\\x',
    'CN=\\FF',
    'CN=#1',
    'CN=#0C05',
    'CN=a ',
    'CN=<a>',
    '1.=a',
    '/C=NZ/CN=a'
  ])('a name that is not written as RFC 4514 says is not registered: %j', async (text) => {
    expect(nameInText(text)).toBeUndefined()
    await expect(register({ tls_client_auth_subject_dn: text })).rejects.toMatchObject({ error: 'invalid_client_metadata' })
  })

  test('MT-03 any bytes in the place of a certificate have no names, and break nothing', async () => {
    const { der } = await newCertificate({ names: [{ type: 'ip', value: '192.0.2.7' }] })
    const whole = namesIn(der)
    expect(whole).toMatchObject({ addresses: ['192,0,2,7'] })
    const flip = fc.record({ at: fc.nat(der.length - 1), to: fc.nat(255), length: fc.integer({ min: 0, max: der.length }) })
    fc.assert(
      fc.property(flip, ({ at, to, length }) => {
        const changed = Uint8Array.from(der)
        changed[at] = to
        namesIn(changed)
        return namesIn(changed.subarray(0, length)) === undefined || length === der.length
      }),
      { numRuns: 2000 }
    )
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => namesIn(bytes) === undefined))
  })
})

describe('registration for tls_client_auth', () => {
  test.each<[string, NewClient]>([
    ['none', {}],
    ['two', { tls_client_auth_subject_dn: 'CN=a', tls_client_auth_san_dns: 'a.example' }],
    ['a DNS name that is none', { tls_client_auth_san_dns: 'a..example' }],
    ['an empty one', { tls_client_auth_san_dns: '' }],
    ['a URI that is none', { tls_client_auth_san_uri: 'client' }],
    ['an address that is none', { tls_client_auth_san_ip: '192.0.2.256' }],
    ['an address with octal numbers, as some read them', { tls_client_auth_san_ip: '192.0.02.010' }],
    ['an address with a zone', { tls_client_auth_san_ip: 'fe80::1%eth0' }],
    ['a network', { tls_client_auth_san_ip: '10.0.0.0/8' }],
    ['an email address that is none', { tls_client_auth_san_email: 'ops' }],
    ['something else than a text', { tls_client_auth_san_email: ['ops@example.com'] as unknown as string }]
  ])('RFC 8705 §2.1.2: "MUST use exactly one of the below metadata parameters": %s is refused', async (_, metadata) => {
    await expect(register(metadata)).rejects.toMatchObject({ error: 'invalid_client_metadata' })
  })
})

describe('self_signed_tls_client_auth', () => {
  test('CA-19 RFC 8705 §2.2: a registered certificate, by x5c or x5t#S256; not its key in another, not one of an authority', async () => {
    const keys = await generateKeys()
    const [own, sameKey] = [await newCertificate({ keys }), await newCertificate({ keys }, true)]
    const { x5c: _x5c, ...bare } = jwkOf(own)
    const issued = fromPem((await (await createAuthority()).issueClient({ keys })).certificate, true)
    for (const jwk of [jwkOf(own), { ...bare, 'x5t#S256': await thumbprintOf(own) }, { ...bare, x5c: [...jwkOf(own).x5c, 'AAAA'] }]) {
      const { send } = await register({ token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: { keys: [bare, jwk] } })
      expect((await send(own)).status).toBe(200)
      for (const certificate of [sameKey, issued, await newCertificate({}, true), undefined])
        await expectTokenError(await send(certificate), 401, 'invalid_client')
    }
  })

  test('CA-19 RFC 8705 §2.2: with a jwks_uri "it also allows the client to rotate its X.509 certificates"', async () => {
    const [first, second] = [await newCertificate(), await newCertificate()]
    let published: ClientCertificate[] = [first]
    let fetched = 0
    const test = new TestServer({
      extensions: [mutualTls()],
      outbound: async () => {
        fetched++
        return {
          status: 200,
          headers: new Headers(),
          contentType: 'application/json',
          body: JSON.stringify({ keys: published.map(jwkOf) })
        }
      }
    })
    await test.client({ token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks_uri: 'https://client.example.com/jwks' })
    expect((await ask(test, 'app', MACHINE, first)).status).toBe(200)
    await expectTokenError(await ask(test, 'app', MACHINE, second), 401, 'invalid_client')
    published = [second]
    test.now += 5
    expect((await ask(test, 'app', MACHINE, second)).status).toBe(200)
    await expectTokenError(await ask(test, 'app', MACHINE, first), 401, 'invalid_client')
    expect(fetched).toBe(2)
  })

  test.each<[string, (key: ReturnType<typeof jwkOf>) => NewClient]>([
    ['no keys', () => ({})],
    ['keys without certificates', ({ x5c: _x5c, ...key }) => ({ jwks: { keys: [key] } })],
    ['x5c that is no list', (key) => ({ jwks: { keys: [{ ...key, x5c: key.x5c[0] } as JsonWebKey] } })],
    ['x5c that is not base64', (key) => ({ jwks: { keys: [{ ...key, x5c: ['-_-_'] } as JsonWebKey] } })],
    ['an empty x5c', (key) => ({ jwks: { keys: [{ ...key, x5c: [] } as JsonWebKey] } })]
  ])('RFC 8705 §2.2.2: a client with %s is not registered', async (_, metadata) => {
    const client = { token_endpoint_auth_method: 'self_signed_tls_client_auth', ...metadata(jwkOf(await newCertificate())) }
    await expect(register(client)).rejects.toMatchObject({ error: 'invalid_client_metadata' })
  })
})
