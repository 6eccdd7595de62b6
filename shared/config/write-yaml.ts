import { Document, isScalar, Scalar, type ToStringOptions, visit } from 'yaml';
import { isRecord } from './case.ts';

const OPTIONS = {
  lineWidth: 0,
  blockQuote: false,
  doubleQuotedAsJSON: true,
  // texts such as no and on are quoted, for readers that follow YAML 1.1
  compat: 'yaml-1.1',
  aliasDuplicateObjects: false,
} as const;

/** Characters that are written as escapes, so that a text stays on its line. */
const NEEDS_ESCAPE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff]/;

function write(value: unknown, options: ToStringOptions = {}): string {
  const document = new Document(value, OPTIONS);
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === 'string' && NEEDS_ESCAPE.test(node.value)) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return document.toString({ ...OPTIONS, ...options }).trimEnd();
}

/** How a document is laid out, so that what is added looks like what is there. */
export interface Layout {
  eol: string;
  /** Spaces per level. */
  step: number;
  /** Lists stand deeper than their key. */
  indentSeq: boolean;
}

/** YAML of one value on one line; `like` gives the quotes of the value that it replaces. */
export function flowText(value: unknown, inFlow: boolean, like?: unknown): string {
  const written = typeof value === 'string' ? scalarLike(value, like) : value;
  if (!inFlow && (isScalar(written) || !isCollection(value))) return write(written);
  return write([written], { collectionStyle: 'flow', flowCollectionPadding: false }).slice(1, -1);
}

/** Lines of a mapping or a list in block style, the first one without indentation. */
export function blockLines(value: unknown, layout: Layout, indent: number): string[] {
  const text = write(value, { indent: layout.step, indentSeq: layout.indentSeq });
  return text.split('\n').map((line, index) => (index === 0 || line === '' ? line : ' '.repeat(indent) + line));
}

/** A mapping or list with something in it, which can be written in block style. */
export function isBlockable(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : isRecord(value) && Object.keys(value).length > 0;
}

const isCollection = (value: unknown): boolean => Array.isArray(value) || isRecord(value);

function scalarLike(value: string, like: unknown): Scalar {
  const scalar = new Scalar(value);
  const type = isScalar(like) ? like.type : undefined;
  if (type === Scalar.QUOTE_SINGLE || type === Scalar.QUOTE_DOUBLE) scalar.type = type;
  return scalar;
}
