import { BlockList, isIP } from 'node:net'
import type { NodeRequest } from 'grantor'

/** How many proxies stand in front, or which ones: addresses and networks (`10.0.0.0/8`). */
export type TrustedProxies = number | readonly string[]

/** Who sends a request: the peer of the connection, or whom proxies that the operator trusts name in `X-Forwarded-For`. */
export class ClientAddresses {
  readonly #isTrusted: (address: string, hop: number) => boolean

  constructor(trusted: TrustedProxies) {
    this.#isTrusted = typeof trusted === 'number' ? (_, hop) => hop < trusted : within(trusted)
  }

  /** Each proxy adds the address that it was called from at the end; what stands before the first that nobody vouches for is not read. */
  of({ socket, headers }: Pick<NodeRequest, 'socket' | 'headers'>): string | undefined {
    let address = plain(socket.remoteAddress)
    const forwarded = headers['x-forwarded-for']
    if (forwarded === undefined) return address
    const named = [forwarded].flat().join(',').split(',').reverse()
    for (const [hop, entry] of named.entries()) {
      const next = plain(entry)
      if (address === undefined || next === undefined || !this.#isTrusted(address, hop)) return address
      address = next
    }
    return address
  }

  /** Whether whoever called is a proxy whose word counts. */
  isProxy({ socket }: Pick<NodeRequest, 'socket'>): boolean {
    const peer = plain(socket.remoteAddress)
    return peer !== undefined && this.#isTrusted(peer, 0)
  }
}

/** Whether it is an address or a network, as `trustedProxies` lists them. */
export function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/')
  const version = isIP(address)
  if (version === 0 || address.includes('%') || more.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
}

function within(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    const family = familyOf(address)
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return (address) => list.check(address, familyOf(address))
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6'
}

/** Without a port, without brackets; an IPv4 address that came over an IPv6 socket is one. Undefined: it is no address. */
function plain(text = ''): string | undefined {
  const entry = text.trim()
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(entry)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(entry)?.[1] ?? entry
  const address = bare.replace(/^::ffff:(?=\d+\.)/i, '')
  return isIP(address) === 0 ? undefined : address
}
