import { AuthorizationServer, type SettingsInput, type Store } from 'grantor'
import { PostgresStore, SqliteStore } from '../src/index.ts'

export const ISSUER = 'https://id.example.com'

/** @param location a path of SQLite or a URL of PostgreSQL */
export async function openStore(location: string): Promise<SqliteStore | PostgresStore> {
  return location.startsWith('postgres:') ? PostgresStore.open({ url: location }) : new SqliteStore({ path: location })
}

/** A server on the store, at which alice is always signed in. */
export function openServer(store: Store, settings: Partial<SettingsInput> = {}): AuthorizationServer {
  const server: AuthorizationServer = new AuthorizationServer({
    issuer: ISSUER,
    secret: 'a secret of at least thirty-two characters',
    ...settings,
    store,
    interactions: {
      session: async () => ({ id: 's1', subject: 'alice', authTime: server.now() }),
      prompt: async ({ prompt }) => ({ status: 200, headers: {}, body: prompt })
    }
  })
  return server
}
