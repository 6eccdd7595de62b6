// What the client's own code knows of the API's objects. The package has this module from the OpenAPI document instead.
export type { ErrorCode, ErrorDetail } from '../errors.ts';
export type { CallbackMessage } from '../schema/callbacks.ts';
export type { Event } from '../schema/event-payloads.ts';
export type { Job } from '../schema/jobs.ts';
