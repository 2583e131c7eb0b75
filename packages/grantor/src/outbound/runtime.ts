import type { Transport } from './base.ts'
import { type NodeModules, nodeTransport } from './node.ts'
import { webTransport } from './web.ts'

/** node:https where the runtime has it (Node, Bun, Deno), `fetch` elsewhere. @throws ConfigurationError if `ca` cannot be used. */
export function runtimeTransport(ca: readonly string[]): Transport {
  const { process, navigator } = globalThis as {
    process?: { getBuiltinModule?(name: string): unknown }
    navigator?: { userAgent?: string }
  }
  // Workers with nodejs_compat have these modules too, but behind them is `fetch`, which resolves names itself.
  const load = navigator?.userAgent === 'Cloudflare-Workers' ? undefined : process?.getBuiltinModule
  const [http, https, tls, crypto, dns] = ['node:http', 'node:https', 'node:tls', 'node:crypto', 'node:dns/promises'].map((name) =>
    load?.(name)
  )
  if (!http || !https || !tls || !crypto || !dns) return webTransport((...request) => fetch(...request), ca)
  return nodeTransport({ http, https, tls, crypto, lookup: (dns as NodeModules).lookup } as NodeModules, ca)
}
