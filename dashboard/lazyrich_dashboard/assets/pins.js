// The pinned runs: each one's line and marker, what it differs in, and a button that lets it go.
const MARKERS = {
  triangle: "M36 1l5 9h-10z", inverted_triangle: "M36 11l5-9h-10z", square: "M32 2h8v8h-8z", x: "M32 2l8 8M40 2l-8 8",
}
const SVG = "http://www.w3.org/2000/svg"

function sample({dash, marker}) {
  const svg = document.createElementNS(SVG, "svg")
  svg.setAttribute("viewBox", "0 0 44 12")
  svg.setAttribute("aria-hidden", "true")
  for (const [d, dashes] of [["M0 6h26", dash], [MARKERS[marker], ""]]) {
    const path = document.createElementNS(SVG, "path")
    path.setAttribute("d", d)
    path.setAttribute("stroke-dasharray", dashes)
    svg.append(path)
  }
  return svg
}

export function render({model, el}) {
  const list = document.createElement("ul")
  list.ariaLabel = "Pinned runs"
  el.append(list)

  function show() {
    list.replaceChildren(...model.pins.map((pin) => {
      const item = document.createElement("li")
      const words = document.createElement("span")
      words.textContent = pin.words
      const button = document.createElement("button")
      button.type = "button"
      button.title = button.ariaLabel = `Unpin ${pin.words}`
      button.textContent = "✕"
      button.onclick = () => model.send_msg({unpin: pin.slot})
      item.append(sample(pin), words, button)
      return item
    }))
  }
  model.on("pins", show)
  show()
}
