import type { MetadataRule } from '../../clients/rules.ts'
import { InvalidClientMetadataError } from '../../errors.ts'
import type { Client } from '../../models/client.ts'
import type { CertificateNames } from './certificate-names.ts'
import { nameInText } from './distinguished-name.ts'
import { addressOctets } from './ip-address.ts'

const HOST = /^(?:\*\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/
const VISIBLE_ASCII = /^[\x21-\x7e]{1,2048}$/

type Member = Extract<keyof Client, `tls_client_auth_${string}`>

/** A way to say whose certificate authenticates a client (RFC 8705 §2.1.2). */
interface SubjectKind {
  rule: MetadataRule
  matches(registered: string, names: CertificateNames): boolean
}

const KINDS: Readonly<Record<Member, SubjectKind>> = {
  tls_client_auth_subject_dn: {
    rule: rule('a distinguished name as RFC 4514 writes it, such as CN=client,O=Example,C=US', (text) => nameInText(text) !== undefined),
    matches: (registered, { subject }) => nameInText(registered) === subject
  },
  tls_client_auth_san_dns: {
    rule: rule('a DNS name', (text) => HOST.test(text)),
    // RFC 5280 §7.2: a case-insensitive comparison. A wildcard is a name like others: it stands for none.
    matches: (registered, { dns }) => dns.some((name) => name.toLowerCase() === registered.toLowerCase())
  },
  tls_client_auth_san_uri: {
    rule: rule('an absolute URI', (text) => VISIBLE_ASCII.test(text) && URL.canParse(text)),
    matches: (registered, { uris }) => uris.includes(registered)
  },
  tls_client_auth_san_ip: {
    rule: rule('an address of IP version 4 or 6', (text) => addressOctets(text) !== undefined),
    // RFC 8705 §2.1.2: "the IP address comparison … is to be done in binary format".
    matches: (registered, { addresses }) => addresses.includes(addressOctets(registered) ?? '')
  },
  tls_client_auth_san_email: {
    rule: rule('an email address', (text) => VISIBLE_ASCII.test(text) && text.includes('@')),
    matches: (registered, { emails }) => emails.includes(registered)
  }
}
const MEMBERS = Object.keys(KINDS) as Member[]

/** The members of client metadata, with their rules. */
export const SUBJECT_RULES: Readonly<Record<string, MetadataRule>> = Object.fromEntries(
  MEMBERS.map((member) => [member, KINDS[member].rule])
)

/** RFC 8705 §2.1.2: "MUST use exactly one of the below metadata parameters". @throws InvalidClientMetadataError */
export function checkSubject(client: Client): void {
  if (registered(client).length !== 1)
    throw new InvalidClientMetadataError(`tls_client_auth needs one of ${MEMBERS.join(', ')}, and no second`)
}

/** Whether a certificate with these names is that of the client. */
export function isSubject(client: Client, names: CertificateNames): boolean {
  const [member, ...others] = registered(client)
  return member !== undefined && others.length === 0 && KINDS[member].matches(client[member] ?? '', names)
}

function registered(client: Client): readonly Member[] {
  return MEMBERS.filter((member) => client[member] !== undefined)
}

function rule(what: string, isRight: (text: string) => boolean): MetadataRule {
  return (value) => (typeof value === 'string' && isRight(value) ? undefined : what)
}
