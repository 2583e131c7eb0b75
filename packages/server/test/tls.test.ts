import { once } from 'node:events'
import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import { join } from 'node:path'
import { type ConnectionOptions, connect, type PeerCertificate, type TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { GrantorServer, parseConfig } from '../src/index.ts'
import { createAuthority, type TestAuthority, type TestCertificate } from './certificates.ts'
import { type Program, startGrantor } from './process.ts'
import { freePort, temporaryFolder } from './support.ts'

let authority: TestAuthority
let certificates: Record<'EC' | 'RSA', TestCertificate>
beforeAll(async () => {
  authority = await createAuthority()
  certificates = { EC: await authority.issue(['localhost'], 'EC'), RSA: await authority.issue(['localhost'], 'RSA') }
})

/** A folder with certificate files and a configuration that names them. */
async function prepare({ certificate, key }: TestCertificate = certificates.EC, settings: Record<string, unknown> = {}) {
  const folder = temporaryFolder()
  const port = await freePort()
  const issuer = `https://localhost:${port}`
  const replace = (next: TestCertificate) => {
    writeFileSync(join(folder, 'tls.key'), next.key)
    writeFileSync(join(folder, 'tls.crt'), next.certificate)
  }
  replace({ certificate, key })
  const tls = { certificateFile: 'tls.crt', keyFile: 'tls.key' }
  const config = { issuer, host: 'localhost', port, tls, database: 'grantor.db', secretFile: 'secret', logLevel: 'silent', ...settings }
  return { folder, port, issuer, config, replace }
}

async function handshake(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: 'localhost', ca: authority.certificate, ...options })
  await once(socket, 'secureConnect')
  return socket
}

