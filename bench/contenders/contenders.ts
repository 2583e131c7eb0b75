/** Who takes part: the module that sets each up, and the package whose size is looked up. */
export interface ContenderEntry {
  name: string
  module: string
  /** A database, if it needs one that is not its own; a new one for each process. */
  database?: () => Promise<string>
  /** The package and the folder whose lock file says what comes with it. */
  installed?: { name: string; root: string }
}

const peer = (name: string, module: string, installed: string): ContenderEntry => ({
  name,
  module: `peers/${module}.mjs`,
  installed: { name: installed, root: 'bench/peers' }
})

export const FLOOR: ContenderEntry = { name: 'floor', module: 'floors/floors.ts' }
export const LIBRARY: ContenderEntry = {
  name: 'Grantor, library',
  module: 'contenders/grantor.ts',
  installed: { name: 'grantor', root: '.' }
}
export const ON_SQLITE = 'Grantor, library on SQLite'

/** The library on a durable store. */
export function libraryOn(name: string, database: () => Promise<string>): ContenderEntry {
  return { name, module: 'contenders/grantor.ts', database }
}

export function serverOn(name: string, database: () => Promise<string>): ContenderEntry {
  return {
    name: `Grantor, server on ${name}`,
    module: 'contenders/grantor-server.ts',
    installed: { name: '@grantor/server', root: '.' },
    database
  }
}

export const PEERS: readonly ContenderEntry[] = [
  peer('oidc-provider', 'oidc-provider', 'oidc-provider'),
  peer('@jmondi/oauth2-server', 'jmondi', '@jmondi/oauth2-server'),
  peer('@node-oauth/oauth2-server', 'node-oauth', '@node-oauth/oauth2-server'),
  peer('better-auth', 'better-auth', '@better-auth/oauth-provider')
]
