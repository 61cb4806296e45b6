// The tools of a view: a row of small buttons and a drawer. views/tools.py is the other side.
const ICONS = {
  data: "M3 4h18v16H3zM3 10h18M3 15h18M9 4v16",
  why: "M9 9a3 3 0 1 1 4 2.8c-.8.4-1 .9-1 2.2M12 18v.01",
  alone: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  close: "M6 6l12 12M18 6L6 18",
}
const NAMES = {data: "Data and files", why: "Why?", alone: "This view alone"}

function button(label, inside) {
  const result = document.createElement("button")
  result.type = "button"
  result.title = result.ariaLabel = label
  result.innerHTML = ICONS[inside] ? `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${ICONS[inside]}"/></svg>` : inside
  return result
}

function parent_of(node) {
  return node.parentElement ?? node.getRootNode().host ?? null
}

function ancestor(node, css_class) {
  while (node && !node.classList?.contains(css_class)) node = parent_of(node)
  return node
}

// The element on the page itself in whose shadow this one stands.
function outermost(node) {
  const host = node.getRootNode().host
  return host ? outermost(host) : node
}

// What else stands beside a view and its ancestors, up to the whole page of views.
function others(view) {
  const found = []
  for (let node = view; node && !node.classList.contains("lr-grid"); node = parent_of(node)) {
    const siblings = Array.from(node.parentNode?.children ?? [])
    found.push(...siblings.filter((one) => one !== node && !["STYLE", "LINK"].includes(one.tagName)))
  }
  return ancestor(view, "lr-grid") ? found : []
}

function background_of(node) {
  for (; node; node = parent_of(node)) {
    const colour = getComputedStyle(node).backgroundColor
    if (!/^(transparent|rgba\(.*, 0\))$/.test(colour)) return colour
  }
  return "Canvas"
}

