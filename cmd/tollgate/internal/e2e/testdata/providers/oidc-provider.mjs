// An OpenID provider on a free port of loopback, with throw-away keys. The
// resource that a client asks for chooses the algorithm of its access token.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';

async function key(alg, kid) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), alg, kid, use: 'sig' };
}

const listener = createServer();
listener.listen(0, '127.0.0.1', async () => {
  const issuer = `http://127.0.0.1:${listener.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'shop',
      client_secret: 'shop-secret',
      grant_types: ['client_credentials', 'authorization_code'],
      redirect_uris: ['http://127.0.0.1/callback'],
      response_types: ['code'],
    }],
    cookies: { keys: [randomBytes(16).toString('hex')] },
    jwks: { keys: [await key('RS256', 'rsa'), await key('ES256', 'ec')] },
    extraTokenClaims: () => ({ pol: ['reader'] }),
    features: {
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'https://orders.example/ES256',
        useGrantedResource: () => true,
        getResourceServerInfo: (_, resource) => ({
          scope: 'orders:read orders:write',
          audience: 'orders',
          accessTokenFormat: 'jwt',
          accessTokenTTL: 300,
          jwt: { sign: { alg: new URL(resource).pathname.slice(1) } },
        }),
      },
    },
  });
  listener.on('request', provider.callback());
  console.log(`issuer ${issuer}`);
});
