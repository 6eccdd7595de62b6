import { type Static, type TSchema, Type } from 'typebox';
import { EgressTarget } from '#shared/plugin-sdk/egress-target.ts';
import { CredentialFields, StorageCapabilitiesShape } from '../provider-shape.ts';
import type { Method } from './protocol.ts';

/** What a plugin's process may answer. Anything else ends it. */
const text = (maxLength: number) => Type.String({ maxLength });
const count = Type.Integer({ minimum: 0 });
const ObjectInfo = Type.Object({
  key: text(4096),
  size: Type.Number({ minimum: 0 }),
  modifiedAt: Type.Optional(text(64)),
  etag: Type.Optional(text(256)),
  md5: Type.Optional(Type.String({ pattern: '^[0-9a-fA-F]{32}$' })),
  contentType: Type.Optional(text(256)),
});
const Handle = Type.Object({ iterator: count });

const Descriptions = Type.Array(
  Type.Object({
    id: text(64),
    docsUrl: Type.Union([Type.Null(), Type.String({ pattern: '^https?://', maxLength: 1000 })]),
    capabilities: StorageCapabilitiesShape,
    credentials: CredentialFields,
    settings: Type.Object({ type: Type.Literal('object'), properties: Type.Record(Type.String(), Type.Unknown()) }),
    maxDeleteBatch: Type.Integer({ minimum: 1, maximum: 1000 }),
  }),
  { maxItems: 20 },
);

export const ANSWERS = {
  /** Or what is wrong with it. */
  describe: Type.Union([
    Type.Object({ providers: Descriptions }),
    Type.Object({ problem: text(64), detail: text(500) }),
  ]),
  validate: Type.Object({
    settings: Type.Record(Type.String(), Type.Unknown()),
    findings: Type.Array(
      Type.Object({
        path: text(200),
        message: text(500),
        severity: Type.Union([Type.Literal('error'), Type.Literal('warning')]),
      }),
      { maxItems: 100 },
    ),
    unknown: Type.Array(Type.String()),
    endpoint: Type.Union([Type.Null(), text(2048)]),
    maxDeleteBatch: Type.Integer({ minimum: 1, maximum: 1000 }),
    capabilities: StorageCapabilitiesShape,
    credentials: Type.Array(
      Type.Object({ name: Type.Union([Type.Literal('key'), Type.Literal('secret')]), required: Type.Boolean() }),
      { maxItems: 2 },
    ),
  }),
  open: Type.Object({ canPresign: Type.Boolean(), canAbort: Type.Boolean() }),
  egressTarget: EgressTarget,
  put: Type.Null(),
  get: Type.Object({ size: Type.Union([Type.Null(), count]), contentType: Type.Union([Type.Null(), text(256)]) }),
  head: Type.Union([Type.Null(), ObjectInfo]),
  list: Handle,
  next: Type.Union([Type.Null(), Type.Array(ObjectInfo, { maxItems: 1000 })]),
  return: Type.Null(),
  deleteMany: Type.Object({
    deleted: count,
    failed: Type.Array(
      Type.Object({
        key: text(4096),
        code: text(64),
        message: text(500),
        native: Type.Optional(text(64)),
        status: Type.Optional(Type.Integer()),
        requestId: Type.Optional(text(128)),
      }),
      { maxItems: 1000 },
    ),
    versionsKept: count,
    bulkRefusal: Type.Optional(text(300)),
  }),
  abortUploads: count,
  presignGet: Type.String({ pattern: '^https?://', maxLength: 16_384 }),
} as const satisfies Record<Method, TSchema>;

export type Answer<M extends Method> = Static<(typeof ANSWERS)[M]>;
