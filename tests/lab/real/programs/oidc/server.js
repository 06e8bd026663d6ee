// Serves oidc-provider, an OpenID Connect server, and a protected folder of invoices.
//
// argv: a folder with the PDFs, named by their percent-encoded number. One line of JSON says where it
// is. It ends with its input. A browser that comes is signed in, and agrees, at once.

import { createServer } from 'node:http';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Provider } from 'oidc-provider';

const [folder] = process.argv.slice(2);
const REDIRECT = 'https://portal.example.com/connected';
const SECRET = 's3cret:with/hard+characters&%7';

const client = (id, more) => ({
  client_id: id,
  client_secret: SECRET,
  redirect_uris: [],
  response_types: [],
  grant_types: ['client_credentials'],
  scope: 'invoices',
  ...more,
});

function makeProvider(origin) {
  return new Provider(origin, {
    clients: [
      client('in-header', { token_endpoint_auth_method: 'client_secret_basic' }),
      client('in-body', { token_endpoint_auth_method: 'client_secret_post' }),
      client('with-code', {
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [REDIRECT],
        response_types: ['code'],
        scope: 'openid offline_access',
      }),
    ],
    scopes: ['openid', 'offline_access', 'invoices'],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
    },
    cookies: { keys: ['a key of the lab'] },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: async (_, given) => given.grantTypeAllowed('refresh_token'),
    findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    interactions: { url: (_, interaction) => `/agree/${interaction.uid}` },
  });
}

async function agree(provider, request, response) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    return provider.interactionFinished(request, response, { login: { accountId: 'ann' } });
  }
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const consent = { grantId: await grant.save() };
  return provider.interactionFinished(request, response, { consent }, {
    mergeWithLastSubmission: true,
  });
}

async function sendInvoice(provider, request, response) {
  const [, value] = (request.headers.authorization ?? '').split(/^Bearer /);
  const token = value
    ? (await provider.ClientCredentials.find(value)) ?? (await provider.AccessToken.find(value))
    : undefined;
  if (!token || token.isExpired) {
    return response.writeHead(401, { 'WWW-Authenticate': 'Bearer' }).end();
  }
  const file = join(folder, request.url.slice('/invoices/'.length));
  if (!existsSync(file)) return response.writeHead(404).end();
  return response.writeHead(200, { 'Content-Type': 'application/pdf' }).end(readFileSync(file));
}

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const origin = `http://127.0.0.1:${server.address().port}`;
  const provider = makeProvider(origin);
  const answer = provider.callback();
  server.on('request', (request, response) => {
    if (request.url.startsWith('/agree/')) return agree(provider, request, response);
    if (request.url.startsWith('/invoices/')) return sendInvoice(provider, request, response);
    return answer(request, response);
  });
  process.stdout.write(`${JSON.stringify({ origin })}\n`);
});
process.stdin.on('end', () => process.exit(0)).resume();
