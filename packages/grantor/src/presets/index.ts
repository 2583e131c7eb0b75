export type { Preset, PresetOptions } from './base.ts'
export { oauth21 } from './oauth21.ts'
export { type OpenIdProviderOptions, openidProvider } from './openid-provider.ts'
