import { Type } from 'typebox';
import { LONGEST_CREDENTIAL } from '#shared/plugin-sdk/credential-length.ts';

/** What the host insists on in a provider's declaration, beside its settings. */
export const StorageCapabilitiesShape = Type.Object({
  bulkDelete: Type.Boolean(),
  presign: Type.Boolean(),
  versions: Type.Boolean(),
  multipart: Type.Boolean(),
});

export const CredentialFields = Type.Array(
  Type.Object({
    name: Type.Union([Type.Literal('key'), Type.Literal('secret')]),
    title: Type.String({ minLength: 1, maxLength: 80 }),
    description: Type.Optional(Type.String({ maxLength: 500 })),
    secret: Type.Boolean(),
    required: Type.Boolean(),
    maxLength: Type.Optional(Type.Integer({ minimum: 1, maximum: LONGEST_CREDENTIAL })),
  }),
  { maxItems: 2 },
);
