// Keeps the part of a page with the id "live" fresh: by its stream where there is one, by asking every few seconds where not.
// The first element of that part says by data-every, in milliseconds, when to ask; 0 when nothing more will come.
(() => {
  const part = document.getElementById("live");
  const announced = document.getElementById("announced");
  let isStreaming = false;
  let timer;

  const state = () => part.firstElementChild?.dataset ?? {};

  function wait() {
    clearTimeout(timer);
    const every = Number(state().every ?? 0);
    if (every && !isStreaming && !document.hidden) timer = setTimeout(ask, every);
  }

  async function ask() {
    try {
      await htmx.ajax("GET", part.dataset.live, { target: part, swap: "innerHTML", select: part.dataset.select });
    } catch {
      // The site is away: it is asked again.
    }
    wait();
  }

  part.addEventListener("htmx:sseOpen", () => {
    isStreaming = true;
    wait();
  });
  for (const end of ["htmx:sseError", "htmx:sseClose"]) {
    part.addEventListener(end, () => {
      // Trying again to get a stream ends so, too: it must not put off the asking, which goes on already.
      if (!isStreaming) return;
      isStreaming = false;
      wait();
    });
  }
  part.addEventListener("htmx:beforeSwap", (event) => {
    const asked = new URL(part.dataset.live, location.href);
    // Signed out meanwhile: the page itself says so.
    if (new URL(event.detail.xhr.responseURL).pathname !== asked.pathname) location.reload();
    // The stream, open since, may have said more than this answer knows, and would not say it again.
    if (isStreaming) event.detail.shouldSwap = false;
  });
  part.addEventListener("htmx:afterSwap", () => {
    const said = state().state;
    if (announced && said && announced.textContent !== said) announced.textContent = said;
  });
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden && !isStreaming && Number(state().every ?? 0)) ask();
  });
  wait();
})();
