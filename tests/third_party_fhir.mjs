// A FHIR R4 server nobody of this project wrote: `node this.mjs PORT`. Its router, memory and validator
// are @medplum's; what stands here is the HTTP around them. PUT fills it, as its operator would, and is
// refused what is not R4. The first part of the path is the server: each has a memory of its own.
import { createServer } from "node:http";

const installed = (path) => import(new URL(`../e2e/node_modules/@medplum/${path}`, import.meta.url).href);
const { FhirRouter, MemoryRepository } = await installed("fhir-router/dist/esm/index.mjs");
const core = await installed("core/dist/esm/index.mjs");
const { readJson } = await installed("definitions/dist/index.js");
for (const file of ["profiles-types.json", "profiles-resources.json"]) {
    core.indexStructureDefinitionBundle(readJson(`fhir/r4/${file}`));
}
core.indexSearchParameterBundle(readJson("fhir/r4/search-parameters.json"));
const router = new FhirRouter();
const memories = new Map();

function query(text) {
    const pairs = new URLSearchParams(text);
    return Object.fromEntries([...new Set(pairs.keys())].map((key) => {
        const values = pairs.getAll(key);
        return [key, values.length > 1 ? values : values[0]];
    }));
}

async function answer(request, body) {
    const form = request.headers["content-type"] === "application/x-www-form-urlencoded";
    const json = form ? query(body) : body && JSON.parse(body);
    if (request.method === "PUT") core.validateResource(json);
    const { headers, method } = request;
    const [, name, url] = request.url.match(/^\/([a-z]+)(\/.*)$/);
    if (!memories.has(name)) memories.set(name, new MemoryRepository());
    const asked = { method, url, pathname: "", params: {}, query: {}, headers, body: json };
    return router.handleRequest(asked, memories.get(name));
}

const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    let outcome, resource;
    try {
        [outcome, resource] = await answer(request, body);
    } catch (error) {
        outcome = core.normalizeOperationOutcome(error);
    }
    response.writeHead(core.getStatus(outcome), { "Content-Type": "application/fhir+json" });
    response.end(JSON.stringify(resource ?? outcome));
});
server.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("ready"));