export function render({model, el}) {
  const bar = document.createElement("div")
  bar.className = "bar"
  bar.role = "toolbar"
  bar.ariaLabel = `${model.heading}: tools`
  const drawer = document.createElement("div")
  drawer.className = "drawer"
  drawer.role = "dialog"
  drawer.hidden = true
  const buttons = {}
  let hidden = null  // the elements that make room while the view stands alone

  for (const name of Object.keys(model.toggles)) {
    const toggle = buttons[name] = button("", "")
    toggle.classList.add("toggle")
    toggle.onclick = () => model.send_msg({toggle: name})
    bar.append(toggle)
  }
  for (const name of ["data", "why", "alone"]) {
    if (name == "why" && !model.has_why) continue
    buttons[name] = button(`${model.heading}: ${NAMES[name]}`, name)
    bar.append(buttons[name])
  }
  for (const name of ["data", "why"]) {
    if (buttons[name]) buttons[name].onclick = () => { model.drawer = model.drawer == name ? "" : name }
  }
  buttons.alone.onclick = () => stand_alone(hidden == null)

  function show_toggles() {
    for (const [name, [words, wish]] of Object.entries(model.toggles)) {
      buttons[name].textContent = words
      buttons[name].title = buttons[name].ariaLabel = `${model.heading}: ${wish}`
    }
  }

  function stand_alone(alone) {
    if (alone) {
      hidden = others(ancestor(el, "lr-view")).map((one) => [one, one.style.display])
      for (const [one] of hidden) one.style.display = "none"
    } else {
      for (const [one, display] of hidden) one.style.display = display
      hidden = null
    }
    buttons.alone.ariaPressed = String(alone)
    buttons.alone.focus()
  }

  // The player and the mode probe know what the browser shows, which may be ahead of the server.
  async function draw(type, make) {
    const {lazyrichTime, lazyrichMode} = outermost(el)
    const time = model.time && (lazyrichTime?.label ?? model.time)
    const mode = model.mode != null && (lazyrichMode ?? (model.mode ? `mode ${model.mode}` : ""))
    const style = {colour: getComputedStyle(bar).color, background: background_of(el), family: getComputedStyle(bar).fontFamily}
    const words = [model.heading, time, mode].filter(Boolean).join(", ")
    save(`lazyrich_${model.slug}.${type}`, await make(model.figures, words, style))
  }

  const FILES = {
    csv: ["CSV", () => model.send_msg({file: "csv"})],
    netcdf: ["NetCDF", () => model.send_msg({file: "netcdf"})],
    png: ["PNG", () => draw("png", as_png)],
    svg: ["SVG", () => draw("svg", as_svg)],
    html: ["Web page", () => model.send_msg({file: "html"})],
  }

  function fill() {
    const heading = document.createElement("header")
    const title = document.createElement("h3")
    title.textContent = `${model.heading}: ${NAMES[model.drawer]}`
    const close = button("Close", "close")
    close.onclick = () => { model.drawer = "" }
    heading.append(title, close)
    const files = document.createElement("p")
    files.className = "files"
    for (const [name, action] of model.drawer == "data" ? Object.values(FILES) : []) {
      const one = button(`Save as ${name}`, name)
      one.onclick = action
      files.append(one)
    }
    const body = document.createElement("div")
    body.className = "body"
    body.tabIndex = 0
    drawer.replaceChildren(heading, files, body)
    drawer.ariaLabel = title.textContent
    close.focus()
  }

  // Beside the view: at the window's right edge, or left of a view that stands there; under the buttons of a wide one.
  function place() {
    const view = ancestor(el, "lr-view").getBoundingClientRect()
    const room = Math.min(420, window.innerWidth - 24)
    const on_the_right = view.left + view.width / 2 < window.innerWidth / 2 + 100 || view.left < room
    const left = on_the_right ? window.innerWidth - room - 8 : view.left - room - 4
    drawer.style.width = `${room}px`
    drawer.style.left = `${left}px`
    drawer.style.top = on_the_right && left < view.right ? `${bar.getBoundingClientRect().bottom + 6}px` : "52px"
    drawer.style.background = background_of(el)
  }

  let opener = ""
  function open() {
    for (const name of ["data", "why"]) if (buttons[name]) buttons[name].ariaExpanded = String(model.drawer == name)
    drawer.hidden = model.drawer == ""
    if (model.drawer) {
      opener = model.drawer
      fill()
      place()
      show()
    } else if (opener) {
      buttons[opener].focus()
    }
  }

  function show() {
    const body = drawer.querySelector(".body")
    if (body) body.innerHTML = model.content
  }

  function escape(event) {
    if (event.key != "Escape") return
    if (model.drawer) model.drawer = ""
    else if (hidden) stand_alone(false)
  }

  // A container that looks at its own size notes that of the plot in it, which then does not find itself resized
  // (`LayoutDOMView.update_bbox`, bokehjs 3.9.2) and stays as large as it was, over the sentence below.
  function fit_plot() {
    const plot = Bokeh.index.find_one_by_id(model.figures[0])
    const {outer_width, outer_height} = plot?.model.attributes ?? {}
    const {width, height} = plot?.bbox ?? {}
    if (width && (outer_width != Math.round(width) || outer_height != Math.round(height))) plot.compute_layout()
  }
  const resized = new ResizeObserver(() => requestAnimationFrame(fit_plot))
  setTimeout(() => {
    const view = ancestor(el, "lr-view")
    for (const one of view ? [view, ...view.shadowRoot.children] : []) resized.observe(one)
  })

  document.addEventListener("keydown", escape)
  model.on("drawer", open)
  model.on("content", show)
  model.on("toggles", show_toggles)
  model.on("msg:custom", deliver)
  model.on("remove", () => document.removeEventListener("keydown", escape))
  if (model.drawer) model.drawer = ""  // left open on a page that was turned
  show_toggles()
  el.append(bar, drawer)
}
