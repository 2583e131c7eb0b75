import type { Secrets } from '../crypto/secrets.ts'
import type { Kind, Mark } from '../models/artifacts.ts'
import type { Store } from './store.ts'

/**
 * Spends what another party named, such as the `jti` of a JWT, in one atomic step. False: it was spent before, on whatever node. Kept under a
 * keyed hash of `name` until `expiresAt`, in seconds since the epoch.
 */
export async function isFirstUse(
  { store, secrets }: { store: Store; secrets: Secrets },
  { kind, name, expiresAt }: { kind: Kind<Mark>; name: readonly string[]; expiresAt: number }
): Promise<boolean> {
  const id = await secrets.hash(kind, JSON.stringify(name))
  return store.artifacts.insert({ kind, id, value: {}, expiresAt: Math.ceil(expiresAt) })
}
