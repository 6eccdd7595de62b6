import type { BodyOf, Operation, ParamsOf, QueryOf } from '../contract/operation.ts';

type Parts<O extends Operation> = (keyof ParamsOf<O> extends never ? object : { params: ParamsOf<O> }) &
  (keyof QueryOf<O> extends never ? object : { query?: QueryOf<O> }) &
  (BodyOf<O> extends undefined
    ? object
    : O extends { uploads: readonly string[] }
      ? { body?: BodyOf<O> | undefined; file?: Uint8Array | Blob | undefined }
      : O extends { bodyOptional: true }
        ? { body?: BodyOf<O> | undefined }
        : { body: BodyOf<O> });

/** What a call of the operation needs: its path parameters, query and body, or the file instead of the body. */
export type Input<O extends Operation> = Parts<O> & { headers?: Record<string, string> };
