import { type EndpointPolicy, endpointProblem } from '#daemon/platform/net/endpoint-policy.ts';
import type { CheckResult } from '#shared/config/check.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import type { Diagnostic } from '#shared/config/diagnostic.ts';

/** What the daemon knows beyond the text. */
export interface CheckContext {
  /** Why the app may not have this room prefix, after “The room prefix …”. */
  prefixConflict(app: string, roomPrefix: string): string | undefined;
  policy: EndpointPolicy;
}

const NOWHERE = { line: 1, column: 1, endLine: 1, endColumn: 1 };

/**
 * Findings that need more than the text: room prefixes of other apps, the network policy, recordings that become public.
 * An address that has not changed is only a warning, because the policy is enforced again when connecting.
 */
export function contextFindings(check: CheckResult, context: CheckContext, before: AppConfig | null): Diagnostic[] {
  const { config } = check;
  if (config === null) return [];
  const found: Diagnostic[] = [];
  const add = (severity: Diagnostic['severity'], code: string, path: string, message: string): void => {
    found.push({ severity, code, path, message, ...(check.places[path] ?? NOWHERE) });
  };

  const conflict = context.prefixConflict(config.name, config.roomPrefix);
  if (conflict !== undefined) add('error', 'prefix-taken', 'room_prefix', conflict);

  const addresses = [
    ['s3.endpoint', config.s3.endpoint, before?.s3.endpoint],
    ['s3.public_endpoint', config.s3.publicEndpoint, before?.s3.publicEndpoint],
    ['callbacks.url', config.callbacks.url, before?.callbacks.url],
    ['mqtt.url', config.mqtt.url, before?.mqtt.url],
  ] as const;
  for (const [path, address, old] of addresses) {
    if (address === '') continue;
    const problem = endpointProblem(address.replace(/^(mqtts?|wss?):/i, 'http:'), context.policy);
    if (problem !== undefined)
      add(address === old || before === null ? 'warning' : 'error', 'forbidden-address', path, problem);
  }

  if (before !== null && becomesPublic(before, config)) {
    add(
      'warning',
      'becomes-public',
      's3.public_url',
      'makes every recording of the app readable for everyone; the API requires confirmPublic: true',
    );
  }
  return found;
}

/** Does the change give the app its first public address? */
export function becomesPublic(before: AppConfig, after: AppConfig): boolean {
  return after.s3.publicUrl !== '' && before.s3.publicUrl === '';
}
