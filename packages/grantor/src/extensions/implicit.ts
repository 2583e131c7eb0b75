import type { Extension } from '../extension.ts'
import { TokenResponseType } from '../response-types/token.ts'

/** The implicit grant (RFC 6749 §4.2), for clients that cannot be changed. RFC 9700 §2.1.2: "SHOULD NOT" be used. */
export const implicit: Extension = (server) => ({ responseTypes: [new TokenResponseType(server)] })
