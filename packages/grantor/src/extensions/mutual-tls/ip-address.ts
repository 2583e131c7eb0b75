// RFC 3986 §3.2.2: to some, a number that begins with 0 is octal.
const VERSION_4 = /^(?:(?:0|[1-9]\d{0,2})\.){3}(?:0|[1-9]\d{0,2})$/
const VERSION_6 = /^[0-9a-f:.]{2,45}$/i

/** The octets of an address of IP version 4 or 6, joined by commas. Undefined: it is none. */
export function addressOctets(address: string): string | undefined {
  if (VERSION_4.test(address)) {
    const octets = address.split('.').map(Number)
    return octets.every((octet) => octet < 256) ? octets.join() : undefined
  }
  // The URL parser knows every spelling of version 6, and writes one (RFC 5952).
  const url = `http://[${address}]`
  if (!VERSION_6.test(address) || !URL.canParse(url)) return undefined
  const [head = [], tail = []] = new URL(url).hostname.slice(1, -1).split('::').map(octetsOf)
  return [...head, ...Array<number>(16 - head.length - tail.length).fill(0), ...tail].join()
}

function octetsOf(groups: string): number[] {
  return groups === '' ? [] : groups.split(':').flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff])
}
