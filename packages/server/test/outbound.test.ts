import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { OutboundError } from 'grantor'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { Listener } from '../../grantor/test/listener.ts'
import { GrantorServer, parseConfig } from '../src/index.ts'
import { createAuthority } from './certificates.ts'
import { temporaryFolder } from './support.ts'

test('the configuration opens a private host with a certificate of an authority in a file; what is refused is logged', async () => {
  const folder = temporaryFolder()
  const authority = await createAuthority()
  writeFileSync(join(folder, 'authorities.pem'), authority.certificate)
  const listener = await Listener.https(await authority.issue(['localhost']), (_request, response) => response.end('{"keys":[]}'))
  const origin = `https://localhost:${listener.port}`
  const lines: string[] = []
  const config = parseConfig({ issuer: 'http://localhost', outbound: { allow: [origin], caFile: 'authorities.pem' } }, folder)
  const server = await GrantorServer.open(config, pino({ level: 'info' }, { write: (line) => lines.push(line) }))
  expect(await server.authorization.outbound({ url: `${origin}/jwks` })).toMatchObject({ status: 200, body: '{"keys":[]}' })
  const address = `https://127.0.0.1:${listener.port}`
  await expect(server.authorization.outbound({ url: `${address}/jwks?secret` })).rejects.toThrow(OutboundError)
  await Promise.all([server.close(), listener.close()])
  expect(listener.connections).toBe(1)
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: 40, event: 'outbound.refused', origin: address, reason: 'blocked_address' }
  ])
  expect(lines.join()).not.toContain('secret')
})
