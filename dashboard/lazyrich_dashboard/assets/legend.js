// How many columns the legend above a figure has: all in one row if there is room, else rows of about the same length.
// projection.py has it run when the figure's width or text changes.
const gap = 4 // pixels: what the frame of the legend takes
const pen = document.createElement("canvas").getContext("2d")

function fit() {
  const plot = Bokeh.index.find_one(figure)
  for (const legend of plot ? figure.above.filter(one => one.type == "Legend") : []) {
    const entries = plot.views.find_one(legend)?.entries ?? []
    if (!entries.length || !plot.frame.bbox.width || !entries[0].label_el.isConnected) continue
    const widths = entries.map(({label_el, label}) => {
      pen.font = getComputedStyle(label_el).font
      return legend.glyph_width + legend.label_standoff + pen.measureText(label).width
    })
    const widest = (count, column) => Math.max(...widths.filter((_, i) => i % count == column))
    const needed = count => Array.from({length: count}, (_, i) => widest(count, i) + legend.spacing)
      .reduce((sum, width) => sum + width, 2 * legend.padding + gap - legend.spacing)
    const room = plot.bbox.width - plot.frame.bbox.left // it begins where the frame does, and is cut where the figure ends
    const most = Math.min(figure.tags[2] || widths.length, widths.length)
    let count = most
    for (let rows = 2; count > 1 && needed(count) > room; rows++) {
      count = Math.min(most, Math.ceil(widths.length / rows))
    }
    legend.ncols = count == widths.length ? "auto" : count
  }
}

requestAnimationFrame(fit) // the layout that is being made comes first
