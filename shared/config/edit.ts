import { type CheckInput, type CheckResult, checkParsed } from './check.ts';
import { wordsOf } from './diagnostic.ts';
import { applyEdits, type Edit, pinTranscoding } from './edits.ts';
import { CONFIG_LIMITS } from './limits.ts';
import { type ParsedConfig, parseConfig } from './parse.ts';
import { EditError } from './text-edits.ts';
import { sameValue } from './values.ts';
import { editYaml, expandAliases } from './yaml-editor.ts';

export interface EditInput extends Omit<CheckInput, 'current'> {
  edits: readonly Edit[];
}

export interface EditResult {
  /** Why the text could not be edited: it is not a YAML mapping. Then nothing else is meaningful. */
  unreadable: string | null;
  text: string;
  /** The new text's check, with the diff from the old one. */
  check: CheckResult;
}

/** Makes edits in a config text in place, and checks the outcome. */
export function editConfig(input: EditInput): EditResult {
  const parsed = parseConfig(input.text);
  const context = { ...input, current: input.text };
  if (parsed.value === null) {
    const check = checkParsed(parsed, context);
    return { unreadable: wordsOf(check.diagnostics).error, text: input.text, check };
  }
  const target = applyEdits(parsed.value, pinTranscoding(parsed.value, input.edits));
  const edited = rewriteConfig(parsed, target);
  return {
    unreadable: null,
    text: edited.text,
    check: checkParsed(edited, { ...context, text: edited.text }),
  };
}

/**
 * The text changed in place so that it stands for `target`. Where a changed value is shared through an anchor, the aliases are
 * written out first, so that nothing else changes with it.
 * @throws EditError
 */
export function rewriteConfig(parsed: ParsedConfig, target: Record<string, unknown>): ParsedConfig {
  if (sameValue(parsed.value, target)) return parsed;
  const direct = attempt(parsed, target);
  if (direct !== null) return direct;
  const plain = parseConfig(expandAliases(parsed));
  const second = plain.value === null ? null : attempt(plain, target);
  if (second === null) throw new EditError('the change cannot be made in place; edit the text instead');
  return second;
}

function attempt(parsed: ParsedConfig, target: Record<string, unknown>): ParsedConfig | null {
  let text: string;
  try {
    text = editYaml(parsed, target);
  } catch (error) {
    if (error instanceof EditError) return null;
    throw error;
  }
  const result = parseConfig(text);
  const tooLong = text.length > CONFIG_LIMITS.chars;
  return tooLong || (result.value !== null && sameValue(result.value, target)) ? result : null;
}
