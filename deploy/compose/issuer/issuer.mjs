// An OpenID provider with one client, for trying things out: its keys live as long
// as the process, and everybody can read its client's secret.
//   ISSUER         its URL, and where it listens
//   CLIENT_SECRET  of the client "shop"
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const issuer = new URL(process.env.ISSUER);
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const provider = new Provider(issuer.origin, {
  clients: [{
    client_id: 'shop',
    client_secret: process.env.CLIENT_SECRET,
    grant_types: ['client_credentials'],
    id_token_signed_response_alg: 'ES256',
    redirect_uris: [],
    response_types: [],
  }],
  cookies: { keys: [randomBytes(16).toString('hex')] },
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', kid: 'compose', use: 'sig' }] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'https://orders.example/',
      getResourceServerInfo: () => ({
        scope: 'orders:read orders:write',
        audience: 'orders',
        accessTokenFormat: 'jwt',
        accessTokenTTL: 300,
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
});

process.on('SIGTERM', () => process.exit(0)); // as the first process of a container it would not end
createServer(provider.callback()).listen(issuer.port, issuer.hostname, () => {
  console.log(`issuer ${issuer.origin}`);
});
