import { type CheckInput, type CheckResult, checkConfig } from '#shared/config/check.ts';

/** Checks one config text and compares it with another. */
export default async function configCheck(input: CheckInput): Promise<CheckResult> {
  return checkConfig(input);
}
