import { Value } from 'typebox/value';
import { type EndpointPolicy, endpointProblem } from '#daemon/platform/net/endpoint-policy.ts';
import { EgressTarget } from '#shared/plugin-sdk/egress-target.ts';
import { describeProblems } from '#shared/plugin-sdk/preset.ts';
import { StorageError } from '#shared/plugin-sdk/storage-error.ts';

/** Where a service account gets its tokens; a key file that names another place would make LiveKit connect there. */
const TOKEN_URIS: readonly unknown[] = [
  undefined,
  'https://oauth2.googleapis.com/token',
  'https://accounts.google.com/o/oauth2/token',
];

/**
 * A plain copy of the target that a provider names for LiveKit, with the declared fields only.
 * @throws StorageError SETTINGS_INVALID; its message contains no secret
 */
export function checkedTarget(given: unknown, policy: EndpointPolicy): EgressTarget {
  const kind = (given as { kind?: unknown } | null)?.kind;
  const schema = EgressTarget.anyOf.find((one) => one.properties.kind.const === kind);
  if (schema === undefined) throw invalid('its kind is not s3, azure, gcp or alioss');
  const problems = describeProblems(schema, given);
  if (problems.length > 0) throw invalid(problems.join('; '));
  const target = Value.Clean(schema, structuredClone(given)) as EgressTarget;
  if ('endpoint' in target && target.endpoint !== '') {
    const refused = endpointProblem(target.endpoint, policy);
    if (refused !== undefined) throw new StorageError('ENDPOINT_REFUSED', { detail: refused });
  }
  return target.kind === 'gcp' ? { ...target, credentials: serviceAccount(target.credentials) } : target;
}

/** Other kinds of Google's credentials name addresses and programs, which LiveKit would open. */
function serviceAccount(text: string): string {
  let given: Record<string, unknown>;
  try {
    given = JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw invalid('credentials are not a JSON text');
  }
  if (given['type'] !== 'service_account') throw invalid('credentials are not the key file of a service account');
  if (!TOKEN_URIS.includes(given['token_uri'])) throw invalid('credentials name another token_uri than Google’s');
  const names = ['type', 'project_id', 'private_key_id', 'private_key', 'client_email', 'client_id', 'token_uri'];
  const kept = names.flatMap((name) => (typeof given[name] === 'string' ? [[name, given[name]]] : []));
  return JSON.stringify(Object.fromEntries(kept));
}

const invalid = (what: string): StorageError =>
  new StorageError('SETTINGS_INVALID', { detail: `For LiveKit: ${what}.` });