/** Sends a request on an open connection. @returns the answer's head */
async function get(socket: TLSSocket, path = '/jwks'): Promise<string> {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost:${socket.remotePort}\r\n\r\n`)
  return String((await once(socket, 'data'))[0])
}

const serialOf = (socket: TLSSocket) => (socket.getPeerCertificate() as PeerCertificate).serialNumber

async function servedSerial(port: number): Promise<string> {
  const socket = await handshake(port)
  const serial = serialOf(socket)
  socket.destroy()
  return serial
}

describe.each(['EC', 'RSA'] as const)('TLS with an %s certificate', (type) => {
  let server: GrantorServer
  let port: number
  const signer = type === 'EC' ? 'ECDSA' : 'RSA'
  beforeAll(async () => {
    const { folder, port: chosen, config } = await prepare(certificates[type])
    server = await GrantorServer.open(parseConfig(config, folder))
    port = chosen
    await server.start()
  })
  afterAll(() => server.close())

  test.each([
    ['TLSv1.2', `ECDHE-${signer}-AES128-GCM-SHA256`],
    ['TLSv1.2', `ECDHE-${signer}-AES256-GCM-SHA384`],
    ['TLSv1.3', 'TLS_AES_128_GCM_SHA256'],
    ['TLSv1.3', 'TLS_AES_256_GCM_SHA384'],
    ['TLSv1.3', 'TLS_CHACHA20_POLY1305_SHA256']
  ] as const)('DI-09 accepts %s with %s, and the chain is sent', async (version, ciphers) => {
    const socket = await handshake(port, { minVersion: version, maxVersion: version, ciphers })
    expect(socket.authorized).toBe(true)
    expect(socket.getProtocol()).toBe(version)
    expect(socket.getCipher().name).toBe(ciphers)
    socket.destroy()
  })

  test.each([
    `ECDHE-${signer}-AES128-SHA256`,
    `ECDHE-${signer}-AES128-SHA`,
    `ECDHE-${signer}-AES256-SHA384`,
    `ECDHE-${signer}-CHACHA20-POLY1305`,
    'DHE-RSA-AES128-GCM-SHA256',
    'DHE-RSA-AES256-GCM-SHA384',
    'DHE-RSA-CHACHA20-POLY1305',
    'AES128-GCM-SHA256',
    'AES256-SHA',
    'ECDHE-ECDSA-AES128-CCM'
  ])('DI-09 refuses TLS 1.2 with %s', async (ciphers) => {
    const options = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ciphers: `${ciphers}:@SECLEVEL=0` } as const
    await expect(handshake(port, options)).rejects.toThrow(/handshake failure/)
  })

  test.each(['TLSv1', 'TLSv1.1'] as const)('DI-09 refuses %s', async (version) => {
    const options = { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' } as const
    await expect(handshake(port, options)).rejects.toThrow(/alert protocol version/)
  })

  test('chooses 1.3 where both are offered, and the suite by its own order', async () => {
    const newest = await handshake(port)
    expect(newest.getProtocol()).toBe('TLSv1.3')
    newest.destroy()
    const ciphers = `ECDHE-${signer}-AES256-GCM-SHA384:ECDHE-${signer}-AES128-GCM-SHA256`
    const socket = await handshake(port, { maxVersion: 'TLSv1.2', ciphers })
    expect(socket.getCipher().name).toBe(`ECDHE-${signer}-AES128-GCM-SHA256`)
    socket.destroy()
  })

  test('DI-09 tells browsers to come by https only (RFC 6797 §7.1), except on behalf of another host', async () => {
    const socket = await handshake(port)
    for (const path of ['/', '/jwks', '/authorize', '/nothing'])
      expect(await get(socket, path)).toContain('\r\nstrict-transport-security: max-age=31536000\r\n')
    socket.write('GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n')
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toMatch(/^HTTP\/1\.1 421 /)
    expect(String(answer)).not.toContain('strict-transport-security')
    socket.destroy()
  })

  test('DI-09 a request without TLS is not heard', async () => {
    const socket = connectPlain(port, 'localhost')
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => {})
    socket.write(`POST /token HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Length: 0\r\n\r\n`)
    await once(socket, 'close')
    expect(Buffer.concat(chunks).toString('latin1')).not.toMatch(/^HTTP\/1\.1 [^4]/)
  })
})

describe('a new certificate', () => {
  const running: Program[] = []
  afterEach(async () => {
    await Promise.all(running.splice(0).map((program) => program.signal('SIGKILL')))
  })

  async function serve(options: readonly string[] = [], times = 1) {
    const prepared = await prepare(certificates.EC, { logLevel: 'info' })
    const file = join(prepared.folder, 'grantor.json')
    writeFileSync(file, JSON.stringify(prepared.config))
    const program = startGrantor(['serve', '--config', file, ...options])
    running.push(program)
    await program.says('"msg":"listening"', times)
    return { ...prepared, program }
  }

  test('is served after SIGHUP, while an open connection goes on', async () => {
    const { port, replace, program } = await serve()
    const open = await handshake(port)
    const old = serialOf(open)
    expect(await get(open)).toMatch(/^HTTP\/1\.1 200 /)
    replace(await authority.issue(['localhost']))
    process.kill(program.pid, 'SIGHUP')
    await program.says('"msg":"new certificate"')
    expect(await servedSerial(port)).not.toBe(old)
    expect(await get(open)).toMatch(/^HTTP\/1\.1 200 /)
    open.destroy()
  })

  test('that cannot be used is logged, and the old one stays until there is a good one', async () => {
    const { port, replace, program } = await serve()
    const old = await servedSerial(port)
    const next = await authority.issue(['localhost'])
    const broken = [
      { certificate: '', key: next.key },
      { certificate: next.certificate, key: '' },
      { certificate: next.certificate.slice(0, 300), key: next.key },
      { certificate: next.certificate, key: certificates.RSA.key }
    ]
    for (const [index, files] of broken.entries()) {
      replace(files)
      process.kill(program.pid, 'SIGHUP')
      await program.says('the new certificate cannot be used; the old one stays', index + 1)
      expect(await servedSerial(port)).toBe(old)
    }
    expect(program.output).not.toContain('PRIVATE KEY')
    replace(next)
    process.kill(program.pid, 'SIGHUP')
    await program.says('"msg":"new certificate"')
    expect(await servedSerial(port)).not.toBe(old)
  })

  test('reaches every worker', async () => {
    const { port, replace, program } = await serve(['--workers', '2'], 2)
    const old = await servedSerial(port)
    replace(await authority.issue(['localhost']))
    process.kill(program.pid, 'SIGHUP')
    await program.says('"msg":"new certificate"', 2)
    for (let index = 0; index < 8; index++) expect(await servedSerial(port)).not.toBe(old)
    expect(await program.signal('SIGTERM')).toBe(0)
  })

  test('behind a link that was changed in one step, as Kubernetes does, is found within a minute', async () => {
    const { folder, port, config } = await prepare()
    const link = join(folder, '..data')
    const switchTo = ({ certificate, key }: TestCertificate) => {
      const target = temporaryFolder()
      writeFileSync(join(target, 'tls.crt'), certificate)
      writeFileSync(join(target, 'tls.key'), key)
      symlinkSync(target, `${link}_new`)
      renameSync(`${link}_new`, link)
    }
    switchTo(certificates.EC)
    for (const name of ['tls.crt', 'tls.key']) {
      rmSync(join(folder, name))
      symlinkSync(join('..data', name), join(folder, name))
    }
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const server = await GrantorServer.open(parseConfig(config, folder))
    try {
      await server.start()
      const old = await servedSerial(port)
      switchTo(await authority.issue(['localhost']))
      expect(await servedSerial(port)).toBe(old)
      vi.advanceTimersByTime(60_000)
      expect(await servedSerial(port)).not.toBe(old)
    } finally {
      vi.useRealTimers()
      await server.close()
    }
  })
})

describe('a configuration with TLS that cannot work is refused', () => {
  test.each([
    ['an unknown key', { tls: { certificateFile: 'tls.crt', keyFile: 'tls.key', ciphers: 'ALL' } }, /ciphers/],
    ['no key', { tls: { certificateFile: 'tls.crt' } }, /keyFile/],
    ['an issuer that is http', { issuer: 'http://localhost:1' }, /tls needs an issuer with https/]
  ])('%s', async (_, settings, message) => {
    const { folder, config } = await prepare(certificates.EC, settings)
    expect(() => parseConfig(config, folder)).toThrow(message)
  })

  test.each([
    ['a file that is not there', { certificateFile: 'none.crt', keyFile: 'tls.key' }, /none\.crt.*ENOENT/],
    ['a key in the place of the certificate', { certificateFile: 'tls.key', keyFile: 'tls.key' }, /cannot serve TLS/]
  ])('%s', async (_, tls, message) => {
    const { folder, config } = await prepare(certificates.EC, { tls })
    await expect(GrantorServer.open(parseConfig(config, folder))).rejects.toThrow(message)
  })
})
