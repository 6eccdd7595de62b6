import { DaemonError, UnreachableError } from '#shared/client/errors.ts';
import type { ErrorCode } from '#shared/errors.ts';
import { PluginRefusal, problemLine } from '#shared/plugin-sdk/problems.ts';
import { plainText } from './table.ts';

/** The daemon's hints speak to programs. These have other words on a command line; null: the lines say it all. */
const HINTS: Partial<Record<ErrorCode, string | null>> = {
  VALIDATION_FAILED: null,
  FOLDER_INVALID: 'Nothing was changed.',
  UNAUTHENTICATED: 'Check STREAMHUB_TOKEN, or sign in again: streamhub connect URL',
  APP_NOT_FOUND: 'To list those that you can see: streamhub apps',
};

/** `body.name` is the argument or option `name` here. */
const asTyped = (text: string): string => text.replace(/^(?:body|query|params)\.(?=\w)/, '');

interface SystemError extends Error {
  code?: string;
  errors?: SystemError[];
}

/** What went wrong, in lines for people: the daemon's sentence, its hint, the fields, and the id of the request. */
export const explainFailure = (error: unknown): string[] => linesOf(error).map(plainText);

function linesOf(error: unknown): string[] {
  if (error instanceof DaemonError) {
    const { code, message, details, requestId } = error;
    const own = HINTS[code as ErrorCode];
    const hint = own === undefined ? error.hint : own;
    return [
      asTyped(message),
      // one wrong field is named by the message already
      ...details
        .filter(({ path, message: why }) => message !== `${path} ${why}`)
        .map(({ path, message: why }) => `  ${path === '' ? '' : `${asTyped(path)}: `}${why}`),
      ...(hint == null || message.includes(hint) ? [] : [`  ${hint}`]),
      ...(requestId === undefined ? [] : [`  Request id: ${requestId}`]),
    ];
  }
  if (error instanceof UnreachableError) return unreachable(error);
  if (error instanceof PluginRefusal)
    return error.problems.flatMap((problem) => [problemLine(problem), `  ${problem.cure}`]);
  const { message, hint } = error as Error & { hint?: unknown };
  return typeof hint === 'string' ? [message, `  ${hint}`] : [message];
}

function unreachable(error: UnreachableError): string[] {
  const met = rootOf(error.cause as SystemError | undefined);
  const code = met?.code ?? '';
  if (/CERT|^UNABLE_TO_|^ERR_TLS_|^INVALID_PURPOSE/.test(code))
    return [
      `${error.message.split(':', 1)[0]}: its certificate can’t be verified (${met?.message || code}).`,
      '  Name the authority that signed it with --ca-file FILE or STREAMHUB_CA_FILE.',
    ];
  if (code === '') return [error.message];
  return [
    `${error.message.split(':', 1)[0]}: ${met?.message || code}.`,
    '  Check the address, and that the daemon runs there.',
  ];
}

/** Several addresses of one host each fail in their own way; the first says enough. */
function rootOf(error: SystemError | undefined): SystemError | undefined {
  if (error?.errors?.[0] !== undefined) return rootOf(error.errors[0]);
  const cause = error?.cause as SystemError | undefined;
  return error?.code === undefined && cause !== undefined ? rootOf(cause) : error;
}
