// The yardstick: one Fastify route that returns the constant JSON read from standard input, and nothing else.
import { text } from 'node:stream/consumers';
import fastify from 'fastify';

const answer: unknown = JSON.parse(await text(process.stdin));
const app = fastify();
app.get('/', () => answer);
app.post('/', () => answer);
process.stdout.write(`${await app.listen({ port: 0, host: '127.0.0.1' })}/\n`);
process.on('SIGTERM', () => process.exit(0));
