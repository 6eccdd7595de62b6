import { Type } from 'typebox';
import { CreatedToken, CreateTokenBody, TokenParams, TokenRecord } from '../schema/tokens.ts';
import { operation } from './operation.ts';

const tag = 'API tokens';

export const listTokens = operation({
  id: 'listTokens',
  method: 'GET',
  path: '/tokens',
  tag,
  summary: 'List API tokens, newest first',
  description: 'Includes revoked tokens. Never returns the plaintext or the hash.',
  access: 'global',
  responses: { 200: Type.Array(TokenRecord) },
});

export const createToken = operation({
  id: 'createToken',
  method: 'POST',
  path: '/tokens',
  tag,
  summary: 'Create an API token',
  description: 'The token is shown only in this answer.',
  access: 'global',
  body: CreateTokenBody,
  responses: { 201: CreatedToken },
  audit: 'token.create',
});

export const revokeToken = operation({
  id: 'revokeToken',
  method: 'DELETE',
  path: '/tokens/{id}',
  tag,
  summary: 'Revoke an API token',
  description: 'Takes effect with the next request. Revoking a revoked token is not an error.',
  access: 'global',
  params: TokenParams,
  responses: { 204: null },
  errors: ['TOKEN_NOT_FOUND'],
  audit: 'token.revoke',
});
