// An OpenID provider on a free port of loopback, with throw-away keys. The
// resource that a client asks for chooses the algorithm of its access token.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';

async function key(alg, kid, options) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true, ...options });
  return { ...(await exportJWK(privateKey)), alg, kid, use: 'sig' };
}

// What a resource shares with the provider for HS256.
const secret = Buffer.from('a-made-up-secret-of-the-tests-0123456789');

function signing(alg) {
  return alg.startsWith('HS') ? { alg, key: secret } : { alg };
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
    jwks: {
      keys: await Promise.all([
        key('RS256', 'rsa'), key('ES256', 'ec'), key('PS256', 'pss'), key('ES512', 'ec-521'), key('EdDSA', 'ed'),
        key('RS512', 'rsa-4096', { modulusLength: 4096 }),
      ]),
    },
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
          jwt: { sign: signing(new URL(resource).pathname.slice(1)) },
        }),
      },
    },
  });
  listener.on('request', provider.callback());
  console.log(`issuer ${issuer}`);
});
