import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GrantorServer, parseConfig } from '../src/index.ts'

export const PASSWORD = 'correct horse'

/** A server on a free port with an empty database and one person. */
export async function startServer(
  settings: Record<string, unknown> = {}
): Promise<{ server: GrantorServer; issuer: string; folder: string }> {
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const folder = temporaryFolder()
  const config = { issuer, host: 'localhost', port, database: 'grantor.db', secretFile: 'secret', logLevel: 'silent', ...settings }
  const server = await GrantorServer.open(parseConfig(config, folder))
  await server.start()
  await server.users.create({ login: 'Alice', password: PASSWORD })
  return { server, issuer, folder }
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'grantor-'))
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, 'localhost', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}
