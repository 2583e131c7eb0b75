import { OAUTH21, type Preset, type PresetOptions } from './base.ts'

/** Authorization code with PKCE (if there are `interactions`), client credentials, and refresh tokens that rotate. */
export function oauth21({ extensions = [] }: PresetOptions = {}): Preset {
  return { ...OAUTH21, extensions }
}
