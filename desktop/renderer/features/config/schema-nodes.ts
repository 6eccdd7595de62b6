/** A node of the config's JSON Schema, with the marks that the daemon puts on keys. */
export interface SchemaNode {
  type?: string | string[];
  title?: string;
  description?: string;
  properties?: Record<string, SchemaNode>;
  required?: string[];
  items?: SchemaNode;
  enum?: unknown[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  maxItems?: number;
  pattern?: string;
  'x-reload'?: 'hot' | 'reopen' | 'next';
  'x-unit'?: string;
  'x-secret'?: boolean;
  'x-ignored'?: string;
  'x-usual'?: number[];
  'x-hint'?: string;
  'x-template'?: string;
  'x-reference'?: boolean;
  'x-written'?: boolean;
}

/** The node that a path leads to; list items are passed through as `-`. */
export function nodeAt(schema: SchemaNode | undefined, path: readonly string[]): SchemaNode | undefined {
  let node = schema;
  for (const part of path) {
    if (node === undefined) return undefined;
    node = part === '-' || /^\d+$/.test(part) ? node.items : node.properties?.[part];
  }
  return node;
}

/** Type, limits and default in a line, as hints show them. */
export function limitsOf(node: SchemaNode): string {
  const type = Array.isArray(node.type) ? node.type.join(' or ') : node.type;
  const parts = [
    node.enum ? node.enum.join(' | ') : type,
    node.minimum !== undefined || node.maximum !== undefined
      ? `${node.minimum ?? ''}..${node.maximum ?? ''}${node['x-unit'] ? ` ${node['x-unit']}` : ''}`
      : undefined,
    node['x-hint'],
    node.default !== undefined && typeof node.default !== 'object'
      ? `default ${JSON.stringify(node.default)}`
      : undefined,
  ];
  return parts.filter(Boolean).join(', ');
}

export const RELOAD_WORDS = {
  hot: 'takes effect at once',
  reopen: 'takes effect after saving; the connection is reopened',
  next: 'applies to the next stream or recording',
} as const;
