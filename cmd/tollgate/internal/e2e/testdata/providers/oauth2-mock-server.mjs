// An issuer on a free port of loopback. SIGUSR2 adds a key, as a rotation does:
// tokens are signed by all keys in turn, and all are published.
import { OAuth2Server } from 'oauth2-mock-server';

const server = new OAuth2Server();
let keys = 0;
async function add(alg) {
  await server.issuer.keys.generate(alg, { kid: `mock-${++keys}` });
}
server.service.on('beforeTokenSigning', (token, request) => {
  token.payload.aud = ['orders', 'account'];
  token.payload.sub = request.body.grant_type === 'authorization_code' ? 'ada' : 'shop';
  token.payload.pol = ['reader'];
});
process.on('SIGUSR2', async () => {
  await add('ES256');
  console.log(`rotated mock-${keys}`);
});
await add('RS256');
await server.start(0, '127.0.0.1');
console.log(`issuer ${server.issuer.url}`);
