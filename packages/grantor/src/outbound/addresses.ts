// The special-purpose registries of IANA (RFC 6890) in which nothing is "Globally Reachable", with what else must not be reached.
const SPECIAL = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  // The host of an Azure machine: metadata and agents, under an address that looks public.
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  // IETF protocol assignments, with Teredo, benchmarking and ORCHID.
  '2001::/23',
  '2001:db8::/32',
  // 6to4 carries any IPv4 address within.
  '2002::/16',
  '3fff::/20'
].map(block)
const GLOBAL_UNICAST = block('2000::/3')
const NAT64 = block('64:ff9b::/96')

/** Whether the host of a URL is an address; the URL parser has turned every spelling of one into its normal form. */
export function isAddress(hostname: string): boolean {
  return hostname.startsWith('[') || /^\d+\.\d+\.\d+\.\d+$/.test(hostname)
}

/**
 * Whether an address may belong to a server on the public Internet. Not: private, loopback, link-local, shared (CGNAT), documentation,
 * benchmarking, multicast and reserved addresses, IPv6 outside of 2000::/3, and whatever is no address or has a zone.
 */
export function isPublicAddress(address: string): boolean {
  const bytes = parse(address)
  if (!bytes) return false
  // RFC 6052 §3.1: "The Well-Known Prefix MUST NOT be used to represent non-global IPv4 addresses"
  const embedded = contains(NAT64, bytes) ? bytes.slice(12) : bytes
  if (embedded.length === 16 && !contains(GLOBAL_UNICAST, embedded)) return false
  return !SPECIAL.some((special) => contains(special, embedded))
}

interface Block {
  bytes: readonly number[]
  bits: number
}

function block(text: string): Block {
  const [address = '', bits] = text.split('/')
  return { bytes: parse(address) ?? [], bits: Number(bits) }
}

function contains({ bytes, bits }: Block, address: readonly number[]): boolean {
  if (address.length !== bytes.length) return false
  return address.every((byte, index) => {
    const mask = (0xff00 >> Math.min(8, Math.max(0, bits - index * 8))) & 0xff
    return (byte & mask) === ((bytes[index] ?? 0) & mask)
  })
}

/** 4 or 16 bytes. The URL parser does the reading: it knows every spelling and has no zones. */
function parse(address: string): readonly number[] | undefined {
  const url = `http://${address.includes(':') ? `[${address}]` : address}`
  if (!URL.canParse(url)) return undefined
  const { hostname } = new URL(url)
  if (!isAddress(hostname)) return undefined
  if (!hostname.startsWith('[')) return hostname.split('.').map(Number)
  const [head = [], tail] = hostname.slice(1, -1).split('::').map(groups)
  return tail === undefined ? [...head] : [...head, ...Array<number>(16 - head.length - tail.length).fill(0), ...tail]
}

function groups(text: string): number[] {
  return text === '' ? [] : text.split(':').flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff])
}
