// The player (lazyrich_dashboard.player). `showSlice`, `putBack` and `timeLabel` are those of timeline.js.

const SLICES_A_SECOND = 30; // at speed 1
const REST = 250; // milliseconds without a step after which the server is told
const SPEEDS = [0.25, 0.5, 1, 2];
const SHAPES = {
  first: ["Jump to the first step (Home)", "M6 6h2v12H6zm3.5 6 8.5 6V6z"],
  back: ["Step back (left arrow)", "M15.4 7.4 14 6l-6 6 6 6 1.4-1.4-4.6-4.6z"],
  play: ["Play (space)", "M8 5v14l11-7z"],
  pause: ["Pause (space)", "M6 19h4V5H6zm8-14v14h4V5z"],
  forward: ["Step forward (right arrow)", "M8.6 16.6 10 18l6-6-6-6-1.4 1.4 4.6 4.6z"],
  last: ["Jump to the end (End)", "M6 18l8.5-6L6 6zm10-12v12h2V6z"],
};
// What wants keys itself: arrows and Home in the first, space in both.
const TYPING = `input, textarea, select, [contenteditable=""], [contenteditable=true], [role=menu], [role=listbox],
  [role=slider], [role=combobox], [role=textbox], [role=tab], [role=dialog]`;
const PRESSED = "button, a[href], summary, [role=button]";

const abort = new Map(); // what ends the player drawn before, by model

export function render({model}) {
  abort.get(model.id)?.();
  const ending = new AbortController();
  const {signal} = ending;
  const last = model.steps;
  let k = model.position; // where the player stands
  let at = model.drawn[1]; // where the server has drawn
  let playing = false;
  let request, rest; // the next frame, the next message

  const root = document.createElement("div");
  root.className = "player";
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Training time");
  root.dataset.lmSuppressShortcuts = "true"; // JupyterLab's

  const button = (name, press) => {
    const made = document.createElement("button");
    made.type = "button";
    made.addEventListener("click", press);
    // After a click space should play and pause, and not press the same button again.
    made.addEventListener("mousedown", event => {
      event.preventDefault();
      slider.focus();
    });
    name_it(made, name);
    root.append(made);
    return made;
  };
  const name_it = (made, name) => {
    const [title, path] = SHAPES[name];
    made.title = title;
    made.setAttribute("aria-label", title.replace(/ \(.*/, ""));
    made.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${path}"/></svg>`;
  };

  button("first", () => step(-last));
  button("back", () => step(-1));
  const toggle = button("play", () => (playing ? pause() : play()));
  button("forward", () => step(1));
  button("last", () => step(last));

  const slider = document.createElement("input");
  Object.assign(slider, {type: "range", min: 0, max: last, step: 1, ariaLabel: "Time t", title: "Time t"});
  slider.addEventListener("input", () => {
    pause();
    go(Number(slider.value));
  });
  const label = document.createElement("output");
  const speed = document.createElement("select");
  Object.assign(speed, {ariaLabel: "Speed", title: "Speed"});
  speed.append(...SPEEDS.map(s => new Option(`${s}×`, s, s == 1, s == 1)));
  root.append(slider, label, speed);

  // Where the player stands, drawn from the timelines, or asked of the server where there are none.
  const go = next => {
    k = Math.max(0, Math.min(last, next));
    if (model.tracks) showSlice(model.document, model.tracks, k);
    else if (model.position == at) model.position = k; // one question at a time
    if (!playing) {
      clearTimeout(rest);
      rest = setTimeout(() => (model.position = k), REST);
    }
    write();
  };
  const step = by => {
    pause();
    go(k + by);
  };
  const write = () => {
    slider.value = k;
    const shown = model.tracks ? k : at;
    const words = timeLabel(model.ends, shown / last);
    label.textContent = slider.ariaValueText = words;
    const page = outermost(root);
    page.style?.setProperty("--lr-summary-opacity", k == at ? 1 : 0.4);
    // For others who show something of the time.
    page.lazyrichTime = {k: shown, label: words};
    page.dispatchEvent(new Event("lazyrich-time"));
  };

  const play = () => {
    const leaps = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const stride = leaps ? Math.round(last / 10) : 1;
    let before = performance.now();
    const frame = now => {
      if (!root.isConnected) return pause();
      request = requestAnimationFrame(frame);
      const interval = (leaps ? 1000 : 1000 / SLICES_A_SECOND) / speed.value;
      const steps = Math.floor((now - before) / interval + 0.1); // a screen's frames do not come to the millisecond
      if (steps <= 0) return;
      before = steps > 5 ? now : before + steps * interval; // after a pause of the browser it goes on where it was
      if (!model.tracks) return; // the controls move: it waits for their timelines
      go(k + (steps > 5 ? 1 : steps) * stride);
      if (k == last) pause();
    };
    if (k == last) go(0);
    playing = true;
    name_it(toggle, "pause");
    request = requestAnimationFrame(frame);
  };
  const pause = () => {
    if (!playing) return;
    playing = false;
    cancelAnimationFrame(request);
    name_it(toggle, "play");
    model.position = k;
  };

  // What the server draws is on screen until it is covered by the slice of where the player stands.
  const refresh = () => {
    if (signal.aborted) return;
    at = model.drawn[1];
    putBack();
    if (k != at) {
      if (model.tracks) showSlice(model.document, model.tracks, k);
      else model.position = k;
    }
    write();
  };
  model.on("drawn", () => queueMicrotask(refresh)); // when all of the server's message has been taken
  model.on("position", () => {
    if (model.position == k) return;
    k = model.position;
    pause();
    write();
  });

  const keys = {
    " ": () => toggle.click(),
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    Home: () => step(-last),
    End: () => step(last),
  };
  const press = event => {
    const {key, defaultPrevented, ctrlKey, altKey, metaKey} = event;
    if (!(key in keys) || defaultPrevented || ctrlKey || altKey || metaKey || !root.isConnected) return;
    const path = event.composedPath().filter(element => element.matches);
    const taken = path.some(element => element.matches(key == " " ? `${TYPING}, ${PRESSED}` : TYPING));
    if (taken && !(path[0] == slider && key == " ")) return;
    event.preventDefault();
    keys[key]();
  };

  const end = () => {
    ending.abort();
    pause();
    clearTimeout(rest);
  };
  abort.set(model.id, end);
  model.on("remove", end);
  // The element is placed after this function has returned.
  setTimeout(() => {
    if (signal.aborted) return;
    (model.takes_page_keys ? document : outermost(root)).addEventListener("keydown", press, {signal});
    write();
  });
  write();
  return root;
}

// The element on the page itself in whose shadow this one stands.
function outermost(element) {
  const host = element.getRootNode().host;
  return host ? outermost(host) : element;
}
