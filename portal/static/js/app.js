// The little the pages need beside htmx. Every page works without this file.
(() => {
  "use strict";
  const say = (text) => {
    const live = document.getElementById("live");
    if (live && text) live.textContent = text;
  };
  // A late part has arrived: tell it politely, leave focus where it is.
  document.addEventListener("htmx:after:swap", () => {
    const part = document.querySelector("[data-announce]");
    if (part) say(part.dataset.announce);
  });
  // It was refused in a rush: asked for again when the server said, three times at most, and soon or not at all.
  const again = ({ response, sourceElement: part }) => {
    const seconds = response?.status === 503 ? Number(response.headers.get("Retry-After")) : 0;
    const tries = Number(part?.dataset.tries ?? 0);
    if (!seconds || seconds > 10 || tries >= 3 || !part?.matches("[data-hx-trigger=load]")) return false;
    part.dataset.tries = tries + 1;
    setTimeout(() => htmx.process(part, true), (seconds + Math.random()) * 1000);
    return true;
  };
  // It did not come: what is shown stays, and the page says so, and no longer that it is being fetched.
  for (const trouble of ["htmx:error", "htmx:response:error"]) {
    document.addEventListener(trouble, (event) => {
      if (again(event.detail.ctx ?? {})) return;
      const failed = document.getElementById("late-failed");
      if (!failed) return;
      failed.hidden = false;
      for (const promise of document.querySelectorAll("[data-late]")) promise.hidden = true;
      say(failed.textContent);
    });
  }
  // A page kept by the browser may belong to a session that has ended.
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  // Quick exit: the link replaces the page in the history; Escape three times does the same.
  const exit = document.querySelector("[data-exit]");
  const leave = () => {
    document.body.hidden = true;
    location.replace(exit.href);
  };
  let escapes = [];
  if (exit) {
    exit.addEventListener("click", (event) => {
      event.preventDefault();
      leave();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") { escapes = []; return; }
      escapes = [...escapes, event.timeStamp].filter((at) => event.timeStamp - at < 2000);
      if (escapes.length > 2) leave();
    });
  }
  // A session ends when nobody uses it: ask two minutes before, and let one button go on (WCAG 2.2.1).
  // Another tab may have used it meanwhile, so the server is asked first; asking is no use of it.
  const expiry = document.getElementById("expiry");
  if (expiry) {
    const form = expiry.querySelector("form");
    const gone = () => { document.body.hidden = true; location.replace(location.pathname + location.search); };
    const ask = async (how) => {
      try {
        const answer = await fetch(form.action, { redirect: "manual", ...how });
        if (answer.ok) return (await answer.json()).seconds;
        return answer.type === "opaqueredirect" || answer.status === 403 ? 0 : null;
      } catch {
        return null; // no network, or trouble at the other end: nothing is known
      }
    };
    let timer;
    const wait = (seconds, then) => {
      clearTimeout(timer);
      timer = setTimeout(then, Math.max(seconds, 1) * 1000);
    };
    const check = async () => {
      const left = await ask();
      if (left === null) wait(15, check);
      else if (left < 1) gone();
      else if (left > 121) { expiry.close(); wait(left - 120, check); }
      else { if (!expiry.open) expiry.showModal(); wait(left + 1, check); }
    };
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const left = await ask({ method: "POST", body: new FormData(form) });
      if (left === 0) return gone();
      expiry.close();
      say(expiry.dataset.stayed);
      wait((left || 135) - 120, check);
    });
    wait(Number(expiry.dataset.seconds) - 180, check);
    // A phone that slept has no timers: it asks when it wakes.
    document.addEventListener("visibilitychange", () => document.hidden || wait(0, check));
  }
  // An overview is read at once, in the phone's own letters; ours, and the looks of what it does not show, come after.
  const { rest, worker } = document.body.dataset;
  const dress = () => document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: rest }));
  if (document.querySelector(`link[href="${rest}"]`) === null) {
    if (navigator.serviceWorker?.controller) dress();
    else addEventListener("load", () => requestAnimationFrame(() => setTimeout(dress)));
  }
  // When the page is there and nothing else waits: a page that is kept for when the network is away.
  if (worker && navigator.serviceWorker) {
    const register = () => navigator.serviceWorker.register(worker, { scope: "/", updateViaCache: "all" }).catch(() => {});
    addEventListener("load", () => setTimeout(register, 3000));
  }
  // "Udskriv" is a button only where a script can print.
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
})();
