// Lets the portal say something when the network is away. It keeps the files every page shares and
// one page that speaks to nobody in particular; never an answer about a person. SHELL is put in front
// of this file when it is built, so that another build is another worker.
"use strict";
const OFFLINE = `/offline${location.search}`;
const KEPT = `shell ${location.pathname}${location.search}`;

const keep = async () => {
  const cache = await caches.open(KEPT);
  await cache.addAll([...SHELL, new Request(OFFLINE, { credentials: "omit" })]);
  await skipWaiting();
};
const tidy = async () => {
  const old = (await caches.keys()).filter((name) => name !== KEPT);
  await Promise.all(old.map((name) => caches.delete(name)));
  // A page does not wait for this worker to wake: the browser asks the network at once.
  if (registration.navigationPreload) await registration.navigationPreload.enable();
  await clients.claim();
};
const kept = async (what) => (await caches.open(KEPT)).match(what);
const page = async (event) => {
  try {
    return (await event.preloadResponse) || (await fetch(event.request));
  } catch {
    return (await kept(OFFLINE)) || Response.error();
  }
};
const file = async (request) => (await kept(request)) || fetch(request);

addEventListener("install", (event) => event.waitUntil(keep()));
addEventListener("activate", (event) => event.waitUntil(tidy()));
addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  if (request.mode === "navigate") event.respondWith(page(event));
  else if (SHELL.includes(new URL(request.url).pathname)) event.respondWith(file(request));
});
