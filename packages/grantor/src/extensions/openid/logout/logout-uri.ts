import { httpsUrl, type MetadataRule } from '../../../clients/rules.ts'

/** Front-Channel Logout §2, Back-Channel Logout §2.2: an absolute URI, with a query or without, that "MUST NOT include a fragment component". */
export const logoutUri: MetadataRule = (value) =>
  httpsUrl(value) === undefined && !String(value).includes('#') ? undefined : 'an https URL without a fragment'
