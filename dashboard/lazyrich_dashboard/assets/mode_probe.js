// The mode probe (lazyrich_dashboard.mode_probe). `showSlice` is that of timeline.js, here over modes in place of times.
export function render({model, el}) {
  const ending = new AbortController();
  const {signal} = ending;
  const label = document.createElement("label");
  const field = document.createElement("input");
  const words = document.createElement("output");
  Object.assign(field, {type: "number", min: 0, step: 1, placeholder: "–", title: "Mode of the kernel"});
  label.append("mode ", field);
  const root = document.createElement("div");
  root.className = "probe";
  root.append(label, words);
  let shown = model.mode; // the mode that is marked: the one under the pointer, or else the one chosen

  const show = (mode) => {
    if (mode != shown && model.tracks) showSlice(model.document, model.tracks, mode);
    shown = model.tracks ? mode : model.mode;
    write();
  };
  const choose = (mode) => {
    show(mode);
    model.mode = mode;
  };
  const share = () => {
    const {k} = outermost(root).lazyrichTime ?? {};
    return model.shares && k != null ? `${percent(model.shares[k * model.count + shown - 1])} of the train loss` : "";
  };
  const write = () => {
    field.max = model.count;
    if (field.getRootNode().activeElement != field) field.value = shown || "";
    words.textContent = shown ? share() : "hover or choose one";
    words.className = shown ? "" : "hint";
    const page = outermost(root);
    page.style?.setProperty("--lr-mode", shown ? "visible" : "hidden");
    page.lazyrichMode = shown ? [`mode ${shown}`, share()].filter(Boolean).join(": ") : ""; // for pictures
    place();
  };
  // In the upper right corner of the plot's frame, which a falling spectrum leaves free.
  const place = () => {
    const plot = Bokeh.index.find_one_by_id(model.figure);
    const {style} = root.getRootNode().host ?? {};
    if (!plot?.frame || !style) return;
    style.top = `${plot.frame.bbox.top + 4}px`;
    style.right = `${plot.bbox.width - plot.frame.bbox.right + 4}px`;
  };

  // On a logarithmic axis, with nothing to aim at but the rank.
  const nearest = (x) => {
    const below = Math.max(1, Math.min(model.count, Math.floor(x)));
    return Math.min(model.count, x * x > below * (below + 1) ? below + 1 : below);
  };
  document.addEventListener("lazyrich-pointer", ({detail: {figure, kind, x}}) => {
    if (figure != model.figure) return;
    if (kind == "mouseleave") show(model.mode);
    else if (kind == "mousemove") show(nearest(x));
    else choose(nearest(x) == model.mode ? 0 : nearest(x));
  }, {signal});
  field.addEventListener("input", () => {
    const mode = Math.round(Number(field.value));
    if (mode >= 0 && mode <= model.count) choose(mode);
  });
  field.addEventListener("blur", write);
  field.addEventListener("keydown", (event) => {
    if (event.key == "Escape") {
      field.value = "";
      choose(0);
    }
  });

  const follow = () => show(model.mode);
  model.on("mode", follow);
  model.on("count", write);
  // The server has marked the mode that is chosen; the pointer may be at another.
  model.on("tracks", () => {
    if (model.tracks && shown != model.mode) showSlice(model.document, model.tracks, shown);
    write();
  });
  model.on("shares", write);
  const resized = new ResizeObserver(() => requestAnimationFrame(place));
  model.on("remove", () => {
    ending.abort();
    resized.disconnect();
  });
  setTimeout(() => { // the element is placed after this function has returned
    outermost(root).addEventListener("lazyrich-time", write, {signal});
    if (root.getRootNode().host) resized.observe(root.getRootNode().host.parentElement ?? root.getRootNode().host.getRootNode().host);
    write();
  });
  return root;
}

function percent(share) {
  const value = 100 * share;
  return `${value < 0.1 ? "under 0.1" : value < 9.95 ? value.toPrecision(2) : value.toFixed(0)} %`;
}

// The element on the page itself in whose shadow this one stands.
function outermost(element) {
  const host = element.getRootNode().host;
  return host ? outermost(host) : element;
}
