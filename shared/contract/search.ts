import { envelope } from '../schema/common.ts';
import { SearchQuery, SearchResult } from '../schema/search.ts';
import { operation } from './operation.ts';

export const search = operation({
  id: 'search',
  method: 'GET',
  path: '/search',
  tag: 'Apps',
  summary: 'Find apps, rooms and people by name',
  description:
    'Looks through all apps that the caller may see: their names, open rooms, and the history of the 200 apps with the newest sessions.',
  access: { permission: 'app:read' },
  query: SearchQuery,
  responses: { 200: envelope(SearchResult) },
});
