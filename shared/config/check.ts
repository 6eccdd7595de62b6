import { crossCheck } from './cross-checks.ts';
import { type AppConfig, completeConfig } from './defaults.ts';
import type { Diagnostic, TextRange } from './diagnostic.ts';
import { diffTexts, type Shown } from './diff.ts';
import { Findings } from './findings.ts';
import { registerConfigFormats } from './formats.ts';
import { maskedLines, secretSpans } from './mask.ts';
import { type ParsedConfig, parseConfig } from './parse.ts';
import { checkStructure } from './structure.ts';
import { changedKeys } from './values.ts';

registerConfigFormats();

export interface CheckInput {
  /** Name of the app whose config it is. */
  app: string;
  /** The text to check. */
  text: string;
  /** The text in its place now, for the diff; absent = no diff is made. */
  current?: string;
  /** Storage providers beside the built-in ones; `any`: every well-formed name, as its plugin may come later. */
  providers?: readonly string[] | 'any';
}

export interface CheckResult {
  valid: boolean;
  diagnostics: Diagnostic[];
  /** The complete config, when valid. */
  config: AppConfig | null;
  /** The text without its secrets; null when it can't be read, and so can't be shown to anyone who must not see them. */
  shown: string | null;
  /** Merged view of `current` and `text`, secrets masked; `''` when they are equal or no diff was asked for. */
  diff: string;
  changed: boolean;
  /** Dotted keys whose values differ from `current`. */
  changedKeys: string[];
  /** Where the values stand that the daemon itself has to check. */
  places: Record<string, TextRange>;
}

/** Keys that can only be checked with the other apps and the network policy at hand. */
const CHECKED_IN_CONTEXT = [
  'room_prefix',
  's3.endpoint',
  'callbacks.url',
  'mqtt.url',
  's3.public_url',
  's3.public_endpoint',
];

/** Checks one config text: syntax, limits, every known key, and how they fit together. Never throws on a bad text. */
export function checkConfig(input: CheckInput): CheckResult {
  return checkParsed(parseConfig(input.text), input);
}

/** As `checkConfig`, for a text that was parsed already. */
export function checkParsed(parsed: ParsedConfig, input: CheckInput): CheckResult {
  const findings = new Findings(parsed);
  if (parsed.value !== null) {
    checkStructure(parsed, findings, input);
    crossCheck(parsed.value, input.app, findings);
    if (input.text.startsWith('\ufeff'))
      findings.note('byte-order-mark', 'the text begins with a byte order mark (U+FEFF), which is not needed', []);
  }
  const diagnostics = findings.list.sort((a, b) => a.line - b.line || a.column - b.column);
  const valid = diagnostics.every((finding) => finding.severity !== 'error');
  const shown = shownOf(parsed);
  const current = input.current === undefined ? undefined : parseConfig(input.current);
  return {
    valid,
    diagnostics,
    config: valid && parsed.value !== null ? completeConfig(parsed.value, input.app) : null,
    shown: parsed.root === null ? null : (shown.shown?.join('\n') ?? parsed.text),
    diff: current === undefined ? '' : diffTexts(shownOf(current), shown),
    changed: input.current !== undefined && input.current !== input.text,
    changedKeys: current === undefined ? [] : changedKeys(current.value ?? undefined, parsed.value ?? undefined),
    places: Object.fromEntries(CHECKED_IN_CONTEXT.map((path) => [path, findings.rangeOf(path)])),
  };
}

/** A text with its secrets hidden, if it has any. */
function shownOf(parsed: ParsedConfig): Shown {
  const hides = parsed.root === null || secretSpans(parsed).length > 0;
  return hides ? { text: parsed.text, shown: maskedLines(parsed) } : { text: parsed.text };
}
