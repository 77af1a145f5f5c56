import * as z from 'zod'
import { objectName } from './field.ts'

/** What every object of Kubernetes has: its name counts here, the rest is carried along. */
export const metadata = z.looseObject(
  { name: objectName(), namespace: objectName().optional() },
  'must be there, with a name',
)
