import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { unknownFields } from '#daemon/platform/http/unknown-fields.ts';
import { findProblems } from '#daemon/platform/http/validation.ts';
import { nearest } from '#shared/nearest.ts';
import type { DeclaredFile } from '#shared/schema/declared.ts';
import type { Doc, Problem } from '../kind.ts';

/** Deeper than anything that a file can mean. */
const MAX_DEPTH = 12;
const NAME = '[a-z0-9][a-z0-9-]{0,63}';

export interface FolderInput {
  files: readonly DeclaredFile[];
  /** `schema` is JSON Schema; null = plain text. */
  shapes: readonly { pattern: string; schema: object | null }[];
}
export interface FolderOutput {
  docs: Doc[];
  problems: Problem[];
}

/** Reads and checks the files of a folder. */
export default async function readFolder({ files, shapes }: FolderInput): Promise<FolderOutput> {
  const output: FolderOutput = { docs: [], problems: [] };
  const known = shapes.map((shape) => ({
    ...shape,
    match: new RegExp(`^${shape.pattern.replaceAll('.', '\\.').replace('*', `(${NAME})`)}$`),
  }));
  const seen = new Set<string>();
  for (const { path, text } of files) {
    const wrong = (message: string, [line, column]: readonly [number, number] = [1, 1]) =>
      output.problems.push({ place: { file: path, line, column }, message });
    if (seen.has(path)) wrong('was sent twice');
    seen.add(path);
    const shape = known.find(({ match }) => match.test(path));
    if (shape === undefined) {
      const near = nearest(
        path,
        shapes.map(({ pattern }) => pattern),
      );
      wrong(`is not a file of a configuration folder${near === undefined ? '' : `; did you mean ${near}?`}`);
      continue;
    }
    const name = shape.match.exec(path)?.[1] ?? '';
    if (shape.schema === null) output.docs.push({ path, name, value: text, places: {} });
    else readData({ path, name, text, schema: shape.schema }, output, wrong);
  }
  return output;
}

type Wrong = (message: string, at?: readonly [number, number]) => void;

function readData(
  { path, name, text, schema }: { path: string; name: string; text: string; schema: object },
  output: FolderOutput,
  wrong: Wrong,
): void {
  const lines = new LineCounter();
  let value: unknown;
  const places: Record<string, [number, number]> = {};
  try {
    const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
    const at = (offset: number): [number, number] => {
      const { line, col } = lines.linePos(offset);
      return [line, Math.max(1, col)];
    };
    for (const error of document.errors.slice(0, 5)) wrong(`is not valid YAML: ${error.message}`, at(error.pos[0]));
    if (document.errors.length > 0) return;
    const walk = (node: unknown, here: string, depth: number): void => {
      if (depth > MAX_DEPTH) throw new RangeError('it is nested too deeply');
      if (isNode(node) && node.range) places[here] ??= at(node.range[0]);
      const inside = here === '' ? '' : `${here}.`;
      if (isSeq(node)) for (const [index, one] of node.items.entries()) walk(one, `${inside}${index}`, depth + 1);
      if (!isMap(node)) return;
      for (const { key, value: one } of node.items) {
        const word = String(isScalar(key) ? key.value : key);
        if (isNode(key) && key.range) places[`${inside}${word}`] = at(key.range[0]);
        walk(one, `${inside}${word}`, depth + 1);
      }
    };
    walk(document.contents, '', 0);
    value = document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    wrong(`can’t be read: ${error instanceof RangeError ? 'it is nested too deeply' : (error as Error).message}`);
    return;
  }
  const placed = (field: string): readonly [number, number] => {
    for (let part = field; ; part = part.slice(0, Math.max(0, part.lastIndexOf('.'))))
      if (places[part] !== undefined || part === '') return places[part] ?? [1, 1];
  };
  const unknown = unknownFields(schema, value);
  for (const { path: field, near } of unknown)
    wrong(`${field} is not a field of this file${near === undefined ? '' : `; did you mean ${near}?`}`, placed(field));
  const problems = findProblems(schema, value);
  for (const { path: field, message } of problems) wrong(field === '' ? message : `${field} ${message}`, placed(field));
  if (unknown.length + problems.length === 0) output.docs.push({ path, name, value, places });
}
