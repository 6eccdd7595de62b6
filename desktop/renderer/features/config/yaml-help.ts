import type { Completion, CompletionContext, CompletionResult, CompletionSource } from '@codemirror/autocomplete';
import type { EditorState, Extension } from '@codemirror/state';
import { hoverTooltip } from '@codemirror/view';
import { tickParts } from '../../ui/words/ticks.tsx';
import { limitsOf, nodeAt, RELOAD_WORDS, type SchemaNode } from './schema-nodes.ts';
import { pathOfLine, yamlPlace } from './yaml-place.ts';

const linesTo = (state: EditorState, position: number): string[] => state.sliceDoc(0, position).split('\n');

/** Completes keys and values from the config's schema. */
export function schemaCompletion(schema: SchemaNode): CompletionSource {
  return (context: CompletionContext): CompletionResult | null => {
    const lines = linesTo(context.state, context.pos);
    if (/^\s*#/.test(lines.at(-1) ?? '')) return null;
    const place = yamlPlace(lines);
    const line = context.state.doc.lineAt(context.pos);
    const from = line.from + place.from;
    if (place.kind === 'value') {
      const options = valuesOf(nodeAt(schema, [...place.path, place.key ?? '']));
      return options.length === 0 ? null : { from, options, validFor: /^[\w+.-]*$/ };
    }
    if (place.typed === '' && !context.explicit && line.text.trim() !== '') return null;
    if (place.typed === '' && !context.explicit) return null;
    const node = nodeAt(schema, place.path);
    const own = node?.properties ?? {};
    const present = siblings(context.state, line.number, place.path);
    const options = Object.entries(own)
      .filter(([key, child]) => !present.has(key) && child['x-ignored'] === undefined)
      .map(([key, child]) => keyCompletion(key, child));
    return options.length === 0 ? null : { from, options, validFor: /^[\w-]*$/ };
  };
}

function keyCompletion(key: string, node: SchemaNode): Completion {
  const isBlock = node.properties !== undefined;
  return {
    label: key,
    type: isBlock ? 'namespace' : 'property',
    detail: isBlock ? '' : (node.enum?.join(' | ') ?? String(node.type ?? '')),
    info: () => hintOf(key, node),
    apply: isBlock || node.items ? `${key}:` : `${key}: `,
  };
}

function valuesOf(node: SchemaNode | undefined): Completion[] {
  if (node === undefined) return [];
  const values = node.enum ?? (node.type === 'boolean' ? [true, false] : (node['x-usual'] ?? []));
  return values.map((value) => ({
    label: String(value),
    type: 'constant',
    detail: value === node.default ? 'default' : node['x-usual'] ? node['x-unit'] : undefined,
  }));
}

/** Keys that the mapping around a line has already. */
function siblings(state: EditorState, lineNumber: number, path: readonly string[]): Set<string> {
  const lines = state.doc.toString().split('\n');
  const wanted = path.join('\0');
  const found = new Set<string>();
  // an item of a list: only its own lines count
  const isItem = path.at(-1) === '-';
  const look = (index: number): boolean => {
    const keys = pathOfLine(lines, index);
    if (keys.slice(0, -1).join('\0') === wanted) found.add(keys.at(-1) ?? '');
    return !(isItem && /^\s*-/.test(lines[index] ?? ''));
  };
  for (let index = lineNumber - 2; index >= 0; index -= 1) if (!look(index)) break;
  for (let index = lineNumber; index < lines.length; index += 1) {
    if (isItem && /^\s*-/.test(lines[index] ?? '')) break;
    look(index);
  }
  return found;
}

/** What a key means, under the pointer. */
export function schemaHover(schema: SchemaNode): Extension {
  return hoverTooltip((view, position) => {
    const line = view.state.doc.lineAt(position);
    const key = /^[\s-]*([\w.-]+)\s*:/.exec(line.text);
    if (key?.[1] === undefined) return null;
    const start = line.from + (key[0].length - key[0].trimStart().length);
    if (position > line.from + key[0].length) return null;
    const path = pathOfLine(linesTo(view.state, line.to), line.number - 1);
    const node = nodeAt(schema, path);
    if (node?.description === undefined) return null;
    return { pos: start, end: line.from + key[0].length, create: () => ({ dom: hintOf(path.join('.'), node) }) };
  });
}

function hintOf(key: string, node: SchemaNode): HTMLElement {
  const hint = document.createElement('div');
  hint.className = 'cm-hint';
  const add = (tag: 'code' | 'div' | 'small', text: string | undefined): void => {
    if (!text) return;
    const element = document.createElement(tag);
    for (const { part, isName } of tickParts(text)) {
      if (isName) element.append(Object.assign(document.createElement('code'), { textContent: part }));
      else element.append(part);
    }
    hint.append(element);
  };
  add('code', key);
  add('div', node.description);
  add('small', limitsOf(node));
  add('small', node['x-reload'] && RELOAD_WORDS[node['x-reload']]);
  return hint;
}
