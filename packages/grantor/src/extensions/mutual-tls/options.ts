import { flag, type SettingRule, withDefaults } from '../../setting-rules.ts'

/** How mutual TLS is served. */
export interface MutualTlsOptions {
  /** No client gets a token that is not bound to its certificate. Default false: only those with `tls_client_certificate_bound_access_tokens`. */
  required?: boolean
  /**
   * The https origin of another listener of this server, for requests with certificates: `mtls_endpoint_aliases` (RFC 8705 §5). Without it
   * they come to the endpoints themselves, where browsers then ask people for certificates.
   */
  endpointAliases?: string
}

const httpsOrigin: SettingRule = (value) =>
  typeof value === 'string' && value.startsWith('https://') && URL.canParse(value) && new URL(value).origin === value
    ? undefined
    : 'an https origin such as https://mtls.example.com'

const RULES: Readonly<Record<keyof MutualTlsOptions, SettingRule>> = { required: flag, endpointAliases: httpsOrigin }

/** All options, with the defaults for those left out. @throws ConfigurationError if one is unknown or cannot work. */
export function resolveOptions(options: MutualTlsOptions): MutualTlsOptions & { required: boolean } {
  return { required: false, ...withDefaults<MutualTlsOptions>(options, {}, RULES, 'mutualTls') }
}
