// Panva's oidc-provider as a login provider nobody of this project wrote: `node this.mjs CONFIG`.
// CONFIG is JSON: port, portal (its base_url), client_id, people ({account: claims}), acr (the levels).
// What stands below is what an operator of a provider sets; everything else is its own.
// "POST /rotate" changes its signing key for a new one; "POST /interaction/<uid>" answers a login.
import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";

const installed = new URL("../e2e/node_modules/oidc-provider/lib/index.js", import.meta.url);
const { default: Provider } = await import(installed.href);
const told = JSON.parse(readFileSync(process.argv[2], "utf8"));
const issuer = `http://127.0.0.1:${told.port}`;
let number = 0;
let provider = made();

function made() {
    number += 1;
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const key = { ...privateKey.export({ format: "jwk" }), kid: `key-${number}`, alg: "ES256", use: "sig" };
    return new Provider(issuer, {
        jwks: { keys: [key] },
        clients: [{
            client_id: told.client_id,
            redirect_uris: [`${told.portal}/log-ind/retur`],
            post_logout_redirect_uris: [`${told.portal}/`],
            backchannel_logout_uri: `${told.portal}/log-ind/bagkanal`,
            backchannel_logout_session_required: true,
            jwks_uri: `${told.portal}/.well-known/jwks.json`,
            token_endpoint_auth_method: "private_key_jwt",
            token_endpoint_auth_signing_alg: "ES256",
            id_token_signed_response_alg: "ES256",
            response_types: ["code"],
            grant_types: ["authorization_code"],
        }],
        clientAuthMethods: ["private_key_jwt"],
        responseTypes: ["code"],
        scopes: ["openid", "ssn"],
        claims: { openid: ["sub"], ssn: ["cpr", "birthdate"], acr: null, auth_time: null, sid: null },
        acrValues: told.acr,
        pkce: { required: () => true },
        features: {
            devInteractions: { enabled: false },
            pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
            rpInitiatedLogout: { enabled: true },
            backchannelLogout: { enabled: true },
        },
        cookies: { keys: ["a key for the provider's own cookies"] },
        interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
        findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...told.people[id] }) }),
        loadExistingGrant: granted,
        fetch: (url, { dispatcher: _, ...options }) => fetch(url, options), // else loopback is refused
    });
}

async function granted(ctx) {
    const { client, session } = ctx.oidc;
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope("openid ssn");
    await grant.save();
    return grant;
}

async function body(request) {
    let text = "";
    for await (const part of request) text += part;
    return Object.fromEntries(new URLSearchParams(text));
}

async function answer(request, response) {
    const { account, acr, action } = await body(request);
    const result = action === "cancel"
        ? { error: "access_denied", error_description: "End-User aborted interaction" }
        : { login: { accountId: account, acr, remember: false } };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

createServer((request, response) => {
    if (request.method === "POST" && request.url === "/rotate") {
        provider = made();
        response.end();
    } else if (request.method === "POST" && request.url.startsWith("/interaction/")) {
        answer(request, response).catch((e) => { response.statusCode = 500; response.end(String(e)); });
    } else if (request.url.startsWith("/interaction/")) {
        response.end("who are you?");
    } else {
        provider.callback()(request, response);
    }
}).listen(told.port, "127.0.0.1", () => console.log("ready"));
