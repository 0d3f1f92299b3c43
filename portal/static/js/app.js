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
  // It did not come: what is shown stays, and the page says so.
  for (const trouble of ["htmx:error", "htmx:response:error"]) {
    document.addEventListener(trouble, () => {
      const failed = document.getElementById("late-failed");
      if (!failed) return;
      failed.hidden = false;
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
  // Five minutes before the session ends: say so, while there is time to save.
  const expiry = document.getElementById("expiry");
  if (expiry) {
    const seconds = Number(expiry.dataset.seconds);
    const warn = () => {
      expiry.hidden = false;
      say(expiry.textContent.trim());
    };
    setTimeout(warn, Math.max(seconds - 300, 0) * 1000);
    setTimeout(() => location.replace(location.href), seconds * 1000 + 2000);
  }
  // "Udskriv" is a button only where a script can print.
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
})();
