// Where the labels of a figure go: to their side of a point or the other, within the frame and apart from one another.
// What has no room, or whose point is out of sight, is left out. `this` is the data source asked about; `sources` are
// all of them, each with whether its labels stand below their points. One that has an arrow stands where that says.
const font = figure.tags[1] || USUAL;
const [width, height] = ["inner_width", "inner_height"].map(name => {
  const size = figure.properties[name];
  return size.is_unset ? 0 : size.get_value();  // before the first layout
});
const pen = document.createElement("canvas").getContext("2d");
pen.font = `${font}px helvetica`;

const along = (value, range, isLog) => {
  const [at, start, end] = [value, range.start, range.end].map(isLog ? Math.log : Number);
  return (at - start) / (end - start);
};
const within = (low, size, room) => Math.max(0, Math.min(low, room - size));

const taken = [];
const isFree = (left, top, w, h) =>
  taken.every(box => left >= box.left + box.w || left + w <= box.left || top >= box.top + box.h || top + h <= box.top);

const place = (x, y, text, below) => {
  const lines = text.split("\n");
  const w = 4 + Math.max(...lines.map(line => pen.measureText(line).width)), h = 1.25 * font * lines.length;
  const sx = along(x, x_range, x_log) * width, sy = (1 - along(y, y_range, y_log)) * height;
  const hidden = {x: NaN, y: NaN, text};
  if (!(sx >= 0 && sx <= width && sy >= 0 && sy <= height)) return hidden;
  const points = {up: lines[0] == "▴", down: lines.at(-1) == "▾"};
  const [above, under] = [sy - h, sy + 2], sides = below || points.up ? [under, above] : [above, under];
  const moved = side => Math.abs(within(side, h, height) - side);
  const near = sides.filter(side => moved(side) <= font / 2);
  for (const side of near.length ? near : sides.slice(0, 1)) {
    const top = within(side, h, height);
    for (const left of [sx - w / 2, sx + 2, sx - w - 2].map(left => within(left, w, width))) {
      if (!isFree(left, top, w, h)) continue;
      taken.push({left, top, w, h});
      let shown = text;
      if (points.down && side == under) shown = ["▴", ...lines.slice(0, -1)].join("\n");
      if (points.up && side == above) shown = [...lines.slice(1), "▾"].join("\n");
      return {x: left + w / 2 - sx, y: top + (below ? 0 : h) - sy, text: shown};
    }
  }
  return hidden;
};

let asked = [];
for (const [source, below] of sources) {
  const {x, y, text} = source.data;
  const placed = Array.from(text, (word, i) => width ? place(x[i], y[i], `${word}`, below) : {x: 0, y: 0, text: `${word}`});
  if (source === this) asked = placed;
}
return asked.map(label => label[WANTED]);
