import { loadConfig } from './config.ts'
import { GrantorServer } from './grantor-server.ts'

/** Works on the data of a server, which may run meanwhile. @throws ConfigurationError, also if the secret does not open its keys */
export async function offline(file: string, work: (server: GrantorServer) => Promise<void>): Promise<void> {
  const server = await GrantorServer.open({ ...loadConfig(file), logLevel: 'silent' })
  try {
    await server.authorization.ready()
    await work(server)
  } finally {
    await server.close()
  }
}
