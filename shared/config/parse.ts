import {
  Composer,
  type Document,
  isMap,
  Lexer,
  LineCounter,
  type ParsedNode,
  Parser,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import { findOddInLine } from '../odd-text.ts';
import type { Diagnostic, TextRange } from './diagnostic.ts';
import { checkDocument } from './document-checks.ts';
import { CONFIG_LIMITS } from './limits.ts';
import { unshared } from './values.ts';

type YamlDocument = Document.Parsed<ParsedNode>;

/** A config text that was read: the document tree for edits, and the plain data, or the reasons why there is none. */
export interface ParsedConfig {
  text: string;
  document: YamlDocument | null;
  /** The top-level mapping; null when the text could not be read as one. */
  root: YAMLMap | null;
  value: Record<string, unknown> | null;
  errors: Diagnostic[];
  rangeOf(start: number, end: number): TextRange;
}

class LimitError extends Error {
  readonly code: string;
  readonly offset: number;
  constructor(code: string, message: string, offset: number) {
    super(message);
    this.code = code;
    this.offset = offset;
  }
}

/** Hands the text's tokens on, and stops at one too many or too deep, before anything is built from them. */
function* guardedLexemes(text: string): Generator<string> {
  let count = 0;
  let flow = 0;
  let inLine = 0;
  let offset = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (!/^\s|^#/.test(lexeme)) count += 1;
    if (lexeme === '[' || lexeme === '{') flow += 1;
    else if (lexeme === ']' || lexeme === '}') flow = Math.max(0, flow - 1);
    else if (lexeme === '-' || lexeme === '?') inLine += 1;
    else if (lexeme === '\n' || lexeme === '\r\n') inLine = 0;
    if (flow + inLine > CONFIG_LIMITS.depth)
      throw new LimitError('too-deep', `the text is nested deeper than ${CONFIG_LIMITS.depth} levels`, offset);
    if (count > CONFIG_LIMITS.tokens)
      throw new LimitError('too-complex', `the text has more than ${CONFIG_LIMITS.tokens} parts`, offset);
    if (!CONTROL.has(lexeme)) offset += lexeme.length;
    yield lexeme;
  }
}

/** Marks that the lexer puts between the pieces of the text. */
const CONTROL: ReadonlySet<string> = new Set(['\u0002', '\u0018', '\u001f']);

function* tokens(text: string, lines: LineCounter) {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  for (const lexeme of guardedLexemes(text)) yield* parser.next(lexeme);
  yield* parser.end();
}

/** Reads a text as one YAML 1.2 document (core schema, no custom tags) within the limits. Never throws on a bad text. */
export function parseConfig(text: string): ParsedConfig {
  const lines = new LineCounter();
  const at = (offset: number) => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const rangeOf = (start: number, end: number): TextRange => {
    const from = at(start);
    const to = at(Math.max(start, end));
    return { ...from, endLine: to.line, endColumn: to.column };
  };
  const failed = (errors: Diagnostic[]): ParsedConfig => ({
    text,
    document: null,
    root: null,
    value: null,
    errors,
    rangeOf,
  });
  const error = (code: string, message: string, start: number, end: number): Diagnostic => ({
    severity: 'error',
    code,
    message,
    path: '',
    ...rangeOf(start, end),
  });

  if (text.length > CONFIG_LIMITS.chars) {
    return failed([error('too-long', `the text has more than ${CONFIG_LIMITS.chars} characters`, 0, 0)]);
  }
  if (!text.isWellFormed())
    return failed([error('not-unicode', 'the text contains half a character (a lone surrogate)', 0, 0)]);

  let documents: YamlDocument[];
  try {
    // checkDocument() checks that keys are unique: the composer's own check is quadratic.
    const composer = new Composer({
      keepSourceTokens: true,
      prettyErrors: false,
      uniqueKeys: false,
      resolveKnownTags: false,
      logLevel: 'silent',
    });
    documents = [...composer.compose(tokens(text, lines), true, text.length)] as YamlDocument[];
  } catch (thrown) {
    if (thrown instanceof LimitError) return failed([error(thrown.code, thrown.message, thrown.offset, thrown.offset)]);
    if (thrown instanceof RangeError) return failed([error('too-deep', 'the text is nested too deep', 0, 0)]);
    throw thrown;
  }

  const document = documents[0] as YamlDocument;
  const faults = [...document.errors, ...document.warnings]
    .slice(0, CONFIG_LIMITS.diagnostics)
    .map((fault) => describe(fault, error));
  if (documents.length > 1) {
    const start = documents[1]?.range[0] ?? 0;
    faults.push(
      error(
        'several-documents',
        'a file can contain only one document; remove the --- and everything after it',
        start,
        start,
      ),
    );
  }
  if (document.directives.yaml.version !== '1.2')
    faults.push(error('old-yaml', 'the text must be YAML 1.2; remove the %YAML line', 0, 0));
  if (faults.length > 0) return failed([...oddTextAt(faults[0], text, error), ...faults]);

  const found = checkDocument(document, error);
  if (found.length > 0) return failed(found);
  const root = document.contents as ParsedNode | null;
  if (!isMap(root)) {
    const range = root?.range ?? [0, 0, 0];
    return failed([error('not-a-mapping', 'the top level must be a mapping of keys to values', range[0], range[1])]);
  }
  return {
    text,
    document,
    root,
    value: unshared(document.toJS({ maxAliasCount: -1 }) as Record<string, unknown>),
    errors: [],
    rangeOf,
  };
}

/** An unseen character or a typographic quote in the line that can't be read, or in the one before it, is the likeliest reason. */
function oddTextAt(
  fault: Diagnostic | undefined,
  text: string,
  error: (code: string, message: string, start: number, end: number) => Diagnostic,
): Diagnostic[] {
  let start = 0;
  for (const [index, line] of text.split('\n').entries()) {
    const isNear =
      fault !== undefined &&
      fault.code !== 'tab-as-indent' &&
      index + 1 >= fault.line - 1 &&
      index + 1 <= fault.endLine &&
      !/^\s*#/.test(line);
    // a mark at the beginning of the text is part of the encoding
    const odd = isNear ? findOddInLine(index === 0 ? line.replace(/^\ufeff/, ' ') : line) : undefined;
    if (odd !== undefined) return [error(odd.code, `the line ${odd.message}`, start + odd.at, start + odd.at + 1)];
    start += line.length + 1;
  }
  return [];
}

/** The library's findings in words of our own: its messages quote the text, which may be a secret. */
const WORDS: Readonly<Record<string, string>> = {
  ALIAS_PROPS: 'an alias cannot have an anchor or a tag',
  BAD_ALIAS: 'the name of an anchor or alias is missing or contains a character that is not allowed',
  BAD_COLLECTION_TYPE: 'the tag does not match the value',
  BAD_DIRECTIVE: 'the line that starts with % is not a known directive',
  BAD_DQ_ESCAPE: 'unknown escape sequence in double quotes',
  BAD_INDENT: 'the indentation does not match the lines above',
  BAD_PROP_ORDER: 'put anchors and tags directly before the value',
  BAD_SCALAR_START: 'a text cannot start with this character; put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a second "key:" on one line; put the text in quotes or on its own line',
  BLOCK_IN_FLOW: 'inside [] or {}, write lists and mappings with [] and {}',
  IMPOSSIBLE: 'this is not valid YAML',
  KEY_OVER_1024_CHARS: 'a key has more than 1024 characters',
  MISSING_CHAR: 'a quote, comma, colon, bracket or space is missing here',
  MULTILINE_IMPLICIT_KEY: 'a key must be on one line; is a colon missing after it?',
  MULTIPLE_ANCHORS: 'a value can have only one anchor',
  MULTIPLE_DOCS: 'a file can contain only one document; remove the --- and everything after it',
  MULTIPLE_TAGS: 'a value can have only one tag',
  NON_STRING_KEY: 'a key must be plain text',
  RESOURCE_EXHAUSTION: 'the text is nested too deep',
  TAB_AS_INDENT: 'indent lines with spaces, not tabs',
  TAG_RESOLVE_FAILED: 'custom tags are not allowed',
  UNEXPECTED_TOKEN: 'this is not allowed here',
};

function describe(
  fault: YAMLError,
  error: (code: string, message: string, start: number, end: number) => Diagnostic,
): Diagnostic {
  const code = fault.code === 'MULTIPLE_DOCS' ? 'several-documents' : fault.code.toLowerCase().replaceAll('_', '-');
  return error(code, WORDS[fault.code] ?? 'this is not valid YAML', fault.pos[0], fault.pos[1]);
}
