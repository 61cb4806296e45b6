// A view as a picture that stands alone: its figures in their places on the page, and a line of words below them that
// says what only the page around them says. Stands before tools.js.
const LINE = 24, FONT = 13, INDENT = 8  // pixels

// Where the figures on screen stand, from the upper left corner of the picture; one that is hidden is left out.
function placed(ids) {
  const views = ids.map((id) => Bokeh.index.find_one_by_id(id))
  const shown = views.filter((view) => view?.el.checkVisibility({visibilityProperty: true}))
  const boxes = shown.map((view) => view.el.getBoundingClientRect())
  const left = Math.min(...boxes.map((box) => box.left)), top = Math.min(...boxes.map((box) => box.top))
  const places = boxes.map(({x, y, width, height}, i) => ({view: shown[i], x: x - left, y: y - top, width, height}))
  const width = Math.max(...places.map((place) => place.x + place.width))
  return {places, width, height: LINE + Math.max(...places.map((place) => place.y + place.height))}
}

// A line that is too long for the picture is written smaller.
function font_size(words, width, family) {
  const context = document.createElement("canvas").getContext("2d")
  context.font = `${FONT}px ${family}`
  return Math.min(1, (width - 2 * INDENT) / context.measureText(words).width) * FONT
}

function as_png(figures, words, {colour, background, family}) {
  const {places, width, height} = placed(figures)
  const canvas = document.createElement("canvas"), context = canvas.getContext("2d")
  canvas.width = width * devicePixelRatio
  canvas.height = height * devicePixelRatio
  context.scale(devicePixelRatio, devicePixelRatio)
  context.fillStyle = background
  context.fillRect(0, 0, width, height)
  for (const one of places) context.drawImage(one.view.export("png").canvas, one.x, one.y, one.width, one.height)
  context.fillStyle = colour
  context.font = `${font_size(words, width, family)}px ${family}`
  context.fillText(words, INDENT, height - INDENT)
  return new Promise((resolve) => canvas.toBlob(resolve))
}

function as_svg(figures, words, {colour, background, family}) {
  const {places, width, height} = placed(figures)
  const element = (name, attributes, text = "") => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name)
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
    made.textContent = text
    return new XMLSerializer().serializeToString(made)
  }
  const own = ({view, x, y}) => view.export("svg").ctx.get_serialized_svg(true).replace("<svg ", `<svg x="${x}" y="${y}" `)
  const style = {"font-family": family, "font-size": font_size(words, width, family), fill: colour}
  const parts = [
    element("rect", {width, height, fill: background}),
    ...places.map(own),
    element("text", {x: INDENT, y: height - INDENT, ...style}, words),
  ]
  const text = `<svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="${width}" height="${height}">${parts.join("")}</svg>`
  return new Blob([text], {type: "image/svg+xml"})
}
