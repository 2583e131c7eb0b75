import * as grantor from 'grantor'
import { flow } from './flow.mjs'

console.log(await flow(grantor))
