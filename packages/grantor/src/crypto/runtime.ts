import { nodeCrypto } from './node.ts'
import type { NodeBuffer, NodeCrypto } from './node-builtins.ts'
import type { CryptoPort } from './port.ts'
import { webCrypto } from './web.ts'

/** node:crypto where the runtime has it (Node, Bun, Deno), WebCrypto elsewhere. */
export function runtimeCrypto(): CryptoPort {
  const { process, Buffer } = globalThis as {
    process?: { getBuiltinModule?(name: string): NodeCrypto | undefined }
    Buffer?: NodeBuffer
  }
  const builtin = process?.getBuiltinModule?.('node:crypto')
  return typeof builtin?.hash === 'function' && Buffer ? nodeCrypto(builtin, Buffer) : webCrypto()
}
