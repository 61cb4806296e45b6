// Shows one time of a timeline: copies its columns into the Bokeh data sources on screen (lazyrich_dashboard.timeline).

// By data source: the columns that the server sent, and those shown in their place.
const moved = new Map();

function contentAt({index, offsets, values, shape}, k) {
  const content = values.slice(offsets[index[k]], offsets[index[k] + 1]);
  if (!shape) return content;
  return content.length ? [new values.constructor(content, shape)] : []; // Bokeh's own kind of array
}

function showSlice(document, tracks, k) {
  for (const {source: id, columns} of tracks) {
    const source = document.get_model_by_id(id);
    if (source == null) continue; // its page has been turned
    const before = moved.get(source);
    const sent = before?.shown === source.data ? before.sent : source.data;
    const shown = {...sent};
    for (const name in columns) shown[name] = contentAt(columns[name], k);
    source.data = shown;
    moved.set(source, {sent, shown: source.data});
  }
}

// A time of the grid in words, as numerals.py writes it.
function timeLabel([first, last], fraction) {
  const time = first * (last / first) ** fraction;
  const [factor, power] = time.toExponential(2).split("e").map(Number);
  if (power >= -4 && power < 5) return `t = ${Number(time.toPrecision(3))}`;
  const raised = [...String(power)].map(c => c == "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]).join("");
  return `t = ${factor == 1 ? "" : factor + "·"}10${raised}`;
}

// What the server has not replaced in the meantime becomes again what it sent last.
function putBack() {
  for (const [source, {sent, shown}] of moved) {
    if (source.data === shown) source.data = sent;
  }
  moved.clear();
}
